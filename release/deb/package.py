"""Makes the Debian packages of a release from its archives, with debhelper.

The packages are libwandb-login0, libwandb-login-dev and wandb-login."""

import os
import shutil
import textwrap
from email.utils import formatdate
from pathlib import Path
from tempfile import TemporaryDirectory

import archive
from project import DIST, OLDEST_GLIBC, ROOT, VERSION, Target, run, say

TEMPLATE = Path(__file__).parent / "debian"
PACKAGES = ["libwandb-login0", "libwandb-login-dev", "wandb-login"]

# Debian's names of the processors.
ARCHITECTURES = {"x86_64-unknown-linux-gnu": "amd64", "aarch64-unknown-linux-gnu": "arm64"}


def maintainer() -> str:
    """Who makes the packages, as "Name <address>", from WANDB_LOGIN_MAINTAINER."""
    return os.environ.get("WANDB_LOGIN_MAINTAINER") or "The libwandb_login authors <authors@libwandb-login.invalid>"


def files(target: Target) -> list[Path]:
    """The packages of one target; none if Debian does not have it."""
    if target.name not in ARCHITECTURES:
        return []
    return [DIST / f"{name}_{VERSION}-1_{ARCHITECTURES[target.name]}.deb" for name in PACKAGES]


def write_debian(folder: Path, seconds: int) -> None:
    """Copies the template, and fills in what is known when the packages are made."""
    text = (ROOT / "LICENSE-MIT").read_text().split("\n\n", 2)[2] # without title and holder
    licence = "\n".join(line or "." for line in text.splitlines())
    values = {
        "VERSION": VERSION,
        "OLDEST_GLIBC": OLDEST_GLIBC,
        "MAINTAINER": maintainer(),
        "DATE": formatdate(seconds),
        "MIT": textwrap.indent(licence, " "),
    }
    shutil.copytree(TEMPLATE, folder)
    overrides = (folder / "lintian-overrides").read_text()
    for package in PACKAGES:
        (folder / f"{package}.lintian-overrides").write_text(overrides)
    for file in folder.iterdir():
        text = file.read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        file.write_text(text)


def make_target(target: Target, seconds: int) -> None:
    with TemporaryDirectory() as name:
        work = Path(name)
        write_debian(work / "debian", seconds)
        environment = {
            **os.environ,
            "SOURCE": str(ROOT / "bindings/cpp"),
            "ARCHIVE": str(archive.unpack(target.archive, work)),
            "OUTPUT": str(DIST),
            "SOURCE_DATE_EPOCH": str(seconds),
        }
        # --force: without a compiler for the target, which is not needed.
        run("dpkg-architecture", "--force", "-a", ARCHITECTURES[target.name],
            "-c", "debian/rules", "binary", env=environment, cwd=work)


def make(targets: list[Target], seconds: int) -> None:
    """Makes the packages of those targets that Debian has."""
    for target in filter(files, targets):
        say(f"{target.name}: Debian packages")
        make_target(target, seconds)
