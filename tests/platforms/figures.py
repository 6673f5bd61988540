"""What docs/platforms.md says of a target's files: sizes, and the newest symbol version."""

import checks
from case import Case
from project import run


def lines(case: Case) -> list[str]:
    """One line for each file that a program loads or links."""
    target = case.machine.target
    described = []
    for file in (target.shared, target.static, target.command):
        path = case.package / file
        line = f"{file}: {path.stat().st_size:,} bytes"
        if target.glibc and file != target.static:
            newest = checks.newest_glibc(run("readelf", "--version-info", "--wide", path))
            line += f", newest symbol GLIBC_{newest}"
        described.append(line)
    return described
