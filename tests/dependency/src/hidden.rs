//! Does not compile: these items belong to features that no dependent turns on.

#![allow(unused_imports)]

use wandb_login::Code;
use wandb_login::Name;
use wandb_login::SETTINGS;
use wandb_login::Severity;
use wandb_login::VARIABLES;
use wandb_login::ffi;
use wandb_login::invariants;
use wandb_login::mask_keys;

fn main() {
    let _ = wandb_login::Options::new().command_line(true);
    let _ = wandb_login::Options::new().quiet(true);
}
