//! Replaces the random numbers for hash map keys and temporary file names with
//! constants, so that a fuzzer run with the same seed is reproducible.

use std::ffi::{c_uint, c_void};

/// Overrides the function of the C library.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, size: usize, _flags: c_uint) -> isize {
    // SAFETY: the caller has that many bytes there.
    unsafe { buffer.cast::<u8>().write_bytes(7, size) };
    isize::try_from(size).unwrap_or(isize::MAX)
}
