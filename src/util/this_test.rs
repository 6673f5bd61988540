//! This test program again, as another process.

use std::ffi::OsString;
use std::process::Command;

/// Names the command that starts a test program where the kernel cannot: an emulator of the
/// program's processor. Its words have spaces between them.
const RUNNER: &str = "WANDB_LOGIN_TEST_RUNNER";

/// A command that runs one test of this program, by its full name. `starter` is a command
/// that starts the program, such as `sh -c`; empty for none.
pub(crate) fn command(starter: &[&str], test: &str) -> Command {
    let runner = std::env::var(RUNNER).unwrap_or_default();
    let program = std::env::current_exe().expect("the path of this program");
    let starters = starter.iter().copied().chain(runner.split_whitespace());
    let mut words = starters.map(OsString::from).chain([program.into()]);
    let mut command = Command::new(words.next().expect("the program is the last word"));
    command.args(words).args(["--exact", test, "--nocapture"]);
    command
}
