"""Makes the Conan recipe of a release, with the addresses and the checksums of the archives
that it packs."""

import shutil
from pathlib import Path

import archive
from project import DIST, TARGETS, VERSION, Target, release_url, say

SOURCE = Path(__file__).parent / "recipe"

# Conan's names of system and processor, and the option `libc` of the recipe.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": "Linux-x86_64-glibc",
    "aarch64-unknown-linux-gnu": "Linux-armv8-glibc",
    "x86_64-unknown-linux-musl": "Linux-x86_64-musl",
    "aarch64-unknown-linux-musl": "Linux-armv8-musl",
    "x86_64-pc-windows-gnu": "Windows-x86_64",
    "x86_64-apple-darwin": "Macos-x86_64",
    "aarch64-apple-darwin": "Macos-armv8",
}


def package_file() -> Path:
    """The recipe."""
    return DIST / f"wandb-login-{VERSION}-conan.tar.gz"


def conandata(url: str) -> str:
    """The text of conandata.yml, with all archives of this version."""
    lines = ["sources:", f'  "{VERSION}":']
    for name, platform in PLATFORMS.items():
        file = TARGETS[name].archive
        if file.exists():
            lines += [
                f"    {platform}:",
                f"      url: {url}/{file.name}",
                f"      sha256: {archive.digest(file)}",
            ]
    return "\n".join(lines) + "\n"


def make(_targets: list[Target], seconds: int) -> None:
    """Makes the recipe, which serves all targets."""
    say("Conan recipe")
    folder = DIST / package_file().name.removesuffix(".tar.gz")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder)
    (folder / "conandata.yml").write_text(conandata(release_url()))
    archive.pack_tar(folder, package_file(), seconds)
