"""The packages that are made from the archives of a release. Each module has a function
make(targets, seconds), which leaves out targets that it has no package for."""

from concurrent.futures import ThreadPoolExecutor

from conan import package as conan
from deb import package as deb
from go import package as go
from julia import package as julia
from project import DIST, INSTALLER, OLDEST_GLIBC, ROOT, Target
from wheel import package as wheel

KINDS = [deb, wheel, conan, go, julia]


def names(target: Target) -> list[str]:
    """The names of the files for one target, in target/dist."""
    return [path.name for kind in (deb, wheel, julia) for path in kind.files(target)]


def common_names() -> list[str]:
    """The names of the files with the files or the checksums of all targets, in target/dist."""
    return [INSTALLER, *(kind.package_file().name for kind in (conan, go, julia))]


def write_installer() -> None:
    """Writes the installer, which knows the oldest glibc that the files load with."""
    text = (ROOT / "release" / INSTALLER).read_text()
    (DIST / INSTALLER).write_text(text.replace("@OLDEST_GLIBC@", OLDEST_GLIBC))


def make(targets: list[Target], seconds: int, jobs: int) -> None:
    """Makes all packages of the targets, and the installer. All files get the time `seconds`."""
    write_installer()
    with ThreadPoolExecutor(jobs) as pool:
        for outcome in [pool.submit(kind.make, targets, seconds) for kind in KINDS]:
            outcome.result()
