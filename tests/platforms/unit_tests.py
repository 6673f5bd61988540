"""The unit tests of the library, compiled for arm64 and run by qemu. In the long form.
Those of Windows are in tests/platforms/windows-tests."""

import os
import subprocess

from machines import Machine
from project import ROOT, Failure


def run_unit_tests(machine: Machine) -> str:
    """Runs `cargo test --lib` for the machine's target, and returns how many passed."""
    name = machine.target.name
    cargo = f"CARGO_TARGET_{name.upper().replace('-', '_')}"
    compiler = "aarch64-linux-gnu-gcc"
    env = os.environ | {f"{cargo}_RUNNER": " ".join([*machine.start, *machine.loader]), f"{cargo}_LINKER": compiler,
                        f"CC_{name.replace('-', '_')}": compiler, "CARGO_PROFILE_DEV_DEBUG": "0"}
    done = subprocess.run(["cargo", "test", "--locked", "--lib", "--target", name], cwd=ROOT, env=env,
                          capture_output=True, text=True, errors="replace")
    results = [line for line in done.stdout.splitlines() if line.startswith("test result:")]
    if done.returncode or not results:
        failed = [line for line in done.stdout.splitlines() if line.endswith("FAILED")]
        raise Failure("\n".join(["unit tests failed", *failed, done.stderr[-2000:]]))
    return results[-1].removeprefix("test result: ")
