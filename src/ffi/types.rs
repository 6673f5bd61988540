//! The numbers and structs of the C ABI. They are API: they may be added to,
//! never renumbered, renamed or reordered.

use std::ffi::{c_char, c_void};

use super::session::wandb_login_session;

/// The same as one number: major * 10000 + minor * 100 + patch.
pub const WANDB_LOGIN_VERSION_NUMBER: u32 = 100;

/// What a call came to: 0 is done, a positive number is another outcome that
/// is no error, a negative number is an error. Later versions may add numbers,
/// so test for `WANDB_LOGIN_STATUS_OK` first and treat a number that you do not
/// know by its sign.
pub type wandb_login_status = i32;

/// Done.
pub const WANDB_LOGIN_STATUS_OK: wandb_login_status = 0;
/// Nothing was done, because `WANDB_MODE` or the `mode` setting is `offline`,
/// `dryrun` or `disabled`, or because the user chose so in the prompt. Train
/// without W&B.
pub const WANDB_LOGIN_STATUS_OFFLINE: wandb_login_status = 1;
/// No credential was found, and asking is not possible or not allowed. The
/// Python SDK raises `UsageError`.
pub const WANDB_LOGIN_STATUS_NOT_CONFIGURED: wandb_login_status = 2;
/// An argument or a member of the options is wrong: a mistake in the program.
pub const WANDB_LOGIN_STATUS_ERR_ARGUMENT: wandb_login_status = -1;
/// A key, a variable or a file is set but malformed, in conflict with another,
/// or not meant for this server. `error_buf` names it, with path and line.
pub const WANDB_LOGIN_STATUS_ERR_CREDENTIALS: wandb_login_status = -2;
/// The server does not accept the credential. Nothing was stored.
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
/// `cancel_fn` ended the call.
pub const WANDB_LOGIN_STATUS_ERR_CANCELLED: wandb_login_status = -11;
/// This build of the library leaves out what was asked for.
pub const WANDB_LOGIN_STATUS_ERR_UNSUPPORTED: wandb_login_status = -12;
/// A bug of this library, caught before it could harm. The process lives on and
/// other calls still work; please report it.
pub const WANDB_LOGIN_STATUS_ERR_INTERNAL: wandb_login_status = -99;

/// Where a credential came from. The sources are asked in the order of these
/// numbers, and the first that is set wins. Later versions may add numbers.
pub type wandb_login_source = i32;

/// No credential.
pub const WANDB_LOGIN_SOURCE_NONE: wandb_login_source = 0;
/// `api_key` in the options.
pub const WANDB_LOGIN_SOURCE_EXPLICIT: wandb_login_source = 1;
/// `session` in the options, where it is for the same server.
pub const WANDB_LOGIN_SOURCE_SESSION: wandb_login_source = 2;
/// The variable `WANDB_API_KEY`.
pub const WANDB_LOGIN_SOURCE_ENVIRONMENT: wandb_login_source = 3;
/// The file that `WANDB_IDENTITY_TOKEN_FILE` names (federated identity).
pub const WANDB_LOGIN_SOURCE_IDENTITY_TOKEN: wandb_login_source = 4;
/// The file that `WANDB_API_KEY_FILE` names (a mounted secret).
pub const WANDB_LOGIN_SOURCE_KEY_FILE: wandb_login_source = 5;
/// `api_key` in a settings file.
pub const WANDB_LOGIN_SOURCE_SETTINGS: wandb_login_source = 6;
/// The netrc file. `WANDB_LOGIN_SDK_ORDER` asks it before the settings files.
pub const WANDB_LOGIN_SOURCE_NETRC: wandb_login_source = 7;
/// A human at the terminal, or `prompt_fn`.
pub const WANDB_LOGIN_SOURCE_PROMPT: wandb_login_source = 8;
/// The server, which made an anonymous account.
pub const WANDB_LOGIN_SOURCE_ANONYMOUS: wandb_login_source = 9;

/// Ask for a key although one is configured, and replace it on success.
pub const WANDB_LOGIN_RELOGIN: u32 = 1;
/// Offer neither "create an account" nor "offline" in the prompt.
pub const WANDB_LOGIN_FORCE: u32 = 2;
/// Never ask; where no credential is configured, the status is
/// `WANDB_LOGIN_STATUS_NOT_CONFIGURED`.
pub const WANDB_LOGIN_NO_PROMPT: u32 = 4;
/// Check the credential with the server before it is stored, and learn whose it
/// is. Without this flag the library does not touch the network, anonymous
/// accounts and identity tokens apart.
pub const WANDB_LOGIN_VERIFY: u32 = 8;
/// Write no file.
pub const WANDB_LOGIN_NO_SAVE: u32 = 16;
/// No information lines and no terminal prompt. Warnings that concern the safety
/// of a key are still shown, and a `log_fn` still gets every line.
pub const WANDB_LOGIN_SILENT: u32 = 32;
/// Log in to `https://api.wandb.ai`, whatever is configured. Together with `host`
/// it is an argument error.
pub const WANDB_LOGIN_CLOUD: u32 = 64;
/// Look into netrc before the settings files, as the Python SDK 0.30 and later
/// do. W&B documents the order without this flag.
pub const WANDB_LOGIN_SDK_ORDER: u32 = 128;
/// Prompt, write and verify on every rank of a distributed job, not on rank 0
/// alone.
pub const WANDB_LOGIN_ALL_RANKS: u32 = 256;

/// A named account only. The default.
pub const WANDB_LOGIN_ANONYMOUS_NEVER: i32 = 0;
/// Offer an anonymous account in the prompt.
pub const WANDB_LOGIN_ANONYMOUS_ALLOW: i32 = 1;
/// Use the configured key; without one, ask the server for an anonymous account.
pub const WANDB_LOGIN_ANONYMOUS_MUST: i32 = 2;

/// Something failed.
pub const WANDB_LOGIN_LOG_ERROR: i32 = 1;
/// Something needs the user's attention.
pub const WANDB_LOGIN_LOG_WARN: i32 = 2;
/// What was done.
pub const WANDB_LOGIN_LOG_INFO: i32 = 3;

/// Text that a person reads.
pub const WANDB_LOGIN_REPORT_TEXT: i32 = 0;
/// JSON, as `wandb-login status --json` prints it.
pub const WANDB_LOGIN_REPORT_JSON: i32 = 1;

/// The key is in `key_buf`, ended by NUL.
pub const WANDB_LOGIN_PROMPT_KEY: i32 = 0;
/// Go on without W&B. Only if `may_offline`.
pub const WANDB_LOGIN_PROMPT_OFFLINE: i32 = 1;
/// Ask on the terminal instead, now and in the attempts that follow.
pub const WANDB_LOGIN_PROMPT_TERMINAL: i32 = 2;
/// Make an anonymous account. Only if `may_anonymous`.
pub const WANDB_LOGIN_PROMPT_ANONYMOUS: i32 = 3;

/// What a `prompt_fn` is told. The library owns it and all that it points to;
/// it is valid until the callback returns. Texts are UTF-8.
#[repr(C)]
pub struct wandb_login_prompt_request {
    /// The size of this struct as the library knows it, in bytes. Members are
    /// only ever appended: compare before you read one that came after 0.1.
    pub struct_size: usize,
    /// Address of the server that the key is for. Never NULL.
    pub server: *const c_char,
    /// Where that address came from, such as `WANDB_BASE_URL`: tell the user,
    /// who may not expect it. Never NULL.
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
    /// Milliseconds left of the prompt's time limit; `UINT32_MAX` if there is none.
    pub remaining_ms: u32,
    /// What was wrong with the answer before, in one sentence; NULL for the first
    /// attempt. Never a secret.
    pub problem: *const c_char,
}

/// Asks for a key in place of the terminal: a notebook, a graphical front end,
/// a vault. Called again, with `problem` set, if the key is no good; at most 5
/// times in one call.
///
/// \param user_data `prompt_user_data` of the options.
/// \param request What to show. Never NULL.
/// \param key_buf Where the key goes, ended by NUL. All zero at first; the library
///        owns it and wipes it. Never NULL.
/// \param key_buf_size Its size in bytes: at least 65,537, the NUL included.
/// \return A `WANDB_LOGIN_PROMPT_...` number; any other, negative ones above all,
///         gives up: `WANDB_LOGIN_STATUS_ERR_PROMPT`.
pub type wandb_login_prompt_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        request: *const wandb_login_prompt_request,
        key_buf: *mut c_char,
        key_buf_size: usize,
    ) -> i32,
>;

/// Takes a line that would go to standard error.
///
/// \param user_data `log_user_data` of the options.
/// \param level A `WANDB_LOGIN_LOG_...` number.
/// \param line UTF-8, without a line end or control characters, and never a
///        secret. The library owns it; valid until the callback returns. Never NULL.
pub type wandb_login_log_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, line: *const c_char)>;

/// Hands the session to whatever uses it, after every successful login, prompt
/// and refresh, on every rank, before the function returns. Called also where the
/// caller gave no place for the session.
///
/// \param user_data `backend_user_data` of the options.
/// \param session Borrowed until the callback returns: to keep it, call
///        `wandb_login_session_retain()`. Never NULL.
///
/// Origin: `set_backend()` and `propogate_login()` of the Python SDK.
pub type wandb_login_backend_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, session: *mut wandb_login_session)>;

/// Called at least every 100 ms while the call waits for a human, a lock, a pipe
/// or the server.
///
/// \param user_data `cancel_user_data` of the options.
/// \return 0 to go on; any other number ends the call with
///         `WANDB_LOGIN_STATUS_ERR_CANCELLED`, unless the key is stored already:
///         then the login ends at once, and well.
pub type wandb_login_cancel_fn = Option<unsafe extern "C" fn(user_data: *mut c_void) -> i32>;

/// What a call can be told. Start from `WANDB_LOGIN_OPTIONS_INIT` (in C and C++)
/// or `wandb_login_options_init()`, then set what you need: 0 or NULL is the
/// default of every member but the first. NULL in place of the struct means all
/// defaults.
///
/// The caller owns it and all that it points to; the library reads it during the
/// call only, and changes nothing but `error_buf`. A text that is not UTF-8 is an
/// argument error, an empty one counts as NULL.
///
/// A struct of an older or newer header works, as long as `struct_size` is the
/// size that the caller's own compiler gave it: what an older one lacks is 0, and
/// what a newer one has beyond this library's knowledge must be 0. A size under
/// that of 0.1 or over 4096 is an argument error, which `error_buf` cannot tell.
#[repr(C)]
pub struct wandb_login_options {
    /// `sizeof(wandb_login_options)`.
    pub struct_size: usize,
    /// The key to log in with, before every other source; at most 65,536 bytes.
    /// A secret: it is copied into memory that is wiped. A malformed one is
    /// `WANDB_LOGIN_STATUS_ERR_CREDENTIALS`.
    pub api_key: *const c_char,
    /// The server's address, such as `https://wandb.example.com`; it is
    /// remembered in the system settings after a successful login, as the SDK
    /// does. NULL: `WANDB_BASE_URL`, else the settings files, else
    /// `https://api.wandb.ai`.
    pub host: *const c_char,
    /// Who sends the user to the web page where keys are made: its `ref=`.
    pub referrer: *const c_char,
    /// Any of the flags above, joined with `|`. An unknown bit is an argument
    /// error.
    pub flags: u32,
    /// A `WANDB_LOGIN_ANONYMOUS_...` number; any other is an argument error.
    pub anonymous: i32,
    /// How long the prompt may last, over all attempts, in milliseconds. 0: as
    /// `WANDB_LOGIN_TIMEOUT` or the `login_timeout` setting say, else without limit.
    /// `UINT32_MAX`: without limit.
    pub prompt_timeout_ms: u32,
    /// How long the server may take, in milliseconds. 0: `WANDB_HTTP_TIMEOUT`,
    /// else 10 s.
    pub http_timeout_ms: u32,
    /// Asks for a key in place of the terminal, or NULL.
    pub prompt_fn: wandb_login_prompt_fn,
    /// Handed to `prompt_fn`.
    pub prompt_user_data: *mut c_void,
    /// Takes the log lines. NULL: standard error; nowhere for the functions that
    /// only answer a question (`wandb_login_check()`,
    /// `wandb_is_apikey_configured()`). `wandb_login_explain()` never calls it: its
    /// warnings are in the report.
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
    /// NULL. Borrowed: the call neither retains nor frees it.
    pub session: *const wandb_login_session,
    /// `NAME=value` entries, then NULL, in place of the process's environment, as
    /// `environ` and `execve` have them; any bytes but NUL. NULL: the process's own.
    pub environment: *const *const c_char,
    /// A directory in place of the process's working directory, for the workspace
    /// settings and relative paths; any bytes but NUL. NULL: the process's own.
    pub working_directory: *const c_char,
    /// Where one sentence goes that says why the status is not
    /// `WANDB_LOGIN_STATUS_OK`, never a secret; or NULL. It is made empty first,
    /// and the sentence is cut to fit, never in the middle of a UTF-8 character.
    pub error_buf: *mut c_char,
    /// The size of `error_buf` in bytes, its NUL included. 512 is plenty.
    pub error_buf_size: usize,
}

// The layout is the ABI. The C side of the tests asserts the same numbers.
#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;

    const fn same(ours: &[usize], abi: &[usize]) {
        assert!(ours.len() == abi.len());
        let mut i = 0;
        while i < abi.len() {
            assert!(ours[i] == abi[i]);
            i += 1;
        }
    }
    use wandb_login_options as O;
    same(
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
    same(
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
