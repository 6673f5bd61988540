//! The program, compiled by `tests/platforms/windows-tests`: a Windows that is emulated
//! has no compiler.

use std::path::PathBuf;

use crate::support;

/// Names the program. The DLL is beside it.
const PROGRAM: &str = "WANDB_LOGIN_TEST_C_PROGRAM";

/// `None` where no program is named.
pub fn build() -> Option<PathBuf> {
    let path = std::env::var_os(PROGRAM).map(PathBuf::from);
    if path.is_none() {
        support::skip(&format!("{PROGRAM} names no C program"));
    }
    path
}

/// The loader looks beside the program.
pub fn variables() -> [(&'static str, PathBuf); 0] {
    []
}
