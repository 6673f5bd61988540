"""The machines that run the files of a target, each with its compilers, and how a program
is started there."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import toolchain
from project import TARGETS, TOOLS, Target, run

DEBIAN_11 = TOOLS / "debian-11"
X86_MUSL = Path("/lib/ld-musl-x86_64.so.1")
MUSL_ARM64 = TOOLS / "musl-arm64"
ARM64_LIBC = Path("/usr/aarch64-linux-gnu")
CHROOT = "/usr/sbin/chroot"
QEMU = "qemu-aarch64"
WINE = Path("/usr/lib/wine/wine64")
WINE_PREFIX = TOOLS / "wine"
EVERY_MACHINE_NEEDS = ("go", "openssl", "pkg-config", "readelf")


@dataclass(frozen=True)
class Machine:
    """What runs a target. `needs` are files and commands without which it cannot.
    `version` is a command that prints the version of what the title names last. `start`
    starts a program; `loader` follows it if the program is linked dynamically."""

    target: Target
    name: str
    title: str
    version: tuple[str, ...]
    needs: tuple[str | Path, ...]
    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    start: tuple[str, ...] = ()
    loader: tuple[str, ...] = ()
    root: Path = Path("/")
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def zig_environment(self) -> dict[str, str]:
        """Where zig keeps what it has compiled once."""
        return {"ZIG_GLOBAL_CACHE_DIR": str(TOOLS / "zig-cache")}

    @property
    def go_environment(self) -> dict[str, str]:
        """zig compiles the C part of a Go program, for each machine."""
        system = "windows" if self.target.windows else "linux"
        processor = {"x86_64": "amd64", "aarch64": "arm64"}[self.target.name.partition("-")[0]]
        return {"GOOS": system, "GOARCH": processor, "CGO_ENABLED": "1",
                "CC": " ".join(zig_cc(self.target)), **self.zig_environment}

    def description(self) -> str:
        """The title with the version, such as `chroot of Debian 11, glibc 2.31`."""
        done = subprocess.run(self.version, capture_output=True, text=True, env=os.environ | self.environment)
        found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
        return f"{self.title} {found[0] if found else 'of unknown version'}"

    def missing(self) -> list[str]:
        return [str(need) for need in (*EVERY_MACHINE_NEEDS, *self.needs) if not present(need)]

    def inside(self, path: Path) -> str:
        """The name of a path of ours for a program of the machine."""
        if self.target.windows:
            return "Z:" + str(path).replace("/", "\\")
        return "/" + str(path.relative_to(self.root))

    def command(self, folder: Path, words: list[str]) -> list[str]:
        """The command line of a program that runs in the folder."""
        if self.root != Path("/"):
            return [CHROOT, str(self.root), "/usr/bin/env", "-C", self.inside(folder), *words]
        loader = self.loader if self.loader and is_dynamic(words[0]) else ()
        return [*self.start, *loader, *words]


def present(need: str | Path) -> bool:
    return need.exists() if isinstance(need, Path) else shutil.which(need) is not None


def is_dynamic(program: str) -> bool:
    """Whether an ELF program is started by a loader."""
    return "program interpreter" in run("readelf", "--program-headers", program)


def zig_target(target: Target) -> str:
    return target.zig or "x86_64-windows-gnu"


def zig_cc(target: Target, language: str = "cc") -> tuple[str, ...]:
    """The C or C++ compiler of zig. It links programs for musl statically unless told otherwise."""
    dynamic = ("-dynamic",) if target.musl else ()
    return (str(toolchain.zig()), language, "-target", zig_target(target), *dynamic)


def all_machines() -> list[Machine]:
    """Every machine, in the order in which they are reported."""
    return [native(), debian_11(), qemu(), musl(), qemu_musl(), wine()]


def native() -> Machine:
    target = TARGETS["x86_64-unknown-linux-gnu"]
    return Machine(
        target, "native", "this machine, glibc",
        version=("getconf", "GNU_LIBC_VERSION"),
        needs=(toolchain.zig(), "g++"),
        cc=zig_cc(target),
        cxx=("g++",),
    )


def debian_11() -> Machine:
    """Its compilers run in the chroot too."""
    return Machine(
        TARGETS["x86_64-unknown-linux-gnu"], "debian-11", "chroot of Debian 11, glibc",
        version=(CHROOT, str(DEBIAN_11), "/lib/x86_64-linux-gnu/libc.so.6"),
        needs=(toolchain.zig(), Path(CHROOT), DEBIAN_11 / "usr/bin/g++-9"),
        cc=("/usr/bin/gcc-9",),
        cxx=("/usr/bin/g++-9",),
        root=DEBIAN_11,
    )


def qemu() -> Machine:
    target = TARGETS["aarch64-unknown-linux-gnu"]
    return Machine(
        target, "qemu", "qemu-user",
        version=(QEMU, "--version"),
        needs=(toolchain.zig(), QEMU, "aarch64-linux-gnu-g++", ARM64_LIBC / "lib/libstdc++.so.6"),
        cc=zig_cc(target),
        cxx=("aarch64-linux-gnu-g++",),
        # Not `-L`: with it, qemu takes the root directory for that of the libraries.
        start=(QEMU,),
        loader=(str(ARM64_LIBC / "lib/ld-linux-aarch64.so.1"), "--library-path", str(ARM64_LIBC / "lib")),
    )


def musl() -> Machine:
    target = TARGETS["x86_64-unknown-linux-musl"]
    return Machine(
        target, "musl", "Debian's musl",
        version=(str(X86_MUSL),),
        needs=(toolchain.zig(), X86_MUSL),
        cc=zig_cc(target),
        cxx=zig_cc(target, "c++"),
    )


def qemu_musl() -> Machine:
    target = TARGETS["aarch64-unknown-linux-musl"]
    loader = MUSL_ARM64 / "lib/ld-musl-aarch64.so.1"
    return Machine(
        target, "qemu-musl", "qemu-user with Debian's musl",
        version=(QEMU, str(loader)),
        needs=(toolchain.zig(), QEMU, loader),
        cc=zig_cc(target),
        cxx=zig_cc(target, "c++"),
        start=(QEMU,),
        loader=(str(loader),),
    )


def wine() -> Machine:
    return Machine(
        TARGETS["x86_64-pc-windows-gnu"], "wine", "wine",
        version=(str(WINE), "--version"),
        needs=(toolchain.zig(), WINE, WINE_PREFIX / "system.reg", "x86_64-w64-mingw32-g++"),
        cc=("x86_64-w64-mingw32-gcc",),
        cxx=("x86_64-w64-mingw32-g++", "-static-libgcc", "-static-libstdc++"),
        start=(str(WINE),),
        environment={"WINEPREFIX": str(WINE_PREFIX), "WINEDEBUG": "-all"},
    )
