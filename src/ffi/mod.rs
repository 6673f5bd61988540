//! The C ABI: a thin face of the library. Every pointer from outside is checked
//! here, every panic is caught here, and nothing else is done here.
//!
//! The doc comments of this module become `include/wandb_login.h`: they speak to
//! C programmers, in ASCII.

#![allow(non_camel_case_types)] // the names are those of the header
#![allow(clippy::missing_safety_doc)] // the docs are the header's, and say it in words

mod options;
mod session;
mod types;

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use session::*;
pub use types::*;

use crate::error::{Error, Result};
use crate::login::{self, Login};
use crate::options::Options;
use crate::report::Format;
use crate::util::secret::Secret;
use options::{ErrorBuffer, RawOptions};

impl Error {
    /// The number of this error in the C ABI.
    fn status(&self) -> wandb_login_status {
        match self {
            Error::NotConfigured(_) => WANDB_LOGIN_STATUS_NOT_CONFIGURED,
            Error::Argument(_) => WANDB_LOGIN_STATUS_ERR_ARGUMENT,
            Error::Credentials(_) => WANDB_LOGIN_STATUS_ERR_CREDENTIALS,
            Error::Rejected(_) => WANDB_LOGIN_STATUS_ERR_REJECTED,
            Error::Network(_) => WANDB_LOGIN_STATUS_ERR_NETWORK,
            Error::Prompt(_) | Error::Interrupted(_) => WANDB_LOGIN_STATUS_ERR_PROMPT,
            Error::Store(_) => WANDB_LOGIN_STATUS_ERR_STORE,
            Error::Tls(_) => WANDB_LOGIN_STATUS_ERR_TLS,
            Error::Timeout(_) => WANDB_LOGIN_STATUS_ERR_TIMEOUT,
            Error::Proxy(_) => WANDB_LOGIN_STATUS_ERR_PROXY,
            Error::Server(_) => WANDB_LOGIN_STATUS_ERR_SERVER,
            Error::Cancelled(_) => WANDB_LOGIN_STATUS_ERR_CANCELLED,
            Error::Unsupported(_) => WANDB_LOGIN_STATUS_ERR_UNSUPPORTED,
            Error::Internal(_) => WANDB_LOGIN_STATUS_ERR_INTERNAL,
        }
    }
}

/// The one guard of the boundary: no panic leaves it.
fn guarded(body: impl FnOnce() -> Result<wandb_login_status>) -> Result<wandb_login_status> {
    // What a panic may have left half done is local to the call: there is no
    // global state.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Error::Internal(
            "a bug in libwandb_login was caught; please report it with the lines above".into(),
        ))
    })
}

/// What a function of the ABI does with its options. A reference, so that the guard
/// and the reading of the options are in the library once and not in each function.
type Body<'a> = &'a dyn Fn(&RawOptions, &Options<'_>) -> Result<wandb_login_status>;

/// Runs a function of the ABI: reads the options, blanks the error buffer, and
/// turns what comes out into a status.
///
/// # Safety
/// As for the function's `options`.
unsafe fn run(options: *const wandb_login_options, body: Body<'_>) -> wandb_login_status {
    let mut errors = ErrorBuffer::NONE;
    let result = guarded(|| {
        // SAFETY: the caller's promise.
        let given = unsafe { RawOptions::read(options) }?;
        errors = given.errors();
        // SAFETY: the caller's promise.
        unsafe {
            errors.set("");
            given.with(body)
        }
    });
    match result {
        Ok(WANDB_LOGIN_STATUS_OK) => WANDB_LOGIN_STATUS_OK,
        Ok(outcome) => {
            // SAFETY: the caller's promise.
            unsafe { errors.set(&status_text(outcome).to_string_lossy()) };
            outcome
        }
        Err(error) => {
            // SAFETY: the caller's promise.
            unsafe { errors.set(&crate::util::sanitize::clean(&error.to_string())) };
            error.status()
        }
    }
}

/// Hands a session to the caller, and to `backend_fn` first.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn hand_over(
    given: &RawOptions,
    login: Login,
    out: *mut *mut wandb_login_session,
) -> Result<wandb_login_status> {
    let Login::Session(session) = login else {
        return Ok(WANDB_LOGIN_STATUS_OFFLINE);
    };
    let handle = wandb_login_session::new(session);
    let raw = given.raw();
    if let Some(backend) = raw.backend_fn {
        // SAFETY: the callback and its data came together; the handle is live.
        unsafe { backend(raw.backend_user_data, handle) };
    }
    // SAFETY: the caller's promise; without a place to put it, nobody owns it.
    unsafe {
        if out.is_null() {
            wandb_login_session_free(handle);
        } else {
            out.write(handle);
        }
    }
    Ok(WANDB_LOGIN_STATUS_OK)
}

/// Makes an output NULL, before anything can fail.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn blank<T>(out: *mut *mut T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(std::ptr::null_mut()) };
    }
}

/// A text that `wandb_login_string_free()` takes back.
fn give_text(text: &Secret) -> Result<*mut c_char> {
    let bytes = text.as_c_str().to_bytes_with_nul();
    // malloc, so that freeing needs no length that the caller could have changed.
    // SAFETY: the copy fits what was allocated, which is checked.
    unsafe {
        let start = libc::malloc(bytes.len()).cast::<u8>();
        if start.is_null() {
            return Err(Error::Internal("out of memory".into()));
        }
        start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        Ok(start.cast())
    }
}

/// Logs in: finds the API key (options, session, environment, settings files,
/// netrc, in this order), asks for one where none is configured and a human is
/// there, checks it with the server if `WANDB_LOGIN_VERIFY` is set, and stores a
/// key that was given or typed where the Python SDK finds it.
///
/// A key that cannot be stored logs in all the same: see
/// `wandb_login_session_saved()`. In a distributed job only rank 0 prompts,
/// writes and verifies; the others use what they find.
///
/// \param options What to do, or NULL for all defaults.
/// \param session Receives the session, which the caller owns and gives back with
///        `wandb_login_session_free()`; NULL unless the status is
///        `WANDB_LOGIN_STATUS_OK`. May be NULL where it is enough that the machine
///        is logged in.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` says more.
///
/// Threads: any (rule 3). Origin: `wandb.login()` of the Python SDK, with the
/// sources in the order that W&B documents. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login(
    options: *const wandb_login_options,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(session);
        run(options, &|given, options| {
            hand_over(given, login::login(options)?, session)
        })
    }
}

/// Asks for a key without looking for one first, with `prompt_fn` or on the
/// terminal; then as `wandb_login()`.
///
/// \param options As for `wandb_login()`; `api_key` or `WANDB_LOGIN_NO_PROMPT` in
///        them is an argument error.
/// \param session As for `wandb_login()`.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` says more.
///
/// Threads: any (rule 3), but a process has one terminal: a second prompt on it
/// is `WANDB_LOGIN_STATUS_ERR_PROMPT`. Origin: `prompt_api_key()` of the Python
/// SDK. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_prompt_api_key(
    options: *const wandb_login_options,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(session);
        run(options, &|given, options| {
            hand_over(given, login::prompt_api_key(options)?, session)
        })
    }
}

/// Tells whether a key is configured: whether `wandb_login_check()` is
/// `WANDB_LOGIN_STATUS_OK`.
///
/// \param options As for `wandb_login()`, or NULL.
/// \return `false` also where something is wrong; `error_buf` says what.
///
/// Threads: any (rule 3). Origin: `is_apikey_configured()` of the Python SDK.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_is_apikey_configured(options: *const wandb_login_options) -> bool {
    // SAFETY: the caller's promise.
    unsafe { wandb_login_check(options) == WANDB_LOGIN_STATUS_OK }
}

/// Tells whether `wandb_login()` would find a well-formed credential without
/// asking anybody, whatever the mode. Never uses the network, prompts or writes.
///
/// \param options As for `wandb_login()`, or NULL.
/// \return `WANDB_LOGIN_STATUS_OK` if it would, `WANDB_LOGIN_STATUS_NOT_CONFIGURED`
///         if there is none, else the error that the login would end with.
///
/// Threads: any (rule 3). Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_check(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        run(options, &|_, options| {
            login::check(options).map(|()| WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Logs out: removes what this library and the Python SDK stored for the server,
/// which is its entries in netrc under all its names, its cached access token, and
/// the record of an anonymous account. Entries of other tools and the settings
/// stay. The log says what still logs in, such as a variable.
///
/// Sessions that are open stay as they are. Ranks other than 0 of a distributed
/// job do nothing.
///
/// \param options As for `wandb_login()`, or NULL.
/// \return `WANDB_LOGIN_STATUS_OK`, also where nothing was stored;
///         `WANDB_LOGIN_STATUS_ERR_STORE` if a file could not be written.
///
/// Threads: any (rule 3). Origin: our own; the SDK has no way to log out.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_forget(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        run(options, &|_, options| {
            login::forget(options).map(|()| WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Says which key a login would use and why: the server, the source that wins,
/// and for every other source whether it is absent, shadowed, invalid or skipped.
/// Keys are masked. Never uses the network, prompts or writes.
///
/// \param options As for `wandb_login()`, or NULL.
/// \param format `WANDB_LOGIN_REPORT_TEXT` or `WANDB_LOGIN_REPORT_JSON`; any other
///        number is an argument error.
/// \param report Receives the text, UTF-8, which the caller gives back with
///        `wandb_login_string_free()`; NULL unless the status is
///        `WANDB_LOGIN_STATUS_OK`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` whenever there is a report, whatever it says.
///
/// Threads: any (rule 3). Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_explain(
    options: *const wandb_login_options,
    format: i32,
    report: *mut *mut c_char,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(report);
        run(options, &|_, options| {
            let format = match format {
                WANDB_LOGIN_REPORT_TEXT => Format::Text,
                WANDB_LOGIN_REPORT_JSON => Format::Json,
                other => {
                    return Err(Error::Argument(format!(
                        "format is {other}; it is 0 (text) or 1 (JSON)"
                    )));
                }
            };
            need(report, "report")?;
            let text = login::explain(options)?.render(format);
            report.write(give_text(&Secret::new(text.as_bytes()))?);
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Takes back a text that `wandb_login_explain()` or
/// `wandb_login_session_export()` gave, wipes it and frees it.
///
/// \param text The text, not used after this. NULL is fine. Never a text that a
///        session owns, and not one from `malloc()`.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the text came from `give_text`, and the caller gives it back.
        unsafe {
            let length = CStr::from_ptr(text).to_bytes().len();
            zeroize::Zeroize::zeroize(std::slice::from_raw_parts_mut(text.cast::<u8>(), length));
            libc::free(text.cast());
        }
    }
}

/// Fills an options struct with the defaults, as `WANDB_LOGIN_OPTIONS_INIT` does,
/// for languages without macros.
///
/// \param options The caller's struct. NULL is fine, and nothing is done.
/// \param struct_size Its size as the caller knows it, in bytes: it becomes the
///        first member. Nothing is done if it is smaller than a `size_t`, and no
///        byte beyond it is touched.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_options_init(
    options: *mut wandb_login_options,
    struct_size: usize,
) {
    if !options.is_null() && struct_size >= size_of::<usize>() {
        // SAFETY: the caller's struct has `struct_size` writable bytes, and
        // begins with its size.
        unsafe {
            options.cast::<u8>().write_bytes(0, struct_size);
            options.cast::<usize>().write(struct_size);
        }
    }
}

/// The error for a pointer that must not be NULL.
fn need<T>(pointer: *const T, name: &str) -> Result<()> {
    if pointer.is_null() {
        return Err(Error::Argument(format!("{name} must not be NULL")));
    }
    Ok(())
}

/// What a status means, in a few words. `error_buf` says more, and about the very
/// call.
///
/// \param status Any number.
/// \return Static text, ASCII; `unknown status` for a number that this version of
///         the library does not know. Never NULL.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_status_string(status: i32) -> *const c_char {
    status_text(status).as_ptr()
}

fn status_text(status: i32) -> &'static CStr {
    match status {
        WANDB_LOGIN_STATUS_OK => c"done",
        WANDB_LOGIN_STATUS_OFFLINE => c"W&B is offline or disabled",
        WANDB_LOGIN_STATUS_NOT_CONFIGURED => c"no API key is configured",
        WANDB_LOGIN_STATUS_ERR_ARGUMENT => c"the options are wrong",
        WANDB_LOGIN_STATUS_ERR_CREDENTIALS => c"a configured credential is unusable",
        WANDB_LOGIN_STATUS_ERR_REJECTED => c"the server does not accept the credential",
        WANDB_LOGIN_STATUS_ERR_NETWORK => c"the server cannot be reached",
        WANDB_LOGIN_STATUS_ERR_PROMPT => c"the prompt failed",
        WANDB_LOGIN_STATUS_ERR_STORE => c"a stored credential could not be removed",
        WANDB_LOGIN_STATUS_ERR_TLS => c"no trusted connection to the server",
        WANDB_LOGIN_STATUS_ERR_TIMEOUT => c"the server did not answer in time",
        WANDB_LOGIN_STATUS_ERR_PROXY => c"the proxy refused",
        WANDB_LOGIN_STATUS_ERR_SERVER => c"the server's answer is not W&B's",
        WANDB_LOGIN_STATUS_ERR_CANCELLED => c"cancelled",
        WANDB_LOGIN_STATUS_ERR_UNSUPPORTED => c"not in this build of the library",
        WANDB_LOGIN_STATUS_ERR_INTERNAL => c"a bug in libwandb_login",
        _ => c"unknown status",
    }
}

/// The version of the library that is loaded, such as `0.1.0`;
/// `WANDB_LOGIN_VERSION` is that of the header.
///
/// \return Static text, ASCII. Never NULL.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The same as one number, to compare with `WANDB_LOGIN_VERSION_NUMBER`: a library
/// that is no older than the header has all that the header names.
///
/// \return major * 10000 + minor * 100 + patch.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_version_number() -> u32 {
    WANDB_LOGIN_VERSION_NUMBER
}

// The header's number is that of Cargo.toml.
const _: () = {
    let number = parse(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
        + parse(env!("CARGO_PKG_VERSION_MINOR")) * 100
        + parse(env!("CARGO_PKG_VERSION_PATCH"));
    assert!(WANDB_LOGIN_VERSION_NUMBER == number);
};

const fn parse(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version is made of numbers"),
    }
}

/// Panics inside the guard, so that a test can see what a caller sees.
#[cfg(feature = "panic-test")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_test_panic(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe { run(options, &|_, _| panic!("a test asked for this panic")) }
}
