"""What must be true of each released file. The functions read the real files."""

import re
from pathlib import Path

from project import OLDEST_GLIBC, ROOT, Failure, Target, run

# What a shared library or the command may load: the C library, and on Windows the system.
ALLOWED_LIBRARIES = re.compile(
    r"libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux[-_a-z0-9]*\.so\.[12]"
    r"|libc\.musl-(x86_64|aarch64)\.so\.1"
    r"|(api-ms-win-[-a-z0-9]+|advapi32|bcrypt|bcryptprimitives|crypt32|kernel32|msvcrt|ntdll|ole32|oleaut32"
    r"|shell32|user32|userenv|ws2_32)\.dll",
    re.IGNORECASE,
)


def version_key(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def newest_glibc(version_info: str) -> str | None:
    """The newest glibc that a file needs, by `readelf --version-info`."""
    return max(re.findall(r"\bGLIBC_(\d[\d.]*)", version_info), key=version_key, default=None)


def check_glibc(file: Path) -> str:
    """Fails if the file needs a newer glibc than the oldest that is supported."""
    newest = newest_glibc(run("readelf", "--version-info", "--wide", file))
    if newest and version_key(newest) > version_key(OLDEST_GLIBC):
        raise Failure(f"{file} needs glibc {newest}; the files of a release must load with {OLDEST_GLIBC}")
    return newest or "none"


def exports(target: Target, file: Path) -> set[str]:
    """The names that a shared library defines for others."""
    if target.apple:
        return {name.removeprefix("_") for name in run("nm", "-gUj", file).split()}
    if target.windows:
        table = run(target.binutils + "objdump", "-p", file).partition("[Ordinal/Name Pointer] Table")[2]
        return set(re.findall(r"^\t\[ *\d+\](?: \+base\[ *\d+\])?(?: +[0-9a-f]+)? (\w+)$", table, re.MULTILINE))
    rows = (line.split() for line in run("readelf", "--dyn-syms", "--wide", file).splitlines())
    return {row[7].partition("@")[0] for row in rows if len(row) > 7 and row[4] != "LOCAL" and row[6].isdigit()}


def check_exports(target: Target, file: Path) -> None:
    """Fails unless the library exports what the header declares, and nothing else."""
    expected = set((ROOT / "tests/c/symbols.txt").read_text().split())
    if found := exports(target, file) ^ expected:
        raise Failure(f"{file}: its exports and tests/c/symbols.txt differ: {' '.join(sorted(found))}")


def libraries(target: Target, file: Path) -> list[str]:
    """The shared libraries that a file loads."""
    if target.windows:
        return re.findall(r"DLL Name: (\S+)", run(target.binutils + "objdump", "-p", file))
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", file))


def check_libraries(target: Target, file: Path) -> None:
    """Fails if a file needs a library that the system does not provide."""
    if foreign := [name for name in libraries(target, file) if not ALLOWED_LIBRARIES.fullmatch(name)]:
        raise Failure(f"{file} loads {' '.join(foreign)}, which a user's machine may not have")


def check_static(target: Target, file: Path) -> None:
    """Fails unless the static library defines the functions of the header alone, holds no
    bitcode and brings its own unwinder. For Windows, whose compiler brings the unwinder, all
    other symbols have the library's prefix."""
    # First: where LLVM's plugin for binutils is installed, nm reads bitcode in place of symbols.
    if b".llvmbc" in file.read_bytes():
        raise Failure(f"{file} holds LLVM bitcode")
    table = run(target.binutils + "nm", "--extern-only", file)
    symbols = re.findall(r"^[0-9a-f ]*([A-Za-z]) (\S+)$", table, re.MULTILINE)
    defined = {name for kind, name in symbols if kind not in "Uw"}
    if target.windows:
        defined = {name for name in defined if not name.startswith("wandb_login_private_")}
    expected = set((ROOT / "tests/c/symbols.txt").read_text().split())
    if found := defined ^ expected:
        raise Failure(f"{file}: its global symbols and tests/c/symbols.txt differ: {' '.join(sorted(found))}")
    unwind = sorted({name for kind, name in symbols if kind in "Uw" and name.startswith("_Unwind_")})
    if unwind and not target.windows:
        raise Failure(f"{file} needs an unwinder: {' '.join(unwind)}")


def check_paths(file: Path, folders: list[Path]) -> None:
    """Fails if the file names a folder of the machine that built it."""
    content = file.read_bytes()
    for folder in folders:
        if str(folder).encode() in content:
            raise Failure(f"{file} names {folder}, a folder of the machine that built it")


def check_files(target: Target, folders: list[tuple[Path, str]]) -> None:
    """All checks of one target's files."""
    files = target.files
    check_exports(target, files / target.shared)
    if not target.apple:
        check_static(target, files / target.static)
    for file in (target.shared, target.command):
        if not target.apple:
            check_libraries(target, files / file)
        if target.glibc:
            check_glibc(files / file)
    own = [folder for folder, _ in folders] + [Path.home()]
    # dlltool makes a symbol of a path.
    own += [Path(re.sub(r"\W", "_", str(folder))) for folder, name in folders if name == "/target"]
    for file in files.rglob("*"):
        if file.is_file():
            check_paths(file, [folder for folder in own if folder != Path("/")])
