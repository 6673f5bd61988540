//! The constants and structs of the C ABI. They are API: members and values may be
//! added, but never renumbered, renamed or reordered.

use std::ffi::{c_char, c_void};

use super::session::wandb_login_session;

/// The version of this header as a number: major * 10000 + minor * 100 + patch.
pub const WANDB_LOGIN_VERSION_NUMBER: u32 = 200;

/// The result of a call: 0 is success, a positive number is an outcome that is not
/// an error, a negative number is an error. Later versions may add numbers: compare
/// with `WANDB_LOGIN_STATUS_OK` first, and treat an unknown number by its sign.
pub type wandb_login_status = i32;

/// Success.
pub const WANDB_LOGIN_STATUS_OK: wandb_login_status = 0;
/// W&B is offline or disabled: `WANDB_MODE` or the `mode` setting is `offline`,
/// `dryrun` or `disabled`, or the user chose offline mode in the prompt. Nothing was
/// done; train without W&B.
pub const WANDB_LOGIN_STATUS_OFFLINE: wandb_login_status = 1;
/// No credential is configured, and prompting is disabled or not possible. The
/// Python SDK raises `UsageError` in this case.
pub const WANDB_LOGIN_STATUS_NOT_CONFIGURED: wandb_login_status = 2;
/// An argument or a member of the options is invalid: an error in the program.
pub const WANDB_LOGIN_STATUS_ERR_ARGUMENT: wandb_login_status = -1;
/// A configured credential is malformed, conflicts with another one, or is not for
/// this server. `error_buf` names the variable, or the file with path and line.
pub const WANDB_LOGIN_STATUS_ERR_CREDENTIALS: wandb_login_status = -2;
/// The server rejected the credential. Nothing was stored.
pub const WANDB_LOGIN_STATUS_ERR_REJECTED: wandb_login_status = -3;
/// The server cannot be reached.
pub const WANDB_LOGIN_STATUS_ERR_NETWORK: wandb_login_status = -4;
/// The prompt timed out or was interrupted, `prompt_fn` failed, or another prompt
/// is open in this process.
pub const WANDB_LOGIN_STATUS_ERR_PROMPT: wandb_login_status = -5;
/// `wandb_login_forget()` could not write a file.
pub const WANDB_LOGIN_STATUS_ERR_STORE: wandb_login_status = -6;
/// The server's certificate is not trusted, or the server does not support TLS.
pub const WANDB_LOGIN_STATUS_ERR_TLS: wandb_login_status = -7;
/// The server did not respond in time.
pub const WANDB_LOGIN_STATUS_ERR_TIMEOUT: wandb_login_status = -8;
/// The proxy refused the connection, or its type is not supported.
pub const WANDB_LOGIN_STATUS_ERR_PROXY: wandb_login_status = -9;
/// The server returned an unexpected response.
pub const WANDB_LOGIN_STATUS_ERR_SERVER: wandb_login_status = -10;
/// `cancel_fn` cancelled the call.
pub const WANDB_LOGIN_STATUS_ERR_CANCELLED: wandb_login_status = -11;
/// This build of the library does not include the requested feature.
pub const WANDB_LOGIN_STATUS_ERR_UNSUPPORTED: wandb_login_status = -12;
/// An internal error of the library. The process continues and later calls work;
/// please report it.
pub const WANDB_LOGIN_STATUS_ERR_INTERNAL: wandb_login_status = -99;

/// Where a credential came from. The numbers follow the lookup order: the first
/// source that is set is used. Later versions may add numbers.
pub type wandb_login_source = i32;

/// No credential.
pub const WANDB_LOGIN_SOURCE_NONE: wandb_login_source = 0;
/// `api_key` in the options.
pub const WANDB_LOGIN_SOURCE_EXPLICIT: wandb_login_source = 1;
/// `session` in the options, if it is for the same server.
pub const WANDB_LOGIN_SOURCE_SESSION: wandb_login_source = 2;
/// The variable `WANDB_API_KEY`.
pub const WANDB_LOGIN_SOURCE_ENVIRONMENT: wandb_login_source = 3;
/// The file named by `WANDB_IDENTITY_TOKEN_FILE` (identity federation).
pub const WANDB_LOGIN_SOURCE_IDENTITY_TOKEN: wandb_login_source = 4;
/// The file named by `WANDB_API_KEY_FILE` (a mounted secret).
pub const WANDB_LOGIN_SOURCE_KEY_FILE: wandb_login_source = 5;
/// `api_key` in a settings file.
pub const WANDB_LOGIN_SOURCE_SETTINGS: wandb_login_source = 6;
/// The netrc file. `WANDB_LOGIN_SDK_ORDER` puts it before the settings files.
pub const WANDB_LOGIN_SOURCE_NETRC: wandb_login_source = 7;
/// The terminal prompt, or `prompt_fn`.
pub const WANDB_LOGIN_SOURCE_PROMPT: wandb_login_source = 8;
/// An anonymous account that the server created.
pub const WANDB_LOGIN_SOURCE_ANONYMOUS: wandb_login_source = 9;

/// Prompt for a key even if one is configured. If the login succeeds, the new key
/// replaces the configured one.
pub const WANDB_LOGIN_RELOGIN: u32 = 1;
/// Do not offer "create an account" and "offline" in the prompt.
pub const WANDB_LOGIN_FORCE: u32 = 2;
/// Never prompt. If no credential is configured, the status is
/// `WANDB_LOGIN_STATUS_NOT_CONFIGURED`.
pub const WANDB_LOGIN_NO_PROMPT: u32 = 4;
/// Verify the credential with the server before storing it, and read the user's
/// name and teams. Without this flag the library uses the network only for
/// anonymous accounts and identity tokens.
pub const WANDB_LOGIN_VERIFY: u32 = 8;
/// Do not write any file.
pub const WANDB_LOGIN_NO_SAVE: u32 = 16;
/// Print no information lines and do not prompt on the terminal. Warnings about the
/// safety of a key are still printed. A `log_fn` still receives every line.
pub const WANDB_LOGIN_SILENT: u32 = 32;
/// Log in to `https://api.wandb.ai` and ignore the configured server. Using it
/// together with `host` is an argument error.
pub const WANDB_LOGIN_CLOUD: u32 = 64;
/// Read the netrc file before the settings files, as the Python SDK 0.30 and later
/// do. The default is the order that W&B documents.
pub const WANDB_LOGIN_SDK_ORDER: u32 = 128;
/// Prompt, write and verify on every rank of a distributed job. The default is rank
/// 0 only.
pub const WANDB_LOGIN_ALL_RANKS: u32 = 256;
/// If the server has a port, also store the key for the host without it, where the
/// Python SDK 0.22 and older look it up. That entry is also the one of the same host
/// without a port, and curl uses it for every port. Since 0.2.
pub const WANDB_LOGIN_BARE_HOST: u32 = 512;

/// Use a named account only. The default.
pub const WANDB_LOGIN_ANONYMOUS_NEVER: i32 = 0;
/// Offer an anonymous account in the prompt.
pub const WANDB_LOGIN_ANONYMOUS_ALLOW: i32 = 1;
/// Use the configured key. If there is none, create an anonymous account.
pub const WANDB_LOGIN_ANONYMOUS_MUST: i32 = 2;

/// An operation failed.
pub const WANDB_LOGIN_LOG_ERROR: i32 = 1;
/// Something needs the user's attention.
pub const WANDB_LOGIN_LOG_WARN: i32 = 2;
/// An operation succeeded.
pub const WANDB_LOGIN_LOG_INFO: i32 = 3;

/// Text for a person.
pub const WANDB_LOGIN_REPORT_TEXT: i32 = 0;
/// JSON for a program, as `wandb-login status --json` prints it.
pub const WANDB_LOGIN_REPORT_JSON: i32 = 1;

/// The key is in `key_buf`, NUL-terminated.
pub const WANDB_LOGIN_PROMPT_KEY: i32 = 0;
/// Continue without W&B. Allowed only if `may_offline` is not 0.
pub const WANDB_LOGIN_PROMPT_OFFLINE: i32 = 1;
/// Prompt on the terminal instead, in this attempt and in all later ones.
pub const WANDB_LOGIN_PROMPT_TERMINAL: i32 = 2;
/// Create an anonymous account. Allowed only if `may_anonymous` is not 0.
pub const WANDB_LOGIN_PROMPT_ANONYMOUS: i32 = 3;

/// What a `prompt_fn` should ask for. The library owns the struct and all that it
/// points to; both are valid until the callback returns. Strings are UTF-8.
#[repr(C)]
pub struct wandb_login_prompt_request {
    /// Size of this struct in the library, in bytes. Members are only ever
    /// appended: check the size before reading a member that is newer than 0.1.
    pub struct_size: usize,
    /// URL of the server that the key is for. Never NULL.
    pub server: *const c_char,
    /// Where that URL is configured, such as `WANDB_BASE_URL`. Show it to the user,
    /// who may not expect this server. Never NULL.
    pub server_source: *const c_char,
    /// URL of the web page where the user gets an API key. Never NULL.
    pub authorize_url: *const c_char,
    /// URL of the web page where a new user creates an account. Never NULL.
    pub signup_url: *const c_char,
    /// Not 0 if `WANDB_LOGIN_PROMPT_OFFLINE` is allowed.
    pub may_offline: i32,
    /// Not 0 if `WANDB_LOGIN_PROMPT_ANONYMOUS` is allowed.
    pub may_anonymous: i32,
    /// Number of this attempt, counted from 1.
    pub attempt: u32,
    /// Time until the prompt times out, in milliseconds. `UINT32_MAX`: no limit.
    pub remaining_ms: u32,
    /// Why the previous answer was not accepted, in one sentence without secrets.
    /// NULL on the first attempt.
    pub problem: *const c_char,
}

/// Prompts for a key instead of the terminal, for example in a notebook or a
/// graphical user interface. If the key is not accepted, the library calls it again
/// with `problem` set; it makes at most 5 attempts.
///
/// \param user_data `prompt_user_data` of the options.
/// \param request What to ask for. Never NULL.
/// \param key_buf Buffer for the key, which must be NUL-terminated. It is all zero
///        at first. The library owns it and wipes it. Never NULL.
/// \param key_buf_size Size of `key_buf` in bytes, NUL included: at least 65,537.
/// \return A `WANDB_LOGIN_PROMPT_...` number. Any other value (negative ones are
///         reserved) aborts the login with `WANDB_LOGIN_STATUS_ERR_PROMPT`.
pub type wandb_login_prompt_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        request: *const wandb_login_prompt_request,
        key_buf: *mut c_char,
        key_buf_size: usize,
    ) -> i32,
>;

/// Receives a log line instead of standard error.
///
/// \param user_data `log_user_data` of the options.
/// \param level A `WANDB_LOGIN_LOG_...` number.
/// \param line One line of UTF-8, without newline, control characters or secrets.
///        The library owns it; it is valid until the callback returns. Never NULL.
pub type wandb_login_log_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, line: *const c_char)>;

/// Receives the session after every successful login, prompt and refresh, on every
/// rank, before the function returns. It is called even if the caller passed NULL
/// for the session.
///
/// \param user_data `backend_user_data` of the options.
/// \param session Borrowed until the callback returns. To keep it, call
///        `wandb_login_session_retain()`. Never NULL.
///
/// Origin: `set_backend()` and `propogate_login()` of the Python SDK.
pub type wandb_login_backend_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, session: *mut wandb_login_session)>;

/// Called at least every 100 ms while the call waits for the user, a lock, a pipe
/// or the server.
///
/// \param user_data `cancel_user_data` of the options.
/// \return 0 to continue. Any other number cancels the call, which then returns
///         `WANDB_LOGIN_STATUS_ERR_CANCELLED`. If the key is already stored, the
///         call returns `WANDB_LOGIN_STATUS_OK` immediately instead.
pub type wandb_login_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// The options of a call. Initialize them with `WANDB_LOGIN_OPTIONS_INIT` (C and
/// C++) or `wandb_login_options_init()`, then set the members you need. For every
/// member but the first, 0 or NULL is the default. Passing NULL for the struct
/// selects all defaults.
///
/// The caller owns the struct and all that it points to. The library reads them
/// during the call only and writes nothing but `error_buf`. A string that is not
/// UTF-8 is an argument error. An empty string is treated as NULL.
///
/// A struct of an older or a newer header works, provided that `struct_size` is its
/// size in the caller's compiler. Members that an older struct lacks are 0. Members
/// of a newer struct that this library does not know must be 0. A size below that of
/// 0.1 or above 4096 is an argument error; `error_buf` is then not written, because
/// its position is unknown.
#[repr(C)]
pub struct wandb_login_options {
    /// `sizeof(wandb_login_options)`.
    pub struct_size: usize,
    /// The API key to log in with. It overrides every other source. At most 65,536
    /// bytes. A secret: the library wipes its own copy. A malformed key is
    /// `WANDB_LOGIN_STATUS_ERR_CREDENTIALS`.
    pub api_key: *const c_char,
    /// URL of the server, such as `https://wandb.example.com`. A successful login
    /// saves it in the system settings, as the Python SDK does. NULL:
    /// `WANDB_BASE_URL`, then the settings files, then `https://api.wandb.ai`.
    pub host: *const c_char,
    /// Value of `ref=` in the URL of the web page where the user gets a key.
    pub referrer: *const c_char,
    /// The flags above, combined with `|`. An unknown bit is an argument error.
    pub flags: u32,
    /// A `WANDB_LOGIN_ANONYMOUS_...` number. Any other is an argument error.
    pub anonymous: i32,
    /// Time limit of the prompt over all attempts, in milliseconds. 0:
    /// `WANDB_LOGIN_TIMEOUT`, then the `login_timeout` setting, then no limit.
    /// `UINT32_MAX`: no limit.
    pub prompt_timeout_ms: u32,
    /// Time limit for the server's response, in milliseconds. 0:
    /// `WANDB_HTTP_TIMEOUT`, then 10 s.
    pub http_timeout_ms: u32,
    /// Prompts for a key. NULL: the library prompts on the terminal.
    pub prompt_fn: wandb_login_prompt_fn,
    /// Passed to `prompt_fn`.
    pub prompt_user_data: *mut c_void,
    /// Receives the log lines. NULL: they go to standard error, except those of
    /// `wandb_login_check()` and `wandb_is_apikey_configured()`, which are dropped.
    /// `wandb_login_explain()` never calls it: its warnings are in the report.
    pub log_fn: wandb_login_log_fn,
    /// Passed to `log_fn`.
    pub log_user_data: *mut c_void,
    /// Receives the session after success. May be NULL.
    pub backend_fn: wandb_login_backend_fn,
    /// Passed to `backend_fn`.
    pub backend_user_data: *mut c_void,
    /// Cancels a call that waits. May be NULL.
    pub cancel_fn: wandb_login_cancel_fn,
    /// Passed to `cancel_fn`.
    pub cancel_user_data: *mut c_void,
    /// A session whose credential is reused if it is for the same server. Borrowed:
    /// the call neither retains nor frees it. May be NULL.
    pub session: *const wandb_login_session,
    /// Replaces the environment of the process: `NAME=value` entries, then NULL, as
    /// in `environ`. Any bytes but NUL. NULL: the environment of the process.
    pub environment: *const *const c_char,
    /// Replaces the working directory of the process for the workspace settings and
    /// for relative paths. Any bytes but NUL. NULL: that of the process.
    pub working_directory: *const c_char,
    /// Buffer for an error message, or NULL. The call first makes it empty. If the
    /// status is not `WANDB_LOGIN_STATUS_OK`, it holds one sentence without secrets,
    /// truncated to fit at a UTF-8 character boundary.
    pub error_buf: *mut c_char,
    /// Size of `error_buf` in bytes, NUL included. 512 is sufficient.
    pub error_buf_size: usize,
}

// The layout is part of the ABI; tests/c/layout.h asserts the same numbers in C.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    const fn assert_equal(actual: &[usize], expected: &[usize]) {
        assert!(actual.len() == expected.len());
        let mut i = 0;
        while i < expected.len() {
            assert!(actual[i] == expected[i]);
            i += 1;
        }
    }
    use wandb_login_options as O;
    assert_equal(
        &[
            offset_of!(O, struct_size),
            offset_of!(O, api_key),
            offset_of!(O, host),
            offset_of!(O, referrer),
            offset_of!(O, flags),
            offset_of!(O, anonymous),
            offset_of!(O, prompt_timeout_ms),
            offset_of!(O, http_timeout_ms),
            offset_of!(O, prompt_fn),
            offset_of!(O, prompt_user_data),
            offset_of!(O, log_fn),
            offset_of!(O, log_user_data),
            offset_of!(O, backend_fn),
            offset_of!(O, backend_user_data),
            offset_of!(O, cancel_fn),
            offset_of!(O, cancel_user_data),
            offset_of!(O, session),
            offset_of!(O, environment),
            offset_of!(O, working_directory),
            offset_of!(O, error_buf),
            offset_of!(O, error_buf_size),
            size_of::<O>(),
        ],
        &[
            0, 8, 16, 24, 32, 36, 40, 44, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144,
            152,
        ],
    );
    use wandb_login_prompt_request as R;
    assert_equal(
        &[
            offset_of!(R, struct_size),
            offset_of!(R, server),
            offset_of!(R, server_source),
            offset_of!(R, authorize_url),
            offset_of!(R, signup_url),
            offset_of!(R, may_offline),
            offset_of!(R, may_anonymous),
            offset_of!(R, attempt),
            offset_of!(R, remaining_ms),
            offset_of!(R, problem),
            size_of::<R>(),
        ],
        &[0, 8, 16, 24, 32, 40, 44, 48, 52, 56, 64],
    );
};
