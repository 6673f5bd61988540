"""The unit tests of the library, compiled for the target and run there. In the long form."""

import os
import subprocess

from machines import Machine
from project import ROOT, Failure

CROSS_COMPILER = {"x86_64-pc-windows-gnu": "x86_64-w64-mingw32-gcc", "aarch64-unknown-linux-gnu": "aarch64-linux-gnu-gcc"}


def run_unit_tests(machine: Machine) -> str:
    """Runs `cargo test --lib` for the machine's target, and returns its last line."""
    name = machine.target.name
    variable = name.upper().replace("-", "_")
    env = os.environ | machine.environment | {f"CARGO_TARGET_{variable}_RUNNER": " ".join(machine.start)}
    if compiler := CROSS_COMPILER.get(name):
        env |= {f"CARGO_TARGET_{variable}_LINKER": compiler, f"CC_{name.replace('-', '_')}": compiler}
    done = subprocess.run(["cargo", "test", "--locked", "--lib", "--target", name], cwd=ROOT, env=env,
                          capture_output=True, text=True, errors="replace")
    results = [line for line in done.stdout.splitlines() if line.startswith("test result:")]
    if done.returncode or not results:
        failed = [line for line in done.stdout.splitlines() if line.endswith("FAILED")]
        raise Failure("\n".join(["unit tests failed", *failed, done.stderr[-2000:]]))
    return results[-1].removeprefix("test result: ")
