//! The numbers and structs of the C ABI. They are API: they may be added to,
//! never renumbered, renamed or reordered.

use std::ffi::{c_char, c_void};

use super::session::wandb_login_session;

/// The version of this header. `wandb_login_version()` tells that of the library.
pub const WANDB_LOGIN_VERSION: &str = "0.1.0";

/// The same as one number: major × 10000 + minor × 100 + patch.
/// `wandb_login_version_number()` tells that of the library.
pub const WANDB_LOGIN_VERSION_NUMBER: u32 = 100;

/// What a call came to: 0 is done, a positive number is another outcome that
/// is no error, a negative number is an error. One of the
/// `WANDB_LOGIN_STATUS_…` numbers below; later versions may add more.
pub type wandb_login_status = i32;

/// Done.
pub const WANDB_LOGIN_STATUS_OK: wandb_login_status = 0;
/// Nothing was done, because `WANDB_MODE` or the `mode` setting is `offline`,
/// `dryrun` or `disabled`, or because the user chose so. Train without W&B.
pub const WANDB_LOGIN_STATUS_OFFLINE: wandb_login_status = 1;
/// No credential was found, and asking is not possible or not allowed.
pub const WANDB_LOGIN_STATUS_NOT_CONFIGURED: wandb_login_status = 2;
/// The caller's options are wrong.
pub const WANDB_LOGIN_STATUS_ERR_ARGUMENT: wandb_login_status = -1;
/// A variable, a file or a key is set but malformed, in conflict with another,
/// or not meant for this server.
pub const WANDB_LOGIN_STATUS_ERR_CREDENTIALS: wandb_login_status = -2;
/// The server does not accept the credential.
pub const WANDB_LOGIN_STATUS_ERR_REJECTED: wandb_login_status = -3;
/// The server cannot be reached.
pub const WANDB_LOGIN_STATUS_ERR_NETWORK: wandb_login_status = -4;
/// The prompt timed out or was interrupted, its callback failed, or a prompt
/// is already open in this process.
pub const WANDB_LOGIN_STATUS_ERR_PROMPT: wandb_login_status = -5;
/// `wandb_login_forget()` could not write.
pub const WANDB_LOGIN_STATUS_ERR_STORE: wandb_login_status = -6;
/// The server's certificate is not trusted, or it does not speak TLS.
pub const WANDB_LOGIN_STATUS_ERR_TLS: wandb_login_status = -7;
/// The server did not answer in time.
pub const WANDB_LOGIN_STATUS_ERR_TIMEOUT: wandb_login_status = -8;
/// The proxy refused, or is of a kind that is not supported.
pub const WANDB_LOGIN_STATUS_ERR_PROXY: wandb_login_status = -9;
/// The server answered, but not as W&B's server does.
pub const WANDB_LOGIN_STATUS_ERR_SERVER: wandb_login_status = -10;
/// `cancel_fn` said so.
pub const WANDB_LOGIN_STATUS_ERR_CANCELLED: wandb_login_status = -11;
/// This build leaves out what was asked for.
pub const WANDB_LOGIN_STATUS_ERR_UNSUPPORTED: wandb_login_status = -12;
/// A bug of this library, caught. The process lives on; please report it.
pub const WANDB_LOGIN_STATUS_ERR_INTERNAL: wandb_login_status = -99;

/// Where a credential came from: one of the `WANDB_LOGIN_SOURCE_…` numbers
/// below; later versions may add more.
pub type wandb_login_source = i32;

/// No credential.
pub const WANDB_LOGIN_SOURCE_NONE: wandb_login_source = 0;
/// `api_key` in the options.
pub const WANDB_LOGIN_SOURCE_EXPLICIT: wandb_login_source = 1;
/// `session` in the options.
pub const WANDB_LOGIN_SOURCE_SESSION: wandb_login_source = 2;
/// The variable `WANDB_API_KEY`.
pub const WANDB_LOGIN_SOURCE_ENVIRONMENT: wandb_login_source = 3;
/// The file that `WANDB_IDENTITY_TOKEN_FILE` names (federated identity).
pub const WANDB_LOGIN_SOURCE_IDENTITY_TOKEN: wandb_login_source = 4;
/// The file that `WANDB_API_KEY_FILE` names (a mounted secret).
pub const WANDB_LOGIN_SOURCE_KEY_FILE: wandb_login_source = 5;
/// `api_key` in a settings file.
pub const WANDB_LOGIN_SOURCE_SETTINGS: wandb_login_source = 6;
/// The netrc file.
pub const WANDB_LOGIN_SOURCE_NETRC: wandb_login_source = 7;
/// A human at the terminal, or `prompt_fn`.
pub const WANDB_LOGIN_SOURCE_PROMPT: wandb_login_source = 8;
/// The server, which made an anonymous account.
pub const WANDB_LOGIN_SOURCE_ANONYMOUS: wandb_login_source = 9;

/// `flags`: ask for a key although one is configured; replace it on success.
pub const WANDB_LOGIN_RELOGIN: u32 = 1;
/// `flags`: offer neither "create an account" nor "offline" in the prompt.
pub const WANDB_LOGIN_FORCE: u32 = 2;
/// `flags`: never ask; `WANDB_LOGIN_STATUS_NOT_CONFIGURED` instead.
pub const WANDB_LOGIN_NO_PROMPT: u32 = 4;
/// `flags`: check the credential with the server, before it is stored. Without
/// this the library does not touch the network (anonymous accounts and identity
/// tokens apart, which need the server).
pub const WANDB_LOGIN_VERIFY: u32 = 8;
/// `flags`: write no file.
pub const WANDB_LOGIN_NO_SAVE: u32 = 16;
/// `flags`: no information lines and no terminal prompt. Warnings that concern
/// the safety of a key are still shown, and `log_fn` still gets every line.
pub const WANDB_LOGIN_SILENT: u32 = 32;
/// `flags`: use `https://api.wandb.ai`, whatever is configured. Not with `host`.
pub const WANDB_LOGIN_CLOUD: u32 = 64;
/// `flags`: look into netrc before the settings files, as the Python SDK 0.30
/// and later do. W&B documents the order without this flag.
pub const WANDB_LOGIN_SDK_ORDER: u32 = 128;
/// `flags`: prompt, write and verify on every rank of a distributed job, not
/// on rank 0 alone.
pub const WANDB_LOGIN_ALL_RANKS: u32 = 256;

/// `anonymous`: a named account only. The default.
pub const WANDB_LOGIN_ANONYMOUS_NEVER: i32 = 0;
/// `anonymous`: offer an anonymous account in the prompt.
pub const WANDB_LOGIN_ANONYMOUS_ALLOW: i32 = 1;
/// `anonymous`: use the configured key; without one, ask the server for an
/// anonymous account.
pub const WANDB_LOGIN_ANONYMOUS_MUST: i32 = 2;

/// Level of a log line: something failed.
pub const WANDB_LOGIN_LOG_ERROR: i32 = 1;
/// Level of a log line: something needs the user's attention.
pub const WANDB_LOGIN_LOG_WARN: i32 = 2;
/// Level of a log line: what was done.
pub const WANDB_LOGIN_LOG_INFO: i32 = 3;

/// Format of `wandb_login_explain()`: text that a person reads.
pub const WANDB_LOGIN_REPORT_TEXT: i32 = 0;
/// Format of `wandb_login_explain()`: JSON, as `wandb-login status --json`.
pub const WANDB_LOGIN_REPORT_JSON: i32 = 1;

/// Answer of a `prompt_fn`: the key is in the buffer.
pub const WANDB_LOGIN_PROMPT_KEY: i32 = 0;
/// Answer of a `prompt_fn`: go on without W&B (only if `may_offline`).
pub const WANDB_LOGIN_PROMPT_OFFLINE: i32 = 1;
/// Answer of a `prompt_fn`: ask on the terminal instead.
pub const WANDB_LOGIN_PROMPT_TERMINAL: i32 = 2;
/// Answer of a `prompt_fn`: an anonymous account (only if `may_anonymous`).
pub const WANDB_LOGIN_PROMPT_ANONYMOUS: i32 = 3;

/// What a `prompt_fn` is told. The library owns it and all that it points to,
/// until the callback returns.
#[repr(C)]
pub struct wandb_login_prompt_request {
    /// `sizeof` this struct, as the library knows it. Members are only ever
    /// appended: compare before reading one that a later version added.
    pub struct_size: usize,
    /// Address of the server that the key is for. Never NULL.
    pub server: *const c_char,
    /// Where that address came from, such as `WANDB_BASE_URL`. Never NULL.
    pub server_source: *const c_char,
    /// Web page where the user makes a key. Never NULL.
    pub authorize_url: *const c_char,
    /// Web page where the user makes an account first. Never NULL.
    pub signup_url: *const c_char,
    /// Not 0 if `WANDB_LOGIN_PROMPT_OFFLINE` is allowed.
    pub may_offline: i32,
    /// Not 0 if `WANDB_LOGIN_PROMPT_ANONYMOUS` is allowed.
    pub may_anonymous: i32,
    /// 1 for the first time, then counted up.
    pub attempt: u32,
    /// Milliseconds until the prompt's time limit; `UINT32_MAX` if there is none.
    pub remaining_ms: u32,
    /// What was wrong with the answer before, or NULL.
    pub problem: *const c_char,
}

/// Asks for a key in place of the terminal: a notebook, a graphical front end,
/// a vault. Writes it to `key_buf` (`key_buf_size` bytes, at least 65,537, the
/// NUL included; the library owns it and wipes it) and returns
/// `WANDB_LOGIN_PROMPT_KEY`, or returns another `WANDB_LOGIN_PROMPT_…` number,
/// or a negative number to give up. Called again with what was wrong if the
/// key is no good. Runs on the calling thread; must not unwind; keeps no pointer.
pub type wandb_login_prompt_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        request: *const wandb_login_prompt_request,
        key_buf: *mut c_char,
        key_buf_size: usize,
    ) -> i32,
>;

/// Takes a line that would go to standard error, with its
/// `WANDB_LOGIN_LOG_…` level. UTF-8, one line, never a secret; the library
/// owns it, until the callback returns. Runs on the calling thread; must not
/// unwind.
pub type wandb_login_log_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, line: *const c_char)>;

/// Called with the session after every successful login, prompt and refresh,
/// on every rank, before the function returns. The library owns the session,
/// until the callback returns: keep it with `wandb_login_session_retain()`.
/// Runs on the calling thread; must not unwind.
pub type wandb_login_backend_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, session: *mut wandb_login_session)>;

/// Asked at least every 100 ms while the call waits for a human, a lock, a pipe
/// or the server. Not 0 ends it with `WANDB_LOGIN_STATUS_ERR_CANCELLED`. Runs on
/// the calling thread; must not unwind.
pub type wandb_login_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// What a call can be told. Start from `WANDB_LOGIN_OPTIONS_INIT` (in C and
/// C++) or `wandb_login_options_init()`, then set what you need: zero or NULL is
/// the default of every member but the first. NULL in place of the struct means
/// all defaults.
///
/// The caller owns it and all that it points to; the library reads it during
/// the call only, and keeps no pointer. Text is UTF-8 and ends with NUL; an empty
/// text counts as NULL. Later versions append members; a struct of an older or
/// newer header works as long as `struct_size` is the size that the caller's own
/// compiler gave it.
#[repr(C)]
pub struct wandb_login_options {
    /// `sizeof(wandb_login_options)`.
    pub struct_size: usize,
    /// The key to log in with, before every other source. A secret: it is copied
    /// into memory that is wiped.
    pub api_key: *const c_char,
    /// The server's address, such as `https://wandb.example.com`; it is
    /// remembered in the system settings after a successful login, as the SDK
    /// does. NULL: `WANDB_BASE_URL`, else the settings files, else
    /// `https://api.wandb.ai`.
    pub host: *const c_char,
    /// Who sends the user to the web page where keys are made: its `ref=`.
    pub referrer: *const c_char,
    /// `WANDB_LOGIN_RELOGIN` and the others, joined with `|`. An unknown bit is
    /// an argument error.
    pub flags: u32,
    /// One of `WANDB_LOGIN_ANONYMOUS_…`.
    pub anonymous: i32,
    /// How long the prompt may last, in milliseconds. 0: as `WANDB_LOGIN_TIMEOUT`
    /// or the `login_timeout` setting say, else without limit. `UINT32_MAX`: without
    /// limit.
    pub prompt_timeout_ms: u32,
    /// How long the server may take, in milliseconds. 0: `WANDB_HTTP_TIMEOUT`,
    /// else 10 s.
    pub http_timeout_ms: u32,
    /// Asks for a key in place of the terminal, or NULL.
    pub prompt_fn: wandb_login_prompt_fn,
    /// Handed to `prompt_fn`.
    pub prompt_user_data: *mut c_void,
    /// Takes the log lines, or NULL: standard error (`wandb_login_check()`,
    /// `wandb_is_apikey_configured()` and `wandb_login_explain()`: nowhere).
    pub log_fn: wandb_login_log_fn,
    /// Handed to `log_fn`.
    pub log_user_data: *mut c_void,
    /// Called with the session after success, or NULL.
    pub backend_fn: wandb_login_backend_fn,
    /// Handed to `backend_fn`.
    pub backend_user_data: *mut c_void,
    /// Ends a wait early, or NULL.
    pub cancel_fn: wandb_login_cancel_fn,
    /// Handed to `cancel_fn`.
    pub cancel_user_data: *mut c_void,
    /// A session whose credential is used again if it is for the same server, or
    /// NULL. Not retained.
    pub session: *const wandb_login_session,
    /// `NAME=value` entries, then NULL, in place of the process's environment;
    /// NULL: the process's own. A program whose other threads may call `setenv`
    /// passes a copy.
    pub environment: *const *const c_char,
    /// A directory in place of the process's working directory, or NULL.
    pub working_directory: *const c_char,
    /// Where one sentence goes that says what was wrong, never a secret; or NULL.
    /// It is made empty first, and cut to fit at a character's border.
    pub error_buf: *mut c_char,
    /// The size of `error_buf` in bytes, its NUL included. 512 is plenty.
    pub error_buf_size: usize,
}
