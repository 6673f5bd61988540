"""Makes the Julia package of a release: the sources with an Artifacts.toml, and for each
target an artifact with the shared library, which Pkg downloads and checks."""

import hashlib
import shutil
from pathlib import Path

import archive
from project import DIST, ROOT, TARGETS, VERSION, Target, release_url, say

SOURCES = ROOT / "bindings/julia"
WORK = DIST / "julia"

# Julia's names of the system, the processor and the C library.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": {"os": "linux", "arch": "x86_64", "libc": "glibc"},
    "x86_64-unknown-linux-musl": {"os": "linux", "arch": "x86_64", "libc": "musl"},
    "aarch64-unknown-linux-gnu": {"os": "linux", "arch": "aarch64", "libc": "glibc"},
    "aarch64-unknown-linux-musl": {"os": "linux", "arch": "aarch64", "libc": "musl"},
    "x86_64-pc-windows-gnu": {"os": "windows", "arch": "x86_64"},
    "x86_64-apple-darwin": {"os": "macos", "arch": "x86_64"},
    "aarch64-apple-darwin": {"os": "macos", "arch": "aarch64"},
}


def library_name(target: Target) -> str:
    """Where the package looks for the library in the artifact."""
    abi = VERSION.split(".")[0]
    if target.windows:
        return "bin/wandb_login.dll"
    return f"lib/libwandb_login.{abi}.dylib" if target.apple else f"lib/libwandb_login.so.{abi}"


def package_file() -> Path:
    """The package."""
    return DIST / f"wandb-login-{VERSION}-julia.tar.gz"


def files(target: Target) -> list[Path]:
    """The artifact of a target."""
    return [DIST / f"wandb-login-{VERSION}-julia-{target.name}.tar.gz"]


def write_artifact(target: Target, folder: Path) -> None:
    """Writes the files of an artifact: the shared library and the licences."""
    prefix = DIST / target.folder
    library = folder / library_name(target)
    library.parent.mkdir(parents=True)
    library.write_bytes((prefix / target.shared).read_bytes())
    for file in sorted((prefix / "share/doc/wandb_login").iterdir()):
        if file.is_file() and file.suffix != ".md":
            place = folder / "share/doc/wandb_login" / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def git_object(kind: str, content: bytes) -> bytes:
    """The hash that git gives to an object."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).digest()


def tree_hash(folder: Path) -> bytes:
    """The hash that git gives to a folder. No file in it is executable."""
    entries = {}
    for path in folder.iterdir():
        if path.is_dir():  # git sorts it with its slash
            entries[f"{path.name}/"] = f"40000 {path.name}\0".encode() + tree_hash(path)
        else:
            entries[path.name] = f"100644 {path.name}\0".encode() + git_object("blob", path.read_bytes())
    return git_object("tree", b"".join(entries[name] for name in sorted(entries)))


def artifact_entry(target: Target, seconds: int) -> str:
    """Makes the artifact of a target, and returns its entry in Artifacts.toml."""
    folder = WORK / target.name
    write_artifact(target, folder)
    [artifact] = files(target)
    archive.pack_tar(folder, artifact, seconds, folder)
    platform = "".join(f'{key} = "{value}"\n' for key, value in sorted(PLATFORMS[target.name].items()))
    return (
        f'[[libwandb_login]]\n{platform}git-tree-sha1 = "{tree_hash(folder).hex()}"\n\n'
        f'    [[libwandb_login.download]]\n    url = "{release_url()}/{artifact.name}"\n'
        f'    sha256 = "{archive.digest(artifact)}"\n'
    )


def make(_targets: list[Target], seconds: int) -> None:
    """Makes the package and the artifacts of all archives of this version."""
    targets = [target for target in TARGETS.values() if target.name in PLATFORMS and target.archive.exists()]
    say("Julia package")
    shutil.rmtree(WORK, ignore_errors=True)
    package = WORK / "WandbLogin"
    shutil.copytree(SOURCES, package, ignore=shutil.ignore_patterns("Manifest.toml"))
    for licence in ROOT.glob("LICENSE-*"):
        shutil.copy(licence, package)
    entries = [artifact_entry(target, seconds) for target in targets]
    (package / "Artifacts.toml").write_text("\n".join(entries))
    archive.pack_tar(package, package_file(), seconds)
