"""Makes the Python wheels of a release from its archives, with hatchling."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import archive
from project import DIST, VENV, VERSION, Target, run, say

SOURCE = Path(__file__).parent

# The platform tags of Python. manylinux2014 means glibc 2.17, musllinux_1_2 means musl 1.2.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": "manylinux2014_x86_64",
    "aarch64-unknown-linux-gnu": "manylinux2014_aarch64",
    "x86_64-unknown-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-unknown-linux-musl": "musllinux_1_2_aarch64",
    "x86_64-pc-windows-gnu": "win_amd64",
}


def files(target: Target) -> list[Path]:
    """The wheel of a target; empty if there is no tag for it."""
    if target.name not in PLATFORMS:
        return []
    return [DIST / f"wandb_login-{VERSION}-py3-none-{PLATFORMS[target.name]}.whl"]


def replace_links(target: Target, prefix: Path) -> None:
    """Gives the shared library the one name that programs load. A wheel has no links: the
    name for the linker becomes a linker script."""
    if target.windows:
        return
    link = prefix / "lib/libwandb_login.so"
    soname = prefix / "lib" / f"libwandb_login.so.{VERSION.split('.')[0]}"
    soname.unlink()
    (prefix / target.shared).rename(soname)
    link.unlink()
    link.write_text(f"INPUT({soname.name})\n")


def lay_out(target: Target, prefix: Path, project: Path) -> None:
    """Puts the files of an unpacked archive into a copy of this folder."""
    shutil.copytree(SOURCE, project, ignore=shutil.ignore_patterns("package.py"))
    replace_links(target, prefix)
    scripts = project / "scripts"
    scripts.mkdir()
    (prefix / target.command).rename(scripts / target.command.name)
    for path in (prefix / "share/doc/wandb_login").iterdir():
        if path.name.startswith(("LICENSE", "THIRD-PARTY")):
            shutil.copy(path, project)
    shutil.copytree(prefix, project / "wandb_login", dirs_exist_ok=True)


def make_target(target: Target, seconds: int) -> None:
    with TemporaryDirectory() as name:
        work = Path(name)
        lay_out(target, archive.unpack(target.archive, work), work / "project")
        environment = {
            **os.environ,
            "SOURCE_DATE_EPOCH": str(seconds),
            "WANDB_LOGIN_WHEEL_VERSION": VERSION,
            "WANDB_LOGIN_WHEEL_PLATFORM": PLATFORMS[target.name],
        }
        run(VENV / "bin/python", "-m", "hatchling", "build", "-t", "wheel", "-d", DIST,
            env=environment, cwd=work / "project")


def make(targets: list[Target], seconds: int) -> None:
    """Makes the wheel of each target that Python has a tag for."""
    for target in filter(files, targets):
        say(f"{target.name}: Python wheel")
        make_target(target, seconds)
