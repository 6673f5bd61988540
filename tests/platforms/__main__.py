"""Runs what release/make has built.

    run TARGET...     the main jobs of these targets, on each machine that runs them here
    run all           of all targets
    run --long ...    also the unit tests under qemu, C++ for musl, and 20 rounds of stress
    run --job WORD    only the jobs whose name has the word, such as prompt or cpp
    run --list        prints the targets and machines

The archives are those of target/dist. Every job starts in an empty home directory and is
checked from outside: by the files that it leaves, and by what a server on 127.0.0.1 got."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "release"))

try:
    import pexpect  # noqa: F401
except ImportError:
    sys.exit("tests/platforms/run: the Python package pexpect is missing; `source .ci/tools` installs it")

import case  # noqa: E402
import command_jobs  # noqa: E402
import debian11  # noqa: E402
import figures  # noqa: E402
import program_jobs  # noqa: E402
import stress  # noqa: E402
import unit_tests  # noqa: E402
from machines import Machine, all_machines  # noqa: E402
from project import Failure, say  # noqa: E402

STRESS_ROUNDS = 20


def jobs_of(machine: Machine, long: bool, word: str) -> list[program_jobs.Job]:
    """What is tried on a machine: the jobs whose name has the word."""
    jobs = [*command_jobs.JOBS, *program_jobs.jobs(machine.target.windows)]
    if machine.name == "debian-11":
        jobs += debian11.JOBS
    if machine.target.musl and not long:
        jobs.remove(program_jobs.cpp)  # zig compiles its C++ library for minutes
    if machine.target.windows:
        jobs += [stress.twelve_processes_lose_no_key] * (STRESS_ROUNDS if long else 1)
    return [job for job in jobs if word in job.__name__]


def failed(machine: Machine, why: str) -> str:
    """Prints a failure when it happens, and returns it."""
    line = f"{machine.target.name} on {machine.title}: {why}"
    print(f"FAILED: {line}", file=sys.stderr, flush=True)
    return line


def run_job(machine: Machine, job: program_jobs.Job, opened: case.Case) -> list[str]:
    """Runs one job, and returns why it failed, if it did."""
    start = time.monotonic()
    name = job.__name__.replace("_", " ")
    try:
        job(opened)
    except Failure as failure:
        return [failed(machine, f"{name}: {failure}")]
    print(f"   {machine.name}: {name}, {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
    return []


def run_jobs(machine: Machine, long: bool, word: str) -> list[str]:
    """Runs all jobs on a machine, and returns what failed."""
    start = time.monotonic()
    failures = []
    with case.opened(machine) as opened:
        jobs = jobs_of(machine, long, word)
        for job in jobs:
            failures += run_job(machine, job, opened)
        lines = figures.lines(opened)
    if long and not word and machine.name == "qemu":
        try:
            lines.append("unit tests: " + unit_tests.run_unit_tests(machine))
        except Failure as failure:
            failures.append(failed(machine, str(failure)))
    passed = f"{len(jobs) - len(failures)} of {len(jobs)} jobs passed in {time.monotonic() - start:.0f} s"
    say("\n   ".join([f"{machine.target.name} on {machine.description()}: {passed}", *lines]))
    return failures


def try_machine(machine: Machine, long: bool, word: str) -> list[str]:
    """As run_jobs; a missing tool is a failure in strict mode only, and always said."""
    if missing := machine.missing():
        line = f"missing: {', '.join(missing)}; `source .ci/tools` installs what is missing"
        if os.environ.get("WANDB_LOGIN_TEST_STRICT") == "1":
            return [failed(machine, line)]
        say(f"NOT TESTED: {machine.target.name} on {machine.title}: {line}")
        return []
    try:
        return run_jobs(machine, long, word)
    except Failure as failure:
        return [failed(machine, str(failure))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/platforms/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="also what takes minutes")
    parser.add_argument("--job", default="", metavar="WORD", help="only the jobs whose name has the word")
    parser.add_argument("--list", action="store_true", help="print the targets and machines")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    arguments = parser.parse_args()
    machines = all_machines()
    if arguments.list:
        print("\n".join(f"{machine.target.name}\t{machine.name}\t{machine.title}" for machine in machines))
        return 0
    known = {machine.target.name for machine in machines}
    if not arguments.targets or (unknown := set(arguments.targets) - known - {"all"}):
        what = f"unknown target {', '.join(sorted(unknown))}" if arguments.targets else "no target"
        parser.error(f"{what}; the targets are: all {' '.join(sorted(known))}")
    chosen = [m for m in machines if "all" in arguments.targets or m.target.name in arguments.targets]
    chosen = [m for m in chosen if jobs_of(m, arguments.long, arguments.job)]
    if not chosen:
        parser.error(f"no job of these targets has {arguments.job!r} in its name")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = list(pool.map(lambda machine: try_machine(machine, arguments.long, arguments.job), chosen))
    return 1 if any(failures) else 0


if __name__ == "__main__":
    sys.exit(main())
