"""The machines that run the files of a target, each with its compilers, and how a program
is started there."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import toolchain
from project import TARGETS, TOOLS, Target

DEBIAN_11 = TOOLS / "debian-11"
MUSL_ARM64 = TOOLS / "musl-arm64"
ARM64_LIBC = Path("/usr/aarch64-linux-gnu")
WINE = Path("/usr/lib/wine/wine64")
WINE_PREFIX = TOOLS / "wine"


@dataclass(frozen=True)
class Machine:
    """What runs a target. `needs` are files and commands without which it cannot."""

    target: Target
    name: str
    title: str
    needs: tuple[str | Path, ...]
    cc: tuple[str, ...]
    cxx: tuple[str, ...]
    start: tuple[str, ...] = ()
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

    def missing(self) -> list[str]:
        return [str(need) for need in self.needs if not present(need)]

    def inside(self, path: Path) -> str:
        """The name of a path of ours for a program of the machine."""
        if self.target.windows:
            return "Z:" + str(path).replace("/", "\\")
        return "/" + str(path.relative_to(self.root))

    def command(self, folder: Path, words: list[str]) -> list[str]:
        """The command line of a program that runs in the folder."""
        if self.root != Path("/"):
            return ["/usr/sbin/chroot", str(self.root), "/usr/bin/env", "-C", self.inside(folder), *words]
        return [*self.start, *words]


def present(need: str | Path) -> bool:
    return need.exists() if isinstance(need, Path) else shutil.which(need) is not None


def zig_target(target: Target) -> str:
    return target.zig or "x86_64-windows-gnu"


def zig_cc(target: Target, language: str = "cc") -> tuple[str, ...]:
    """The C or C++ compiler of zig. It links programs for musl statically unless told otherwise."""
    dynamic = ("-dynamic",) if target.musl else ()
    return (str(toolchain.zig()), language, "-target", zig_target(target), *dynamic)


def _qemu(libraries: Path) -> tuple[str, ...]:
    return ("qemu-aarch64", "-L", str(libraries))


def all_machines() -> list[Machine]:
    """Every machine, in the order in which they are reported."""
    x86, arm, x86_musl, arm_musl, windows = (
        TARGETS[name] for name in (
            "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl",
            "aarch64-unknown-linux-musl", "x86_64-pc-windows-gnu"))
    zig = toolchain.zig()
    return [
        Machine(x86, "native", "this machine", (zig, "g++"), zig_cc(x86), ("g++",)),
        Machine(x86, "debian-11", "chroot of Debian 11", (zig, Path("/usr/sbin/chroot"), DEBIAN_11 / "usr/bin/g++-9"),
                ("/usr/bin/gcc-9",), ("/usr/bin/g++-9",), root=DEBIAN_11),
        Machine(arm, "qemu", "qemu-user", (zig, "qemu-aarch64", "aarch64-linux-gnu-g++", ARM64_LIBC / "lib/libstdc++.so.6"),
                zig_cc(arm), ("aarch64-linux-gnu-g++",), start=_qemu(ARM64_LIBC)),
        Machine(x86_musl, "musl", "the loader of Debian's musl", (zig, Path("/lib/ld-musl-x86_64.so.1")),
                zig_cc(x86_musl), zig_cc(x86_musl, "c++")),
        Machine(arm_musl, "qemu-musl", "qemu-user with the loader of Debian's musl",
                (zig, "qemu-aarch64", MUSL_ARM64 / "lib/ld-musl-aarch64.so.1"),
                zig_cc(arm_musl), zig_cc(arm_musl, "c++"), start=_qemu(MUSL_ARM64)),
        Machine(windows, "wine", "wine", (zig, WINE, WINE_PREFIX / "system.reg", "x86_64-w64-mingw32-g++"),
                ("x86_64-w64-mingw32-gcc",), ("x86_64-w64-mingw32-g++", "-static-libgcc", "-static-libstdc++"),
                start=(str(WINE),), environment={"WINEPREFIX": str(WINE_PREFIX), "WINEDEBUG": "-all"}),
    ]
