//! Converts the caller's options to [`Options`] and checks every pointer.

use std::ffi::{CStr, CString, OsStr, c_char, c_void};
use std::mem::{MaybeUninit, offset_of, size_of};
use std::path::Path;
use std::time::Duration;

use super::Body;
use super::session::{to_c_string, wandb_login_session};
use super::types::*;
use crate::env;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::options::{Anonymous, Flags, Options, PromptAnswer, PromptRequest, Timeout};
use crate::util::secret::{Secret, WipedBytes};

/// Size of the struct in version 0 of the ABI. It stays when members are appended.
const OLDEST_SIZE: usize = offset_of!(wandb_login_options, error_buf_size) + size_of::<usize>();

/// A larger size is an error, such as a struct that was never initialized.
const LARGEST_SIZE: usize = 4096;

/// Size of the buffer for a prompt callback's key, NUL included.
const KEY_BUFFER_SIZE: usize = 65_537;

/// A copy of the caller's struct in the layout of this version. Members that an older
/// caller lacks are zero.
pub(super) struct RawOptions {
    raw: wandb_login_options,
    /// A newer caller set members that this version does not know.
    has_unknown_members: bool,
}

impl RawOptions {
    /// Copies the caller's struct. `None` if its size is invalid: the position of
    /// its members, including `error_buf`, is then unknown.
    ///
    /// # Safety
    /// `options` is NULL, or points to a struct of at least `struct_size` bytes.
    pub(super) unsafe fn read(options: *const wandb_login_options) -> Option<RawOptions> {
        let mut copy = MaybeUninit::<wandb_login_options>::zeroed();
        let mut has_unknown_members = false;
        if !options.is_null() {
            // SAFETY: every options struct begins with its size.
            let size = unsafe { options.cast::<usize>().read() };
            if !(OLDEST_SIZE..=LARGEST_SIZE).contains(&size) {
                return None;
            }
            // SAFETY: the caller's struct has `size` readable bytes.
            let bytes = unsafe { std::slice::from_raw_parts(options.cast::<u8>(), size) };
            let (known, unknown) = bytes.split_at(size.min(size_of::<wandb_login_options>()));
            has_unknown_members = unknown.iter().any(|&byte| byte != 0);
            // SAFETY: `known` is not longer than `copy` and does not overlap it.
            unsafe {
                let start = copy.as_mut_ptr().cast::<u8>();
                start.copy_from_nonoverlapping(known.as_ptr(), known.len());
            }
        }
        // SAFETY: zero is valid for every member, and the copied bytes are those of
        // the caller's struct, which has the same layout.
        let raw = unsafe { copy.assume_init() };
        Some(RawOptions {
            raw,
            has_unknown_members,
        })
    }

    /// Calls `body` with the converted options.
    ///
    /// # Safety
    /// Each pointer is NULL or as the documentation of its member says.
    pub(super) unsafe fn convert_for(&self, body: Body<'_>) -> Result<wandb_login_status> {
        let raw = &self.raw;
        if self.has_unknown_members {
            return Err(Error::Argument(
                "options has members that this version of the library does not know; update the library or set them to zero".into(),
            ));
        }
        // SAFETY: the caller's guarantee.
        let environment = unsafe { environment_entries(raw.environment) };
        let prompt = raw.prompt_fn.map(|callback| {
            move |request: &PromptRequest<'_>| {
                // SAFETY: the callback accepts its user data.
                unsafe { call_prompt_fn(callback, raw.prompt_user_data, request) }
            }
        });
        let log = raw.log_fn.map(|callback| {
            move |level: Level, line: &str| {
                let line = to_c_string(line);
                // SAFETY: the callback accepts its user data.
                unsafe { callback(raw.log_user_data, level as i32, line.as_ptr()) }
            }
        });
        let cancel = raw.cancel_fn.map(|callback| {
            // SAFETY: the callback accepts its user data.
            move || unsafe { callback(raw.cancel_user_data) != 0 }
        });
        let options = Options {
            // SAFETY: the caller's guarantee.
            api_key: unsafe { utf8(raw.api_key, "api_key") }?,
            // SAFETY: the caller's guarantee.
            host: unsafe { utf8(raw.host, "host") }?,
            // SAFETY: the caller's guarantee.
            referrer: unsafe { utf8(raw.referrer, "referrer") }?,
            flags: flags(raw.flags)?,
            anonymous: anonymous(raw.anonymous)?,
            prompt_timeout: prompt_timeout(raw.prompt_timeout_ms),
            http_timeout: http_timeout(raw.http_timeout_ms),
            prompt: prompt.as_ref().map(|prompt| prompt as _),
            log: log.as_ref().map(|log| log as _),
            cancel: cancel.as_ref().map(|cancel| cancel as _),
            // SAFETY: NULL or a live session.
            session: unsafe { raw.session.as_ref() }.map(|handle| &handle.session),
            environment: environment.as_deref(),
            // SAFETY: the caller's guarantee.
            working_directory: unsafe { bytes(raw.working_directory) }.map(Path::new),
            command_line: false,
            quiet: false,
            caches_only: false,
            offline_without_exchange: false,
        };
        body(self, &options)
    }

    /// Calls `backend_fn`, if the caller set it.
    ///
    /// # Safety
    /// `session` is a live handle.
    pub(super) unsafe fn call_backend_fn(&self, session: *mut wandb_login_session) {
        if let Some(callback) = self.raw.backend_fn {
            // SAFETY: the callback accepts its user data; the handle is live.
            unsafe { callback(self.raw.backend_user_data, session) };
        }
    }

    /// Writes a message to `error_buf`.
    ///
    /// # Safety
    /// `error_buf` is NULL or has `error_buf_size` writable bytes.
    pub(super) unsafe fn write_error(&self, message: &str) {
        // SAFETY: the caller's guarantee.
        unsafe { write_error(self.raw.error_buf, self.raw.error_buf_size, message) };
    }

    /// `log_fn` and its data.
    pub(super) fn log_fn(&self) -> Option<(LogFn, *mut c_void)> {
        self.raw.log_fn.map(|call| (call, self.raw.log_user_data))
    }

    /// `cancel_fn` and its data.
    pub(super) fn cancel_fn(&self) -> Option<(CancelFn, *mut c_void)> {
        let data = self.raw.cancel_user_data;
        self.raw.cancel_fn.map(|call| (call, data))
    }

    /// `backend_fn` and its data.
    pub(super) fn backend_fn(&self) -> Option<(BackendFn, *mut c_void)> {
        let data = self.raw.backend_user_data;
        self.raw.backend_fn.map(|call| (call, data))
    }
}

type LogFn = unsafe extern "C" fn(*mut c_void, i32, *const c_char);
type CancelFn = unsafe extern "C" fn(*mut c_void) -> i32;
type BackendFn = unsafe extern "C" fn(*mut c_void, *mut wandb_login_session);

/// Writes as much of a message to a buffer as fits, truncated at a character boundary.
///
/// # Safety
/// `start` is NULL or has `size` writable bytes.
pub(super) unsafe fn write_error(start: *mut c_char, size: usize, message: &str) {
    if start.is_null() || size == 0 {
        return;
    }
    let longest = message.len().min(size - 1);
    let length = (0..=longest)
        .rfind(|&end| message.is_char_boundary(end))
        .unwrap_or(0);
    // SAFETY: `length` is less than `size`, which the caller guarantees.
    unsafe {
        start.copy_from_nonoverlapping(message.as_ptr().cast(), length);
        start.add(length).write(0);
    }
}

fn flags(bits: u32) -> Result<Flags> {
    let unknown = || Error::Argument(format!("options.flags has an unknown bit: {bits:#x}"));
    Flags::from_bits(bits).ok_or_else(unknown)
}

fn anonymous(number: i32) -> Result<Anonymous> {
    match number {
        WANDB_LOGIN_ANONYMOUS_NEVER => Ok(Anonymous::Never),
        WANDB_LOGIN_ANONYMOUS_ALLOW => Ok(Anonymous::Allow),
        WANDB_LOGIN_ANONYMOUS_MUST => Ok(Anonymous::Must),
        other => Err(Error::Argument(format!(
            "options.anonymous is {other}; it must be 0 (never), 1 (allow) or 2 (must)"
        ))),
    }
}

fn prompt_timeout(ms: u32) -> Timeout {
    match ms {
        0 => Timeout::Configured,
        u32::MAX => Timeout::Never,
        ms => Timeout::After(Duration::from_millis(ms.into())),
    }
}

/// `None`: as configured.
fn http_timeout(ms: u32) -> Option<Duration> {
    (ms != 0).then(|| Duration::from_millis(ms.into()))
}

/// Returns the bytes of a string; `None` if it is NULL or empty.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string that is valid for `'a`.
unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a OsStr> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's guarantee.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    (!bytes.is_empty()).then(|| os_str(bytes))
}

/// Bytes that the system cannot take as a string become U+FFFD, which fails every
/// later check.
fn os_str(bytes: &[u8]) -> &OsStr {
    env::os_str(bytes).unwrap_or(OsStr::new("\u{fffd}"))
}

/// Returns a UTF-8 string; `None` if it is NULL or empty.
///
/// # Safety
/// `text` is NULL or a NUL-terminated string that is valid for `'a`.
unsafe fn utf8<'a>(text: *const c_char, member: &str) -> Result<Option<&'a str>> {
    // SAFETY: the caller's guarantee.
    let Some(bytes) = (unsafe { bytes(text) }) else {
        return Ok(None);
    };
    let text = bytes.to_str();
    text.map(Some)
        .ok_or_else(|| Error::Argument(format!("options.{member} is not UTF-8")))
}

/// Returns the entries of an environment block.
///
/// # Safety
/// `block` is NULL, or a NULL-terminated array of NUL-terminated strings, all valid
/// for `'a`.
unsafe fn environment_entries<'a>(block: *const *const c_char) -> Option<Vec<&'a OsStr>> {
    if block.is_null() {
        return None;
    }
    let mut entries = Vec::new();
    // SAFETY: the loop ends at the NULL that terminates the array.
    while let Some(entry) = unsafe { block.add(entries.len()).read().as_ref() } {
        // SAFETY: an entry ends with NUL.
        entries.push(os_str(unsafe { CStr::from_ptr(entry) }.to_bytes()));
    }
    Some(entries)
}

/// Calls the caller's `prompt_fn`.
///
/// # Safety
/// `callback` accepts `user_data`.
unsafe fn call_prompt_fn(
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
    .map(to_c_string);
    let problem: Option<CString> = asked.problem.map(to_c_string);
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
