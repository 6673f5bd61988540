"""Writes the software bill of materials of a target, in CycloneDX 1.6:

    sbom.py TARGET FILE SECONDS

It runs with the Python of release/tools, which has the CycloneDX library. `make` starts it."""

import sys
import tomllib
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import notices
import project
from project import ROOT, VERSION, Target, run


def crates(target: Target) -> list[Component]:
    """What cargo links into the files, with the checksums of Cargo.lock."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    sums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    return [
        Component(
            name=package["name"], version=package["version"], type=ComponentType.LIBRARY,
            bom_ref=f"{package['name']}@{package['version']}",
            purl=PackageURL("cargo", None, package["name"], package["version"]),
            licenses=[LicenseExpression(package["license"].replace("/", " OR "))],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[package["name"], package["version"]])],
        )
        for package in notices.linked_crates(target)
    ]


def others(target: Target) -> list[Component]:
    """What the compiler and the linker add."""
    rust = run("rustc", "--version").split()[1]
    parts = [Component(name="rust-std", version=rust, type=ComponentType.LIBRARY, bom_ref="rust-std",
                       licenses=[LicenseExpression("MIT OR Apache-2.0")])]
    for name, version, licence in notices.native_parts(target):
        parts.append(Component(name=name, version=version, type=ComponentType.LIBRARY, bom_ref=name,
                               licenses=[LicenseExpression(licence)]))
    return parts


def write(target: Target, file: Path, seconds: int) -> None:
    bom = Bom()
    bom.metadata.timestamp = datetime.fromtimestamp(seconds, timezone.utc)
    bom.metadata.component = Component(
        name=f"wandb-login-{target.name}", version=VERSION, type=ComponentType.LIBRARY, bom_ref="wandb-login",
        licenses=[LicenseExpression("MIT OR Apache-2.0")],
    )
    parts = crates(target) + others(target)
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(bom.metadata.component, parts)
    # The serial number tells one document from another: it follows from what this one is about.
    bom.serial_number = project.stable_uuid(f"{target.folder} {seconds}")
    file.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n")


if __name__ == "__main__":
    write(project.choose(sys.argv[1:2])[0], Path(sys.argv[2]), int(sys.argv[3]))
