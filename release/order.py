"""Which functions a recorded login calls: the linker lays them out together.

Linux counts 16 pages of a library in the memory of a process for each page that the process
touches. `order.txt` has the names as c++filt prints them, without what changes from compiler to
compiler.
"""

import re
from pathlib import Path

from project import ROOT, Failure, Target, run

RECORD = ROOT / "release/order.txt"


def recorded() -> list[str]:
    return RECORD.read_text().splitlines()


def demangled(symbols: list[str]) -> list[str]:
    """The names of functions, one for each symbol, without LLVM's suffix of a local one and
    without the numbers of crates, as in `core[f330bbcf5d6814b1]`."""
    plain = [re.sub(r"\.llvm\.\d+$", "", symbol) for symbol in symbols]
    names = run("c++filt", stdin="\n".join(plain) + "\n")
    return re.sub(r"\[[0-9a-f]{10,16}\]", "", names).splitlines()


def symbols_of(target: Target, files: list[Path]) -> dict[str, list[str]]:
    """The functions in object files and static libraries, with their symbols."""
    listed = run(target.binutils + "nm", "--defined-only", "--no-sort", *files)
    # "0000000000000000 t _RNvNtNtCs1_11wandb_login6server4http4post"
    lines = [line.split() for line in listed.splitlines()]
    symbols = [line[2] for line in lines if len(line) == 3 and line[1] in "tTwW"]
    found: dict[str, list[str]] = {}
    for name, symbol in zip(demangled(symbols), symbols, strict=True):
        found.setdefault(name, []).append(symbol)
    return found


def ordered(target: Target, files: list[Path]) -> list[str]:
    """The symbols of the recorded functions that these files have."""
    found = symbols_of(target, files)
    return [symbol for name in recorded() for symbol in found.get(name, [])]


def check(target: Target, library: Path) -> None:
    """Fails if the record is of other sources: if the static library has less than half of it."""
    found = symbols_of(target, [library])
    names = recorded()
    known = sum(name in found for name in names)
    if 2 * known < len(names):
        raise Failure(
            f"{library} has {known} of the {len(names)} functions in {RECORD}: "
            "run release/record-order"
        )
