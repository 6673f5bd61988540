"""One run of a target's files on a machine: its folder, its home directories, and how
programs are run in them."""

import contextlib
import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import archive
from machines import WINE_PREFIX, Machine
from project import VERSION, Failure
from server import Server

# A program that hangs is ended; none that works takes nearly as long.
HANG_SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """What a program printed, with line ends of Unix, and its exit status."""

    status: int
    output: str
    errors: str

    def expect(self, status: int) -> "Ended":
        """Fails unless the program ended with the status."""
        if self.status != status:
            raise Failure(f"exit status {self.status} instead of {status}: {self.errors.strip() or self.output.strip()}")
        return self


def check(holds: bool, message: str) -> None:
    if not holds:
        raise Failure(message)


@dataclass(frozen=True)
class Case:
    """A machine with the unpacked archive of its target. `folder` is for the programs."""

    machine: Machine
    package: Path
    folder: Path
    server: Server

    @property
    def command(self) -> Path:
        return self.package / self.machine.target.command

    def new_home(self) -> Path:
        """An empty home directory."""
        if not self.machine.target.windows:
            return Path(tempfile.mkdtemp(prefix="home-", dir=self.folder))
        # The profile is where the registry says; a variable does not move it.
        profile = WINE_PREFIX / "drive_c/users" / pwd.getpwuid(os.getuid()).pw_name
        for name in ("_netrc", "_netrc.wandb-login-lock", ".netrc"):
            (profile / name).unlink(missing_ok=True)
        shutil.rmtree(profile / ".config", ignore_errors=True)
        return profile

    def netrc(self, home: Path) -> str:
        """The text of the netrc file in the home directory; empty if there is none."""
        file = home / ("_netrc" if self.machine.target.windows else ".netrc")
        return file.read_text() if file.exists() else ""

    def environment(self, home: Path, **variables: str) -> dict[str, str]:
        """The whole environment of a program: nothing of this process is in it."""
        return {"PATH": "/usr/bin:/bin", "HOME": self.machine.inside(home), "TERM": "xterm",
                **self.machine.environment, **variables}

    def trusting(self) -> dict[str, str]:
        """The variable that makes a program trust the server's certificate."""
        return {"SSL_CERT_FILE": self.machine.inside(self.server.certificate)}

    def run(self, home: Path, program: Path, *arguments: str, input: str = "", **variables: str) -> Ended:
        words = [self.machine.inside(program), *arguments]
        try:
            done = subprocess.run(
                self.machine.command(home, words), cwd=home, env=self.environment(home, **variables),
                input=input.encode(), capture_output=True, timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{program.name} did not end in {HANG_SECONDS} s") from None
        return Ended(done.returncode, _text(done.stdout), _text(done.stderr))

    def wandb_login(self, home: Path, *arguments: str, input: str = "", **variables: str) -> Ended:
        """Runs the command of the archive."""
        return self.run(home, self.command, *arguments, input=input, **variables)


def _text(printed: bytes) -> str:
    return printed.decode(errors="replace").replace("\r\n", "\n")


@contextlib.contextmanager
def opened(machine: Machine) -> Iterator[Case]:
    """Unpacks the archive where the machine's programs see it; removes all of it at the end."""
    file = archive_of(machine)
    with contextlib.ExitStack() as cleanup:
        if machine.target.windows:
            # One profile for all runs: they wait for each other.
            lock = cleanup.enter_context((WINE_PREFIX / "wandb-login-lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        temporary = tempfile.TemporaryDirectory(prefix="wandb-login-", dir=machine.root / "tmp")
        folder = Path(cleanup.enter_context(temporary))
        package = archive.unpack(file, folder)
        check_version(package, file)
        server = Server(folder)
        cleanup.callback(server.close)
        yield Case(machine, package, folder, server)


def archive_of(machine: Machine) -> Path:
    """The archive of the machine's target. Fails if there is none of this version."""
    target = machine.target
    if not target.archive.exists():
        pattern = target.archive.name.replace(VERSION, "*")
        if others := sorted(path.name for path in target.archive.parent.glob(pattern)):
            raise Failure(f"{target.archive.parent} has {others[-1]}, and the source is version {VERSION}: "
                          f"run release/make {target.name}")
    return target.archive


def check_version(package: Path, file: Path) -> None:
    """Fails if the files in an archive are of another version than its name."""
    header = (package / "include/wandb_login.h").read_text()
    check(f'#define WANDB_LOGIN_VERSION "{VERSION}"' in header,
          f"{file} has the header of another version than {VERSION}: run release/make again")
