"""Prints where the files of libwandb_login are, for build tools."""

import argparse
import shlex
import sys
from pathlib import Path

PREFIX = Path(__file__).resolve().parent


def libs(static: bool) -> str:
    """The linker options. On Unix a program finds the shared library where it is now."""
    folder = PREFIX / "lib"
    if static:
        lines = (folder / "pkgconfig/wandb_login.pc").read_text().splitlines()
        private = [line for line in lines if line.startswith("Libs.private:")]
        return shlex.join([str(folder / "libwandb_login.a"), *private[0].split()[1:]])
    rpath = [] if sys.platform == "win32" else [f"-Wl,-rpath,{folder}"]
    return shlex.join([f"-L{folder}", *rpath, "-lwandb_login"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m wandb_login", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--include-dir", action="store_true", help="print the folder of the headers")
    action.add_argument("--libs", action="store_true", help="print the linker options")
    action.add_argument("--cmake-dir", action="store_true", help="print the folder for wandb_login_DIR of CMake")
    action.add_argument("--pkg-config-dir", action="store_true", help="print the folder for PKG_CONFIG_PATH")
    parser.add_argument("--static", action="store_true", help="with --libs: options for the static library")
    arguments = parser.parse_args()
    if arguments.static and not arguments.libs:
        parser.error("--static goes with --libs")
    if not PREFIX.is_dir():
        sys.exit(f"{parser.prog}: {PREFIX} is in an archive, where build tools find no files: install the wheel with pip")
    if arguments.libs:
        print(libs(arguments.static))
    elif arguments.include_dir:
        print(PREFIX / "include")
    elif arguments.cmake_dir:
        print(PREFIX / "lib/cmake/wandb_login")
    else:
        print(PREFIX / "lib/pkgconfig")


main()
