"""The unit tests of the library, compiled for arm64 and run by qemu. In the long form.
Those of Windows are in tests/platforms/windows-tests."""

import os
import subprocess

from machines import Machine
from project import ROOT, Failure

COMPILER = "aarch64-linux-gnu-gcc"


def run_unit_tests(machine: Machine) -> str:
    """Runs `cargo test --lib` for the machine's target, and returns how many passed."""
    done = subprocess.run(
        ["cargo", "test", "--locked", "--target", machine.target.name, "--package", "wandb-login", "--lib", "--features",
         "ffi,ring,unstable"],
        cwd=ROOT, env=os.environ | environment(machine), capture_output=True, text=True, errors="replace")
    results = [line for line in done.stdout.splitlines() if line.startswith("test result:")]
    if done.returncode or not results:
        failed = [line for line in done.stdout.splitlines() if line.endswith("FAILED")]
        raise Failure("\n".join(["unit tests failed", *failed, done.stderr[-2000:]]))
    return results[-1].removeprefix("test result: ")


def environment(machine: Machine) -> dict[str, str]:
    """What cargo needs to compile and start the tests. The program names its loader and the
    folder of its libraries, because some tests start the program again by its path. Without
    optimization, some tests reach their time limits in the emulator."""
    loader, _, libraries = machine.loader
    flags = [f"-Clink-arg=-Wl,--dynamic-linker={loader}", f"-Clink-arg=-Wl,-rpath,{libraries}"]
    target = machine.target.name
    cargo = f"CARGO_TARGET_{target.upper().replace('-', '_')}"
    starter = " ".join(machine.start)
    return {f"{cargo}_LINKER": COMPILER, f"{cargo}_RUSTFLAGS": " ".join(flags), f"CC_{target.replace('-', '_')}": COMPILER,
            f"{cargo}_RUNNER": starter, "WANDB_LOGIN_TEST_RUNNER": starter,
            "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_DEV_OPT_LEVEL": "1"}
