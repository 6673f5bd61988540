"""Archives that are byte for byte the same wherever they are made, and their checksums."""

import gzip
import hashlib
import os
import shutil
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

from project import DIST, INSTALLER, VERSION, Failure, Target

SUMS = DIST / "SHA256SUMS"


def entries(folder: Path) -> list[Path]:
    """All files and folders in and below the folder, in the order of their names."""
    return [folder, *sorted(folder.rglob("*"))]


def pack(target: Target, seconds: int) -> Path:
    """Packs the folder of the target. Each file gets the time `seconds`, and no owner."""
    folder = DIST / target.folder
    if target.windows:
        pack_zip(folder, target.archive, seconds)
    else:
        pack_tar(folder, target.archive, seconds)
    return target.archive


def pack_tar(folder: Path, archive: Path, seconds: int, root: Path | None = None) -> None:
    """Paths in the archive begin at `root`; by default, with the name of the folder."""
    root = root or folder.parent

    def neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = seconds
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in entries(folder):
            if path != root:
                tar.add(path, str(path.relative_to(root)), recursive=False, filter=neutral)


def pack_zip(folder: Path, archive: Path, seconds: int, root: Path | None = None) -> None:
    """The same as a zip file. The format has no links: each becomes the file it leads to."""
    root = root or folder.parent
    moment = time.gmtime(seconds)[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as output:
        for path in entries(folder):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), moment)
                entry.create_system = 3  # Unix, whose modes follow
                entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                output.writestr(entry, path.read_bytes())


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_sums() -> None:
    """Writes the checksums of the installer and of all files of this version in target/dist."""
    names = sorted(path.name for path in DIST.iterdir() if path.is_file())
    files = [DIST / name for name in names if VERSION in name or name == INSTALLER]
    SUMS.write_text("".join(f"{digest(path)}  {path.name}\n" for path in files))


def verify(archive: Path) -> None:
    """Fails unless the archive is the one that SHA256SUMS beside it lists."""
    sums = archive.parent / "SHA256SUMS"
    if not archive.is_file():
        raise Failure(f"{archive} does not exist; `release/make` makes it")
    listed = dict(reversed(line.split(maxsplit=1)) for line in sums.read_text().splitlines()) if sums.is_file() else {}
    if archive.name not in listed:
        raise Failure(f"{archive} is not listed in {sums}, so nothing tells whether it is whole")
    if (found := digest(archive)) != listed[archive.name]:
        raise Failure(f"{archive} is damaged: its SHA-256 is {found}, and {sums} lists {listed[archive.name]}")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks an archive that is not damaged, and returns the folder that was in it."""
    verify(archive)
    try:
        shutil.unpack_archive(archive, folder, **({} if archive.suffix == ".zip" else {"filter": "data"}))
    except (OSError, EOFError, shutil.ReadError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise Failure(f"{archive} cannot be unpacked: {error}") from None
    return folder / archive.name.removesuffix(".zip").removesuffix(".tar.gz")
