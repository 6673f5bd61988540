"""Where things are, the version, and the targets: what the other files of release/ share."""

import os
import subprocess
import sys
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "target" / "dist"
TOOLS = Path(
    os.environ.get("WANDB_LOGIN_TOOLS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wandb-login-tools"
)
VENV = TOOLS / "release"

_SETTINGS = tomllib.loads((Path(__file__).parent / "targets.toml").read_text())
VERSION: str = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
OLDEST_GLIBC: str = _SETTINGS["oldest_glibc"]
INSTALLER = "install.sh"
LINTED: list[str] = _SETTINGS["lint"]["targets"]


class Failure(Exception):
    """Ends the command with a message and no traceback."""


@dataclass(frozen=True)
class Target:
    """One machine that files are released for, as targets.toml describes it."""

    name: str
    toolchain: str
    binutils: str = ""
    zig: str = ""

    @property
    def processor(self) -> str:
        return self.name.partition("-")[0]

    @property
    def windows(self) -> bool:
        return "windows" in self.name

    @property
    def apple(self) -> bool:
        return "apple" in self.name

    @property
    def glibc(self) -> bool:
        return self.name.endswith("-linux-gnu")

    @property
    def musl(self) -> bool:
        return self.name.endswith("-linux-musl")

    @property
    def files(self) -> Path:
        """What the compiler made, laid out as a prefix."""
        return DIST / "build" / self.name

    @property
    def shared(self) -> Path:
        """The shared library, below `files`."""
        if self.windows:
            return Path("bin/wandb_login.dll")
        if self.apple:
            return Path(f"lib/libwandb_login.{VERSION}.dylib")
        return Path(f"lib/libwandb_login.so.{VERSION}")

    @property
    def static(self) -> Path:
        return Path("lib/libwandb_login.a")

    @property
    def command(self) -> Path:
        return Path("bin/wandb-login.exe" if self.windows else "bin/wandb-login")

    @property
    def folder(self) -> str:
        """The name of the archive, and of the only folder in it."""
        return f"wandb-login-{VERSION}-{self.name}"

    @property
    def archive(self) -> Path:
        return DIST / (self.folder + (".zip" if self.windows else ".tar.gz"))

    @property
    def sbom(self) -> Path:
        return DIST / f"{self.folder}.cdx.json"


TARGETS = {name: Target(name, **entry) for name, entry in _SETTINGS["targets"].items()}


def choose(names: list[str]) -> list[Target]:
    """The targets with these names; without names, those that this system can build."""
    for name in names:
        if name not in TARGETS:
            raise Failure(f"{name} is no target of a release; the targets are: {' '.join(TARGETS)}")
    if names:
        return [TARGETS[name] for name in names]
    return [target for target in TARGETS.values() if target.apple == (sys.platform == "darwin")]


def say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


def run(*command: object, env: dict[str, str] | None = None, cwd: Path = ROOT, stdin: str = "") -> str:
    """Runs a command and returns what it prints. A failure shows all that it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise Failure(f"{' '.join(words)}\n{done.stdout}{done.stderr}failed with status {done.returncode}")
    return done.stdout


def commit_time() -> int:
    """The time that all files of a release bear: SOURCE_DATE_EPOCH, or that of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return int(given) if given else int(run("git", "log", "-1", "--format=%ct"))
    except (ValueError, OSError, Failure):
        raise Failure(
            f"no time for the files: set SOURCE_DATE_EPOCH to whole seconds (it is {given!r}), "
            "or build from a git checkout"
        ) from None


def release_url() -> str:
    """The address of the folder with the files of the release, from WANDB_LOGIN_RELEASE_URL."""
    url = os.environ.get("WANDB_LOGIN_RELEASE_URL") or f"https://libwandb-login.invalid/v{VERSION}"
    if not url.startswith(("https://", "http://", "file:///")) or set(url) & set(' "\\\n'):
        raise Failure(f"WANDB_LOGIN_RELEASE_URL={url} is not an https, http or file URL")
    return url.rstrip("/")


def stable_uuid(text: str) -> uuid.UUID:
    """The same number for the same text."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"wandb-login:{text}")
