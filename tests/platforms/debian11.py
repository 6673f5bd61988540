"""The CMake project of a user, with the CMake and gcc 9 of Debian 11 and without Rust."""

import shutil
from collections.abc import Callable
from pathlib import Path

from case import Case, check
from command_jobs import stored
from project import ROOT, VERSION, run
from server import KEY

PROGRAMS = ["c_shared", "c_static", "cpp_shared", "cpp_static", "c_wandb_login", "cpp_wandb_login"]


def builds_with(generator: str) -> Callable[[Case], None]:
    """The job: find_package in the unpacked archive, a build, and a login by each program."""

    def job(case: Case) -> None:
        source = shutil.copytree(ROOT / "tests/cmake-project", case.folder / "cmake-project", dirs_exist_ok=True)
        build = case.folder / f"build-{generator.split()[0]}"
        in_chroot(case, "cmake", "-S", source, "-B", build, "-G", generator, "-DCMAKE_C_COMPILER=gcc-9",
                  "-DCMAKE_CXX_COMPILER=g++-9", f"-DCMAKE_PREFIX_PATH={case.machine.inside(case.package)}",
                  f"-DWANTED={'.'.join(VERSION.split('.')[:2])}")
        in_chroot(case, "cmake", "--build", build)
        home = case.new_home()
        case.wandb_login(home, "login", KEY).expect(0)
        check(stored(case, home) == [("api.wandb.ai", KEY)], f"netrc has {stored(case, home)}")
        for name in PROGRAMS:
            output = case.run(home, build / name).expect(0).output
            check("netrc https://api.wandb.ai" in output, f"{name} printed {output!r}")

    job.__name__ = f"cmake_project_with_{generator.replace(' ', '_').lower()}"
    return job


def in_chroot(case: Case, *words: object) -> None:
    inside = [case.machine.inside(word) if isinstance(word, Path) else str(word) for word in words]
    run(*case.machine.command(case.folder, ["/usr/bin/" + inside[0], *inside[1:]]))


def there_is_no_rust(case: Case) -> None:
    """The build above can only have used the files of the archive."""
    folders = [case.machine.root / name for name in ("usr/bin", "usr/local/bin", "root/.cargo/bin")]
    found = [path for folder in folders for name in ("cargo", "rustc") if (path := folder / name).exists()]
    check(not found, f"the chroot has {found}")


JOBS = [there_is_no_rust, builds_with("Unix Makefiles"), builds_with("Ninja")]
