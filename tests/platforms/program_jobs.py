"""Programs in C, C++ and Go that use the library: compiled for the target, run there."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import archive
from case import Case, check
from command_jobs import stored
from project import DIST, VERSION, Failure, run
from server import KEY, REFUSED_KEY, USERNAME

PROGRAMS = Path(__file__).resolve().parent / "programs"
GO_PACKAGE = "libwandb-login.invalid/wandb"
Job = Callable[[Case], None]


def pkg_config(case: Case, *options: str) -> list[str]:
    """The flags of a user who has unpacked the archive, as the machine's compiler takes them."""
    words = run("pkg-config", *options, "wandb_login", env=pkg_config_environment(case)).split()
    outside = str(case.package)
    return [word.replace(outside, compiler_path(case, case.package)) for word in words]


def pkg_config_environment(case: Case) -> dict[str, str]:
    return os.environ | {"PKG_CONFIG_LIBDIR": str(case.package / "lib/pkgconfig")}


def compiler_path(case: Case, path: Path) -> str:
    """The name of a path for the compiler, which in a chroot is one of its programs."""
    return str(path) if case.machine.target.windows else case.machine.inside(path)


def compile(case: Case, name: str, language: str, sources: list[str], flags: list[str]) -> Path:
    """Compiles files of `programs` into a program in the folder of the case."""
    compiler = case.machine.cxx if language == "c++" else case.machine.cc
    copied = [shutil.copy(PROGRAMS / source, case.folder) for source in sources]
    output = case.folder / (name + (".exe" if case.machine.target.windows else ""))
    words = [*compiler, "-O1", "-Wall", "-Wextra", "-Werror",
             *(["-std=c++17"] if language == "c++" else []),
             "-o", compiler_path(case, output), *(compiler_path(case, Path(file)) for file in copied), *flags]
    if case.machine.root != Path("/"):
        words = case.machine.command(case.folder, words)
    run(*words, cwd=case.folder, env=os.environ | case.machine.zig_environment)
    return output


def shared_flags(case: Case) -> list[str]:
    """Links with the shared library, and finds it at run time."""
    if case.machine.target.windows:
        shutil.copy(case.package / "bin/wandb_login.dll", case.folder)
        return pkg_config(case, "--cflags", "--libs")
    return [*pkg_config(case, "--cflags", "--libs"), f"-Wl,-rpath,{case.machine.inside(case.package)}/lib"]


def static_flags(case: Case) -> list[str]:
    """Links with the static library, which the system libraries follow."""
    library = compiler_path(case, case.package / "lib/libwandb_login.a")
    words = pkg_config(case, "--cflags", "--libs", "--static")
    return [library if word == "-lwandb_login" else word for word in words]


def try_program(case: Case, program: Path, **variables: str) -> None:
    """Logs in with a new key, with the stored key, and with one that the server refuses."""
    home, url = case.new_home(), case.server.url
    variables |= case.trusting()
    done = case.run(home, program, url, KEY, **variables).expect(0)
    check(done.output == f"-|{url}|{USERNAME}\n", f"the program printed {done.output!r}")
    check([key for _, key in stored(case, home)] == [KEY], f"netrc has {stored(case, home)}")
    done = case.run(home, program, url, **variables).expect(0)
    check(done.output.endswith(f"netrc|{url}|{USERNAME}\n"), f"with the stored key it printed {done.output!r}")
    case.run(home, program, url, REFUSED_KEY, **variables).expect(3)
    check([key for _, key in stored(case, home)] == [KEY], "the refused key replaced the stored one")


def c_with_the_shared_library(case: Case) -> None:
    try_program(case, compile(case, "c-shared", "c", ["login.c"], shared_flags(case)))


def c_with_the_static_library(case: Case) -> None:
    program = compile(case, "c-static", "c", ["login.c"], static_flags(case))
    check(b"libwandb_login.so" not in program.read_bytes(), "the program loads the shared library")
    try_program(case, program)


def c_with_the_import_library_for_msvc(case: Case) -> None:
    shutil.copy(case.package / "bin/wandb_login.dll", case.folder)
    library = case.package / "lib/wandb_login.lib"
    flags = [*pkg_config(case, "--cflags"), compiler_path(case, library)]
    try_program(case, compile(case, "c-lib", "c", ["login.c"], flags))


def c_that_loads_the_library(case: Case) -> None:
    flags = pkg_config(case, "--cflags") + ([] if case.machine.target.windows else ["-ldl"])
    program = compile(case, "c-loaded", "c", ["login.c", "loaded.c"], flags)
    library = case.package / case.machine.target.shared
    try_program(case, program, LIBRARY=case.machine.inside(library))


def cpp(case: Case) -> None:
    try_program(case, compile(case, "cpp", "c++", ["login.cpp"], shared_flags(case)))


def build_go(case: Case, name: str, folder: Path, flags: list[str], **variables: str) -> Path:
    """Compiles the Go program in a folder."""
    program = case.folder / (name + (".exe" if case.machine.target.windows else ""))
    words = ["go", "build", "-trimpath", "-o", str(program), *flags, "."]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True,
                          env=pkg_config_environment(case) | case.machine.go_environment | variables)
    if done.returncode:
        raise Failure(f"go build: {done.stderr.strip()}")
    return program


def go(case: Case) -> None:
    flags = []
    if case.machine.target.windows:
        shutil.copy(case.package / "bin/wandb_login.dll", case.folder)
    else:
        flags = ["-ldflags", f"-r {case.machine.inside(case.package)}/lib"]
    # Go's cache ignores what pkg-config prints, and would use the flags of another case. An
    # option for this one package is enough to compile it again.
    flags.append(f"-gcflags={GO_PACKAGE}=-I={case.folder}")
    try_program(case, build_go(case, "go-program", PROGRAMS / "go", flags))


def go_with_the_released_module(case: Case) -> None:
    """The static library in the Go module of the release; pkg-config is not used."""
    folder, proxy = case.folder / "go-module", case.folder / "go-proxy"
    archive.unpack(DIST / f"wandb-login-{VERSION}-go.zip", proxy)
    shutil.copytree(PROGRAMS / "go", folder)
    module = (folder / "go.mod").read_text()
    released = re.sub(r"^replace .*\n|v[0-9.]+$", lambda found: f"v{VERSION}" if found[0][0] == "v" else "",
                      module, flags=re.MULTILINE)
    (folder / "go.mod").write_text(released)
    program = build_go(
        case, "go-static", folder, ["-mod=mod", "-modcacherw", *(["-tags", "musl"] if case.machine.target.musl else [])],
        CGO_LDFLAGS="-lunwind" if case.machine.target.windows else "",  # zig links its unwinder only if told
        GOPROXY=proxy.as_uri(), GONOSUMDB="*", GOMODCACHE=str(case.folder / "go-modules"), PKG_CONFIG="/nonexistent")
    try_program(case, program)


def jobs(windows: bool) -> list[Job]:
    """The jobs of a target's programs."""
    made = [c_with_the_shared_library, c_with_the_static_library, c_that_loads_the_library, cpp, go, go_with_the_released_module]
    return [*made, c_with_the_import_library_for_msvc] if windows else made
