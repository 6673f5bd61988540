//! Another Rust static library in the same program, compiled alone by rustc.

use std::ffi::c_int;
use std::panic;

/// Panics twice, once in a thread; returns whether both panics were caught.
#[unsafe(no_mangle)]
pub extern "C" fn second_library_panics() -> c_int {
    panic::set_hook(Box::new(|_| ()));
    let text = std::hint::black_box(String::from("a panic of the second library"));
    let caught = panic::catch_unwind(|| panic!("{text}")).is_err();
    let thread = std::thread::spawn(|| panic!("in a thread")).join().is_err();
    drop(panic::take_hook());
    c_int::from(caught && thread)
}
