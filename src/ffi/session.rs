//! The session in the C ABI: an opaque, reference-counted handle.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::sync::Arc;

use super::types::*;
use super::{allocate_string, call_with_options, require_non_null, return_login, set_null};
use crate::error::Result;
use crate::login::{self, Login};
use crate::session::Session;
use crate::util::secret::Secret;

/// A successful login: the credential, its source, and its user if verified. Opaque
/// and immutable, so any number of threads may read it at the same time.
pub struct wandb_login_session {
    pub(super) session: Session,
    base_url: CString,
    app_url: CString,
    display: CString,
    username: Option<CString>,
    email: Option<CString>,
    entity: Option<CString>,
    source_name: Option<CString>,
    teams: StringArray<CString>,
    environ: StringArray<Secret>,
    pub(super) ca_file: Option<CString>,
    pub(super) ca_dir: Option<CString>,
    pub(super) headers: StringArray<Secret>,
}

/// Strings, and a NULL-terminated array of pointers to them.
pub(super) struct StringArray<T> {
    /// Owns the memory of `pointers`.
    _strings: Vec<T>,
    pub(super) pointers: Box<[*const c_char]>,
}

// SAFETY: `pointers` point to heap memory of `_strings`, which neither moves nor
// changes until it is dropped. Any thread may read it.
unsafe impl<T: Send> Send for StringArray<T> {}
// SAFETY: see `Send`.
unsafe impl<T: Sync> Sync for StringArray<T> {}

impl<T> StringArray<T> {
    fn new(strings: Vec<T>, pointer: impl Fn(&T) -> *const c_char) -> StringArray<T> {
        let pointers = strings
            .iter()
            .map(pointer)
            .chain([std::ptr::null()])
            .collect();
        StringArray {
            _strings: strings,
            pointers,
        }
    }
}

impl wandb_login_session {
    /// A handle with one owner.
    pub(super) fn new(session: Session) -> *mut wandb_login_session {
        Arc::into_raw(Arc::new(Self::from_session(session))).cast_mut()
    }

    pub(super) fn from_session(session: Session) -> wandb_login_session {
        let teams = session
            .teams()
            .iter()
            .map(|team| to_c_string(team))
            .collect();
        wandb_login_session {
            base_url: to_c_string(session.base_url()),
            app_url: to_c_string(session.app_url()),
            display: to_c_string(session.display()),
            username: session.username().map(to_c_string),
            email: session.email().map(to_c_string),
            entity: session.entity().map(to_c_string),
            source_name: session.source_name().map(to_c_string),
            teams: StringArray::new(teams, |text: &CString| text.as_ptr()),
            environ: StringArray::new(session.environ(), |text| text.as_c_str().as_ptr()),
            ca_file: session.ca_file().map(path_to_c_string),
            ca_dir: session.ca_dir().map(path_to_c_string),
            headers: StringArray::new(session.headers().to_vec(), |text| text.as_c_str().as_ptr()),
            session,
        }
    }
}

/// Converts to a C string, truncated at the first NUL. Only strings from a server
/// can contain one.
pub(super) fn to_c_string(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Converts a path to a C string. No path contains a NUL.
fn path_to_c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
}

/// Reads from a session handle; returns `none` for a NULL handle.
///
/// # Safety
/// `session` is NULL or a live handle.
pub(super) unsafe fn get<'a, T>(
    session: *const wandb_login_session,
    none: T,
    read: impl FnOnce(&'a wandb_login_session) -> T,
) -> T {
    // SAFETY: the caller keeps the session alive while it uses the result.
    unsafe { session.as_ref() }.map_or(none, read)
}

pub(super) fn optional_pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Returns the API key. For HTTP basic authentication it is the password of the user
/// `api`.
///
/// \return A secret; borrowed. NULL for a session from an identity token, and for a
///         NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_api_key(
    session: *const wandb_login_session,
) -> *const c_char {
    let read = |handle: &wandb_login_session| {
        handle
            .session
            .api_key()
            .map_or(std::ptr::null(), |key| key.as_c_str().as_ptr())
    };
    // SAFETY: the caller's guarantee.
    unsafe { get(session, std::ptr::null(), read) }
}

/// Returns the value of the HTTP header `Authorization`: `Basic ...` for an API key,
/// `Bearer ...` for an access token. Send it only to
/// `wandb_login_session_base_url()`.
///
/// \return A secret; borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_authorization(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.session.authorization().as_c_str().as_ptr()
        })
    }
}

/// Returns the URL of the server in normalized form, without a trailing slash, such
/// as `https://api.wandb.ai`.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_base_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, std::ptr::null(), |handle| handle.base_url.as_ptr()) }
}

/// Returns the URL of the server's web pages, for links that a user follows:
/// `WANDB_APP_URL` if set, otherwise derived by the rules of the Python SDK.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_app_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, std::ptr::null(), |handle| handle.app_url.as_ptr()) }
}

/// Returns the user's name.
///
/// \return Borrowed. NULL if the login was not verified or the server did not
///         return it, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_username(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.username)
        })
    }
}

/// Returns the user's e-mail address.
///
/// \return Borrowed. NULL if the login was not verified or the server did not
///         return it, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_email(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.email)
        })
    }
}

/// Returns the user's default team.
///
/// \return Borrowed. NULL if the login was not verified or the server did not
///         return it, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_entity(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.entity)
        })
    }
}

/// Returns the names of the user's teams.
///
/// \return A NULL-terminated array, borrowed like its strings. Empty if the login was
///         not verified. NULL only for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_teams(
    session: *const wandb_login_session,
) -> *const *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.teams.pointers.as_ptr()
        })
    }
}

/// Returns whether the server accepted the credential, in this login or in the one
/// whose session was reused.
///
/// \return `false` for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_verified(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, false, |handle| handle.session.verified()) }
}

/// Returns where the credential came from.
///
/// \return A `WANDB_LOGIN_SOURCE_...` number; `WANDB_LOGIN_SOURCE_NONE` for a NULL
///         session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_source(
    session: *const wandb_login_session,
) -> wandb_login_source {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, WANDB_LOGIN_SOURCE_NONE, |handle| {
            handle.session.source() as i32
        })
    }
}

/// Returns the name of the source: a variable such as `WANDB_API_KEY`, or the
/// absolute path of a file. A reused session keeps the name of its source.
///
/// \return Borrowed. NULL if the key was passed in or typed, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_source_name(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.source_name)
        })
    }
}

/// Returns whether the key is stored in a file where the next login finds it. If it
/// could not be stored, the session is valid nevertheless; the log has the reason.
///
/// \return `false` for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_saved(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, false, |handle| handle.session.saved()) }
}

/// Returns when the credential expires.
///
/// \return Seconds since 1970-01-01 00:00 UTC. -1 if it does not expire, as an API
///         key. 0 for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_expires_at(
    session: *const wandb_login_session,
) -> i64 {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, 0, |handle| {
            handle.session.expires_at().unwrap_or(-1)
        })
    }
}

/// Returns one line for a person, in the wording of the Python SDK, such as
/// `Currently logged in as: ...`. It contains no secret.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: `login_display()` of the Python SDK. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_display(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, std::ptr::null(), |handle| handle.display.as_ptr()) }
}

/// Returns environment variables that log in a child process: the credential, empty
/// values for the other credential variables, and `WANDB_BASE_URL`. Add them to the
/// child's environment, not to that of this process.
///
/// \return A NULL-terminated array of `NAME=value` entries, borrowed like its strings.
///         They are secrets. NULL only for a NULL session.
///
/// Threads: any. Origin: `propogate_login()` of the Python SDK. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_environ(
    session: *const wandb_login_session,
) -> *const *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.environ.pointers.as_ptr()
        })
    }
}

/// Logs in to the same server again, without a prompt: exchanges the identity token
/// for a new access token, or looks up the key again. A key that was passed in or
/// typed is found again only if it was stored. For long trainings: call it before
/// `wandb_login_session_expires_at()`.
///
/// \param session The session to renew. It does not change. Must not be NULL.
/// \param options The options, or NULL for all defaults. `api_key`, `host`,
///        `session`, `anonymous` and `prompt_fn` are ignored.
/// \param fresh Receives a new session. The caller frees it with
///        `wandb_login_session_free()`. Must not be NULL.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` has the details.
///
/// Threads: any (rule 3). Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_refresh(
    session: *const wandb_login_session,
    options: *const wandb_login_options,
    fresh: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(fresh);
        call_with_options(options, &|raw, options| {
            require_non_null(fresh, "fresh")?;
            let session = session_ref(&session)?;
            return_login(
                raw,
                Login::Session(login::refresh(session, options)?),
                fresh,
            )
        })
    }
}

/// Writes a session as a string, which `wandb_login_session_import()` reads in another
/// process of the same job. The string contains the credential: treat it as a secret.
///
/// \param session The session. Must not be NULL.
/// \param text Receives the string. The caller frees it with
///        `wandb_login_string_free()`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` or `WANDB_LOGIN_STATUS_ERR_ARGUMENT`.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_export(
    session: *const wandb_login_session,
    text: *mut *mut c_char,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(text);
        call_with_options(std::ptr::null(), &|_, _| {
            require_non_null(text, "text")?;
            text.write(allocate_string(&session_ref(&session)?.export())?);
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Makes a session from a string that `wandb_login_session_export()` of this or
/// another version wrote. Every part of it is validated, and a string that was
/// changed or truncated is refused. Nothing is looked up or written.
///
/// \param text The string, read during the call only. Must not be NULL.
/// \param session Receives the session. The caller frees it with
///        `wandb_login_session_free()`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` or `WANDB_LOGIN_STATUS_ERR_ARGUMENT`.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_import(
    text: *const c_char,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(session);
        call_with_options(std::ptr::null(), &|_, _| {
            require_non_null(session, "session")?;
            require_non_null(text, "text")?;
            let imported = Session::import(CStr::from_ptr(text).to_bytes())?;
            session.write(wandb_login_session::new(imported));
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Returns the session of a handle, or an argument error for a NULL handle.
///
/// # Safety
/// The handle is NULL or live for as long as the borrow.
unsafe fn session_ref(handle: &*const wandb_login_session) -> Result<&Session> {
    require_non_null(*handle, "session")?;
    // SAFETY: the caller's guarantee.
    Ok(unsafe { &(**handle).session })
}

/// Adds an owner to a session. Each owner calls `wandb_login_session_free()` once.
///
/// \param session The session. May be NULL.
/// \return The same pointer.
///
/// Threads: any. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_retain(
    session: *mut wandb_login_session,
) -> *mut wandb_login_session {
    if !session.is_null() {
        // SAFETY: a live handle was made by `Arc::into_raw`.
        unsafe { Arc::increment_strong_count(session) };
    }
    session
}

/// Removes an owner from a session. The last call wipes the secrets and frees the
/// session with everything that its getters returned.
///
/// \param session The session; not used by this owner after the call. May be NULL.
///
/// Threads: any, provided that no thread still reads strings that it borrowed through
/// this owner. Origin: libwandb_login. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_free(session: *mut wandb_login_session) {
    if !session.is_null() {
        // SAFETY: a live handle was made by `Arc::into_raw`, and this owner does
        // not use it any more.
        unsafe { Arc::decrement_strong_count(session) };
    }
}
