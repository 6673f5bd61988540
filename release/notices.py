"""The licence texts of everything that is linked into the files of a target."""

import json
from pathlib import Path

import toolchain
from project import Failure, Target, run

PACKAGES = ["wandb-login-c", "wandb-login-cli"]
LICENCE_NAMES = ("license", "licence", "copying", "copyright", "notice", "unlicense")


def linked_crates(target: Target) -> list[dict]:
    """The packages of other people that are linked in, as `cargo metadata` describes them.
    Build scripts and procedural macros run on the builder alone, and are left out."""
    tree = ["cargo", "tree", "--locked", "--edges=normal,no-proc-macro", f"--target={target.name}",
            "--prefix=none", "--format={p}", *(f"--package={name}" for name in PACKAGES)]
    linked = {tuple(line.split()[:2]) for line in run(*tree).splitlines() if line}
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version=1"))
    packages = [p for p in metadata["packages"] if (p["name"], "v" + p["version"]) in linked and p["source"]]
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def crate_texts(package: dict) -> dict[str, str]:
    """The licence files in a package's folder, by name."""
    folder = Path(package["manifest_path"]).parent
    found = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().startswith(LICENCE_NAMES)]
    if named := package["license_file"]:
        found.append(folder / named)
    return {path.name: path.read_text(errors="replace").strip() for path in found}


def native_parts(target: Target) -> list[tuple[str, str, str]]:
    """What the linker adds that is no crate: name, version, licence."""
    if target.toolchain == "zig":
        version = run(toolchain.zig(), "version").strip()
        parts = [(f"llvm-{part}", f"zig {version}", "Apache-2.0 WITH LLVM-exception") for part in ("libunwind", "compiler-rt")]
        return [*parts, ("musl", f"zig {version}", "MIT")] if target.musl else parts
    if target.toolchain == "mingw":
        version = run("x86_64-w64-mingw32-gcc", "-dumpfullversion").strip()
        return [("libgcc", version, "GPL-3.0-or-later WITH GCC-exception-3.1"),
                ("mingw-w64-runtime", run("dpkg-query", "-W", "-f", "${Version}", "mingw-w64-x86-64-dev"), "ZPL-2.1")]
    return []


def native_texts(target: Target) -> dict[str, str]:
    """The licence text of each native part, by its name."""
    if target.toolchain == "zig":
        folder = toolchain.zig().parent / "lib"
        text = (folder / "libunwind/LICENSE.TXT").read_text().strip()
        musl = (folder / "libc/musl/COPYRIGHT").read_text().strip()
        return {"llvm-libunwind": text, "llvm-compiler-rt": text, "musl": musl}
    documents = {"libgcc": "gcc-mingw-w64-base", "mingw-w64-runtime": "mingw-w64-common"}
    return {name: Path(f"/usr/share/doc/{folder}/copyright").read_text().strip() for name, folder in documents.items()}


def text(target: Target) -> str:
    """The whole file. A text that several packages share stands in it once, whatever its
    line breaks."""
    sections: dict[str, tuple[str, list[str]]] = {}

    def add(title: str, content: str) -> None:
        sections.setdefault(" ".join(content.split()), (content, []))[1].append(title)

    for package in linked_crates(target):
        title = f"{package['name']} {package['version']} ({package['license']})"
        texts = crate_texts(package)
        if not texts:
            raise Failure(f"{title}: no licence file in the package; add its text to release/notices.py")
        for content in texts.values():
            add(title, content)
    for name, version, licence in native_parts(target):
        add(f"{name} {version} ({licence})", native_texts(target)[name])
    line = "=" * 80
    parts = [f"{line}\n" + "\n".join(titles) + f"\n{line}\n\n{content}\n" for content, titles in sections.values()]
    return (
        "The files of this archive contain the following software. The licences of Rust's standard\n"
        "library, which they contain too, are in THIRD-PARTY-rust-std.html.\n\n" + "\n".join(parts)
    )


def write(target: Target) -> None:
    """Writes the notices into the prefix of the target, where CMake's install rules find them."""
    folder = target.files / "share/doc/wandb_login"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "THIRD-PARTY.txt").write_text(text(target))
    sysroot = Path(run("rustc", "--print", "sysroot").strip())
    std = sysroot / "share/doc/rust/COPYRIGHT-library.html"
    (folder / "THIRD-PARTY-rust-std.html").write_bytes(std.read_bytes())
