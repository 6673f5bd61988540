//! The C library. Its functions are those of `wandb_login::ffi`, which
//! `include/wandb_login.h` declares.

pub use wandb_login::ffi::*;
