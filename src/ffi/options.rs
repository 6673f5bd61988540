//! From the caller's struct to [`Options`]: every pointer is checked here.

use std::ffi::{CStr, CString, OsStr, c_char, c_void};
use std::mem::{MaybeUninit, offset_of, size_of};
use std::path::Path;
use std::time::Duration;

use super::Body;
use super::session::c_text;
use super::types::*;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::options::{Anonymous, Flags, Options, PromptAnswer, PromptRequest, Timeout};
use crate::util::secret::{Secret, WipedBytes};

/// The size of the struct in version 0 of the ABI: a smaller one is no options
/// struct. It stays when members are appended.
const OLDEST_SIZE: usize = offset_of!(wandb_login_options, error_buf_size) + size_of::<usize>();

/// A larger one is a mistake, such as a struct that was never initialised.
const LARGEST_SIZE: usize = 4096;

/// The keys that a prompt callback writes are at most this, NUL included.
const KEY_BUFFER_SIZE: usize = 65_537;

/// The caller's struct as this version knows it: members that an older caller
/// does not have are zero.
pub(super) struct RawOptions {
    raw: wandb_login_options,
    /// A newer caller set members that this version does not know.
    has_more: bool,
}

impl RawOptions {
    /// # Safety
    /// `options` is NULL, or points to a struct of at least `struct_size` bytes.
    pub unsafe fn read(options: *const wandb_login_options) -> Result<RawOptions> {
        let mut given = MaybeUninit::<wandb_login_options>::zeroed();
        let mut has_more = false;
        if !options.is_null() {
            // SAFETY: every options struct begins with its size.
            let size = unsafe { options.cast::<usize>().read() };
            if !(OLDEST_SIZE..=LARGEST_SIZE).contains(&size) {
                return Err(Error::Argument(format!(
                    "options.struct_size is {size}; start from WANDB_LOGIN_OPTIONS_INIT or wandb_login_options_init()"
                )));
            }
            let known = size.min(size_of::<wandb_login_options>());
            let bytes = options.cast::<u8>();
            // SAFETY: the caller's struct has `size` readable bytes.
            let tail = unsafe { std::slice::from_raw_parts(bytes.add(known), size - known) };
            has_more = tail.iter().any(|&byte| byte != 0);
            // SAFETY: both sides have `known` bytes and do not overlap.
            unsafe { bytes.copy_to_nonoverlapping(given.as_mut_ptr().cast(), known) };
        }
        // SAFETY: every member is valid when zero, and what was copied is the
        // caller's own struct of the same layout.
        let raw = unsafe { given.assume_init() };
        Ok(RawOptions { raw, has_more })
    }

    pub fn raw(&self) -> &wandb_login_options {
        &self.raw
    }

    /// Calls `body` with the options.
    ///
    /// # Safety
    /// Each pointer is NULL or as its member's documentation says.
    pub unsafe fn with(&self, body: Body<'_>) -> Result<wandb_login_status> {
        let raw = &self.raw;
        if self.has_more {
            return Err(Error::Argument(
                "options has members that this version of the library does not know; update the library or leave them zero".into(),
            ));
        }
        // SAFETY (all calls of `text` and `entries`): the caller's promise.
        let environment = unsafe { entries(raw.environment) };
        let prompt = raw.prompt_fn.map(|callback| {
            move |request: &PromptRequest<'_>| {
                // SAFETY: the callback and its data came together.
                unsafe { ask(callback, raw.prompt_user_data, request) }
            }
        });
        let log = raw.log_fn.map(|callback| {
            move |level: Level, line: &str| {
                let line = c_text(line);
                // SAFETY: the callback and its data came together.
                unsafe { callback(raw.log_user_data, level as i32, line.as_ptr()) }
            }
        });
        let cancel = raw.cancel_fn.map(|callback| {
            // SAFETY: the callback and its data came together.
            move || unsafe { callback(raw.cancel_user_data) != 0 }
        });
        let options = Options {
            api_key: unsafe { text(raw.api_key, "api_key") }?,
            host: unsafe { text(raw.host, "host") }?,
            referrer: unsafe { text(raw.referrer, "referrer") }?,
            flags: Flags::from_bits(raw.flags).ok_or_else(|| {
                Error::Argument(format!(
                    "options.flags has an unknown bit: {:#x}",
                    raw.flags
                ))
            })?,
            anonymous: match raw.anonymous {
                WANDB_LOGIN_ANONYMOUS_NEVER => Anonymous::Never,
                WANDB_LOGIN_ANONYMOUS_ALLOW => Anonymous::Allow,
                WANDB_LOGIN_ANONYMOUS_MUST => Anonymous::Must,
                other => {
                    return Err(Error::Argument(format!(
                        "options.anonymous is {other}; it is 0 (never), 1 (allow) or 2 (must)"
                    )));
                }
            },
            prompt_timeout: match raw.prompt_timeout_ms {
                0 => Timeout::Configured,
                u32::MAX => Timeout::Never,
                ms => Timeout::After(Duration::from_millis(ms.into())),
            },
            http_timeout: (raw.http_timeout_ms != 0)
                .then(|| Duration::from_millis(raw.http_timeout_ms.into())),
            prompt: prompt.as_ref().map(|ask| ask as _),
            log: log.as_ref().map(|log| log as _),
            cancel: cancel.as_ref().map(|cancel| cancel as _),
            // SAFETY: NULL or a live session.
            session: unsafe { raw.session.as_ref() }.map(|handle| &handle.session),
            environment: environment.as_deref(),
            working_directory: unsafe { bytes(raw.working_directory) }.map(Path::new),
            command_line: false,
            quiet: false,
        };
        body(self, &options)
    }

    /// Where errors are told.
    pub fn errors(&self) -> ErrorBuffer {
        ErrorBuffer {
            start: self.raw.error_buf,
            size: self.raw.error_buf_size,
        }
    }
}

/// The caller's buffer for one sentence.
#[derive(Clone, Copy)]
pub(super) struct ErrorBuffer {
    start: *mut c_char,
    size: usize,
}

impl ErrorBuffer {
    pub const NONE: ErrorBuffer = ErrorBuffer {
        start: std::ptr::null_mut(),
        size: 0,
    };

    /// Writes as much of the text as fits, cut at a character's border.
    ///
    /// # Safety
    /// The caller's buffer has the size that was told.
    pub unsafe fn set(self, text: &str) {
        if self.start.is_null() || self.size == 0 {
            return;
        }
        let room = text.len().min(self.size - 1);
        let length = (0..=room)
            .rfind(|&end| text.is_char_boundary(end))
            .unwrap_or(0);
        // SAFETY: `length + 1` bytes fit, and the buffer is the caller's own.
        unsafe {
            self.start
                .copy_from_nonoverlapping(text.as_ptr().cast(), length);
            self.start.add(length).write(0);
        }
    }
}

/// The bytes of a text that is neither NULL nor empty.
///
/// # Safety
/// `text` is NULL or ends with NUL, and lives as long as `'a`.
unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a OsStr> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    (!bytes.is_empty()).then(|| os_str(bytes))
}

#[cfg(unix)]
fn os_str(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

#[cfg(not(unix))]
fn os_str(bytes: &[u8]) -> &OsStr {
    OsStr::new(std::str::from_utf8(bytes).unwrap_or("\u{fffd}"))
}

/// The same, as UTF-8.
///
/// # Safety
/// As for [`bytes()`].
unsafe fn text<'a>(text: *const c_char, member: &str) -> Result<Option<&'a str>> {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { bytes(text) }) else {
        return Ok(None);
    };
    let text = bytes.to_str();
    text.map(Some)
        .ok_or_else(|| Error::Argument(format!("options.{member} is not UTF-8")))
}

/// The entries of an environment block.
///
/// # Safety
/// `block` is NULL, or an array of texts that ends with NULL; all live as long
/// as `'a`.
unsafe fn entries<'a>(block: *const *const c_char) -> Option<Vec<&'a OsStr>> {
    if block.is_null() {
        return None;
    }
    let mut entries = Vec::new();
    // SAFETY: read up to the NULL that ends the array.
    while let Some(entry) = unsafe { block.add(entries.len()).read().as_ref() } {
        // SAFETY: an entry ends with NUL.
        entries.push(os_str(unsafe { CStr::from_ptr(entry) }.to_bytes()));
    }
    Some(entries)
}

/// Asks the caller's prompt.
///
/// # Safety
/// `callback` is a prompt callback that takes `user_data`.
unsafe fn ask(
    callback: unsafe extern "C" fn(
        *mut c_void,
        *const wandb_login_prompt_request,
        *mut c_char,
        usize,
    ) -> i32,
    user_data: *mut c_void,
    asked: &PromptRequest<'_>,
) -> PromptAnswer {
    let [server, server_source, authorize_url, signup_url] = [
        asked.server,
        asked.server_source,
        asked.authorize_url,
        asked.signup_url,
    ]
    .map(c_text);
    let problem: Option<CString> = asked.problem.map(c_text);
    let request = wandb_login_prompt_request {
        struct_size: size_of::<wandb_login_prompt_request>(),
        server: server.as_ptr(),
        server_source: server_source.as_ptr(),
        authorize_url: authorize_url.as_ptr(),
        signup_url: signup_url.as_ptr(),
        may_offline: asked.may_offline.into(),
        may_anonymous: asked.may_anonymous.into(),
        attempt: asked.attempt,
        remaining_ms: asked.remaining.map_or(u32::MAX, |left| {
            u32::try_from(left.as_millis()).unwrap_or(u32::MAX - 1)
        }),
        problem: problem
            .as_ref()
            .map_or(std::ptr::null(), |text| text.as_ptr()),
    };
    let mut buffer = WipedBytes::new(vec![0; KEY_BUFFER_SIZE]);
    // SAFETY: the request and the buffer outlive the call.
    let answer = unsafe {
        callback(
            user_data,
            &request,
            buffer.as_mut_ptr().cast(),
            KEY_BUFFER_SIZE,
        )
    };
    match answer {
        WANDB_LOGIN_PROMPT_KEY => {
            let end = buffer.iter().position(|&byte| byte == 0);
            PromptAnswer::Key(Secret::new(&buffer[..end.unwrap_or(buffer.len())]))
        }
        WANDB_LOGIN_PROMPT_OFFLINE => PromptAnswer::Offline,
        WANDB_LOGIN_PROMPT_TERMINAL => PromptAnswer::Terminal,
        WANDB_LOGIN_PROMPT_ANONYMOUS => PromptAnswer::Anonymous,
        _ => PromptAnswer::GiveUp,
    }
}
