//! The C ABI. It checks every pointer, converts arguments and results, and catches
//! panics; everything else is done by the rest of the library.
//!
//! The doc comments of this module become `include/wandb_login.h`: they are written
//! for C programmers, in ASCII. They also state what the caller must guarantee for
//! each `unsafe` function, which is why these have no `# Safety` section.

#![allow(non_camel_case_types)] // the names are those of the header
#![allow(clippy::missing_safety_doc)] // see above

mod options;
mod renewer;
mod route;
mod session;
mod types;

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use renewer::*;
pub use route::*;
pub use session::*;
pub use types::*;

use crate::error::{Error, Result};
use crate::login::{self, Login};
use crate::options::Options;
use crate::report::Format;
use crate::util::secret::Secret;
use options::RawOptions;

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

/// Runs `body` and turns a panic into an error.
fn catch_panic(body: impl FnOnce() -> Result<wandb_login_status>) -> Result<wandb_login_status> {
    // A panic can leave only data of this call inconsistent: there is no global
    // state.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Error::Internal(
            "internal error in libwandb_login; please report it with the panic message".into(),
        ))
    })
}

/// The part of an ABI function that runs with checked options. It is a trait object,
/// so that `call_with_options` is compiled once and not per function.
type Body<'a> = &'a dyn Fn(&RawOptions, &Options<'_>) -> Result<wandb_login_status>;

/// Runs an ABI function: reads the options, calls `body`, writes the error message
/// and returns the status.
///
/// # Safety
/// `options` is NULL or points to options as the header describes them.
unsafe fn call_with_options(
    options: *const wandb_login_options,
    body: Body<'_>,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    let Some(raw) = (unsafe { RawOptions::read(options) }) else {
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    };
    // SAFETY: the caller's guarantee, which includes the error buffer.
    let write_error = |message: &str| unsafe { raw.write_error(message) };
    write_error("");
    // SAFETY: the caller's guarantee.
    match catch_panic(|| unsafe { raw.convert_for(body) }) {
        Ok(WANDB_LOGIN_STATUS_OK) => WANDB_LOGIN_STATUS_OK,
        Ok(outcome) => {
            write_error(&status_text(outcome).to_string_lossy());
            outcome
        }
        Err(error) => {
            write_error(&error.to_string());
            error.status()
        }
    }
}

/// Passes the session of a login to `backend_fn`, then to the caller.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn return_login(
    raw: &RawOptions,
    login: Login,
    out: *mut *mut wandb_login_session,
) -> Result<wandb_login_status> {
    let Login::Session(session) = login else {
        return Ok(WANDB_LOGIN_STATUS_OFFLINE);
    };
    let handle = wandb_login_session::new(session);
    // SAFETY: the handle is live and has one owner, which is the caller from here
    // on, or this function if the caller does not want the session.
    unsafe {
        raw.call_backend_fn(handle);
        if out.is_null() {
            wandb_login_session_free(handle);
        } else {
            out.write(handle);
        }
    }
    Ok(WANDB_LOGIN_STATUS_OK)
}

/// Sets an output pointer to NULL, before anything can fail.
///
/// # Safety
/// `out` is NULL or writable.
unsafe fn set_null<T>(out: *mut *mut T) {
    if !out.is_null() {
        // SAFETY: the caller's guarantee.
        unsafe { out.write(std::ptr::null_mut()) };
    }
}

/// Copies a string for the caller, who frees it with `wandb_login_string_free()`.
fn allocate_string(text: &Secret) -> Result<*mut c_char> {
    let bytes = text.as_c_str().to_bytes_with_nul();
    // `malloc`, because freeing with Rust's allocator needs the length, which the
    // caller could have changed by writing a NUL.
    // SAFETY: the allocation is checked, and is as long as what is copied.
    unsafe {
        let start = libc::malloc(bytes.len()).cast::<u8>();
        if start.is_null() {
            return Err(Error::Internal("out of memory".into()));
        }
        start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        Ok(start.cast())
    }
}

/// Logs in. Finds the API key in the options, the session, the environment, the
/// settings files and the netrc file, in this order. If none is configured, prompts
/// for one. Verifies it with the server if `WANDB_LOGIN_VERIFY` is set. Stores a key
/// that was passed in or typed, where the Python SDK finds it.
///
/// If the key cannot be stored, the login still succeeds: see
/// `wandb_login_session_saved()`. In a distributed job only rank 0 prompts, writes,
/// verifies, and prints what it did; the other ranks use what they find, and print
/// warnings only.
///
/// \param options The options, or NULL for all defaults.
/// \param session Receives the session. The caller frees it with
///        `wandb_login_session_free()`. NULL if the session is not needed.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` has the details.
///
/// Threads: any (rule 3). Origin: `wandb.login()` of the Python SDK, with the
/// sources in the order that W&B documents. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login(
    options: *const wandb_login_options,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(session);
        call_with_options(options, &|raw, options| {
            return_login(raw, login::login(options)?, session)
        })
    }
}

/// Prompts for a key without looking for a configured one, with `prompt_fn` or on
/// the terminal. Then verifies and stores it like `wandb_login()`.
///
/// \param options The options, or NULL for all defaults. `api_key` and
///        `WANDB_LOGIN_NO_PROMPT` are argument errors here.
/// \param session Receives the session. The caller frees it with
///        `wandb_login_session_free()`. NULL if the session is not needed.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` has the details.
///
/// Threads: any (rule 3). A process has one terminal: while one thread prompts on
/// it, another gets `WANDB_LOGIN_STATUS_ERR_PROMPT`. Origin: `prompt_api_key()` of
/// the Python SDK. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_prompt_api_key(
    options: *const wandb_login_options,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(session);
        call_with_options(options, &|raw, options| {
            return_login(raw, login::prompt_api_key(options)?, session)
        })
    }
}

/// Returns whether a key is configured, that is, whether `wandb_login_check()`
/// returns `WANDB_LOGIN_STATUS_OK`.
///
/// \param options The options, or NULL for all defaults.
/// \return `true` if a key is configured. `false` if not, or after an error;
///         `error_buf` has the reason.
///
/// Threads: any (rule 3). Origin: `is_apikey_configured()` of the Python SDK.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_is_apikey_configured(options: *const wandb_login_options) -> bool {
    // SAFETY: the caller's guarantee.
    unsafe { wandb_login_check(options) == WANDB_LOGIN_STATUS_OK }
}

/// Checks whether `wandb_login()` would find a well-formed credential without a
/// prompt. The W&B mode (offline, disabled) is ignored. Never uses the network,
/// prompts or writes.
///
/// \param options The options, or NULL for all defaults.
/// \return `WANDB_LOGIN_STATUS_OK` if it would, `WANDB_LOGIN_STATUS_NOT_CONFIGURED`
///         if no credential is configured, otherwise the error of the login.
///
/// Threads: any (rule 3). Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_check(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        call_with_options(options, &|_, options| {
            login::check(options).map(|()| WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Logs out: removes what this library and the Python SDK stored for the server.
/// These are the netrc entries for all names of the server, the cached access token
/// and the record of an anonymous account, and an entry for the host without the port
/// if it holds the removed key. Entries of other tools and the settings are kept. The
/// log names the sources that still have a credential, such as a
/// variable.
///
/// Open sessions are not affected. In a distributed job the ranks other than 0 do
/// nothing.
///
/// \param options The options, or NULL for all defaults.
/// \return `WANDB_LOGIN_STATUS_OK`, also if nothing was stored.
///         `WANDB_LOGIN_STATUS_ERR_STORE` if a file could not be written.
///
/// Threads: any (rule 3). Origin: libwandb_login; the Python SDK has no logout.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_forget(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        call_with_options(options, &|_, options| {
            login::forget(options).map(|()| WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Reports which key a login would use and why: the server, the source that is used,
/// and for every other source whether it is absent, shadowed, invalid or skipped.
/// Keys are masked. Never uses the network, prompts or writes.
///
/// \param options The options, or NULL for all defaults.
/// \param format `WANDB_LOGIN_REPORT_TEXT` or `WANDB_LOGIN_REPORT_JSON`. Any other
///        number is an argument error.
/// \param report Receives the report, a UTF-8 string. The caller frees it with
///        `wandb_login_string_free()`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` if there is a report, whatever it contains.
///
/// Threads: any (rule 3). Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_explain(
    options: *const wandb_login_options,
    format: i32,
    report: *mut *mut c_char,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(report);
        call_with_options(options, &|_, options| {
            let format = match format {
                WANDB_LOGIN_REPORT_TEXT => Format::Text,
                WANDB_LOGIN_REPORT_JSON => Format::Json,
                other => {
                    return Err(Error::Argument(format!(
                        "format is {other}; it must be 0 (text) or 1 (JSON)"
                    )));
                }
            };
            require_non_null(report, "report")?;
            let text = login::explain(options)?.render(format);
            report.write(allocate_string(&Secret::new(text.as_bytes()))?);
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Wipes and frees a string that `wandb_login_explain()` or
/// `wandb_login_session_export()` returned.
///
/// \param text The string; not used after this call. May be NULL. Must not be a
///        string that a session owns, or one from `malloc()`.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the string is from `allocate_string`, and the caller does not use
        // it any more.
        unsafe {
            let length = CStr::from_ptr(text).to_bytes().len();
            zeroize::Zeroize::zeroize(std::slice::from_raw_parts_mut(text.cast::<u8>(), length));
            libc::free(text.cast());
        }
    }
}

/// Sets options to the defaults like `WANDB_LOGIN_OPTIONS_INIT`, for languages
/// without macros.
///
/// \param options The caller's struct. If it is NULL, nothing is done.
/// \param struct_size Size of the caller's struct in bytes, which becomes its first
///        member. No byte beyond it is written. If it is smaller than a `size_t`,
///        nothing is done.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_options_init(
    options: *mut wandb_login_options,
    struct_size: usize,
) {
    if !options.is_null() && struct_size >= size_of::<usize>() {
        // SAFETY: the caller's struct has `struct_size` writable bytes and begins
        // with its size.
        unsafe {
            options.cast::<u8>().write_bytes(0, struct_size);
            options.cast::<usize>().write(struct_size);
        }
    }
}

/// Returns an argument error if a pointer is NULL.
fn require_non_null<T>(pointer: *const T, name: &str) -> Result<()> {
    if pointer.is_null() {
        return Err(Error::Argument(format!("{name} must not be NULL")));
    }
    Ok(())
}

/// Returns what a status means, in a few words. `error_buf` has the details of a
/// particular call.
///
/// \param status Any number.
/// \return A static ASCII string; `unknown status` for a number that this version of
///         the library does not know. Never NULL.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_status_string(status: i32) -> *const c_char {
    status_text(status).as_ptr()
}

fn status_text(status: i32) -> &'static CStr {
    match status {
        WANDB_LOGIN_STATUS_OK => c"success",
        WANDB_LOGIN_STATUS_OFFLINE => c"W&B is offline or disabled",
        WANDB_LOGIN_STATUS_NOT_CONFIGURED => c"no API key is configured",
        WANDB_LOGIN_STATUS_ERR_ARGUMENT => c"invalid argument",
        WANDB_LOGIN_STATUS_ERR_CREDENTIALS => c"a configured credential is invalid",
        WANDB_LOGIN_STATUS_ERR_REJECTED => c"the server rejected the credential",
        WANDB_LOGIN_STATUS_ERR_NETWORK => c"the server cannot be reached",
        WANDB_LOGIN_STATUS_ERR_PROMPT => c"the prompt failed",
        WANDB_LOGIN_STATUS_ERR_STORE => c"a stored credential could not be removed",
        WANDB_LOGIN_STATUS_ERR_TLS => c"no TLS connection to the server",
        WANDB_LOGIN_STATUS_ERR_TIMEOUT => c"the server did not respond in time",
        WANDB_LOGIN_STATUS_ERR_PROXY => c"the proxy cannot be used",
        WANDB_LOGIN_STATUS_ERR_SERVER => c"the server returned an unexpected response",
        WANDB_LOGIN_STATUS_ERR_CANCELLED => c"cancelled",
        WANDB_LOGIN_STATUS_ERR_UNSUPPORTED => c"not supported by this build of the library",
        WANDB_LOGIN_STATUS_ERR_INTERNAL => c"internal error in libwandb_login",
        _ => c"unknown status",
    }
}

/// Returns the version of the loaded library, such as `0.2.0`. `WANDB_LOGIN_VERSION`
/// is the version of the header.
///
/// \return A static ASCII string. Never NULL.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Returns the version of the loaded library as a number. If it is not less than
/// `WANDB_LOGIN_VERSION_NUMBER`, the library has everything that the header declares.
///
/// \return major * 10000 + minor * 100 + patch.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn wandb_login_version_number() -> u32 {
    WANDB_LOGIN_VERSION_NUMBER
}

// The number in the header must be the version in Cargo.toml.
const _: () = {
    let number = parse_number(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
        + parse_number(env!("CARGO_PKG_VERSION_MINOR")) * 100
        + parse_number(env!("CARGO_PKG_VERSION_PATCH"));
    assert!(WANDB_LOGIN_VERSION_NUMBER == number);
};

const fn parse_number(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version consists of numbers"),
    }
}

/// Panics, so that a test can check that a panic does not reach the caller.
#[cfg(feature = "panic-test")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_test_panic(
    options: *const wandb_login_options,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe { call_with_options(options, &|_, _| panic!("panic requested by a test")) }
}
