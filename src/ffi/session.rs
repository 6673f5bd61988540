//! The session as C sees it: an opaque handle that several may own.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use super::types::*;
use crate::secret::Secret;
use crate::session::Session;

/// A login that succeeded. Opaque; made by `wandb_login()`,
/// `wandb_prompt_api_key()`, `wandb_login_session_refresh()` and
/// `wandb_login_session_import()`, and given back with
/// `wandb_login_session_free()`. It never changes, so any thread may read it.
pub struct wandb_login_session {
    pub(super) session: Session,
    base_url: CString,
    app_url: CString,
    display: CString,
    username: Option<CString>,
    email: Option<CString>,
    entity: Option<CString>,
    source_name: Option<CString>,
    teams: Texts<CString>,
    environ: Texts<Secret>,
}

/// Texts, and the NULL-terminated array of pointers to them.
struct Texts<T> {
    /// Owns what `pointers` point to.
    _texts: Vec<T>,
    pointers: Box<[*const c_char]>,
}

// SAFETY: the pointers lead to heap memory that `_texts` owns, which neither
// moves nor changes until it is dropped; reading it from any thread is sound.
unsafe impl<T: Send> Send for Texts<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Texts<T> {}

impl<T> Texts<T> {
    fn new(texts: Vec<T>, pointer: impl Fn(&T) -> *const c_char) -> Texts<T> {
        let pointers = texts
            .iter()
            .map(pointer)
            .chain([std::ptr::null()])
            .collect();
        Texts {
            _texts: texts,
            pointers,
        }
    }
}

impl wandb_login_session {
    /// A handle with one owner.
    pub(super) fn new(session: Session) -> *mut wandb_login_session {
        let teams = session.teams().iter().map(|team| c_text(team)).collect();
        let handle = wandb_login_session {
            base_url: c_text(session.base_url()),
            app_url: c_text(session.app_url()),
            display: c_text(session.display()),
            username: session.username().map(c_text),
            email: session.email().map(c_text),
            entity: session.entity().map(c_text),
            source_name: session.source_name().map(c_text),
            teams: Texts::new(teams, |text: &CString| text.as_ptr()),
            environ: Texts::new(session.environ(), |text| text.as_c_str().as_ptr()),
            session,
        };
        Arc::into_raw(Arc::new(handle)).cast_mut()
    }
}

/// A text as C reads it: a NUL, which only a server's answer could hold, ends it.
pub(super) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

/// Reads a member of a session that may be NULL.
///
/// # Safety
/// `session` is NULL or a live handle.
unsafe fn get<'a, T>(
    session: *const wandb_login_session,
    none: T,
    read: impl FnOnce(&'a wandb_login_session) -> T,
) -> T {
    // SAFETY: the caller keeps the handle alive while it uses what it reads.
    unsafe { session.as_ref() }.map_or(none, read)
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The API key, for an HTTP client that takes user `api` and a password. A
/// secret.
///
/// \return Owned by the session, valid until its last owner frees it. NULL for a
/// session that rests on an identity token, and for a NULL session.
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
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), read) }
}

/// The value for an HTTP `Authorization` header: `Basic …` for an API key,
/// `Bearer …` for an access token. A secret: send it to
/// `wandb_login_session_base_url()` and nowhere else.
///
/// \return Owned by the session, valid until its last owner frees it. NULL only
/// for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_authorization(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.session.authorization().as_c_str().as_ptr()
        })
    }
}

/// The server's address in its normal form, such as `https://api.wandb.ai`.
///
/// \return Owned by the session. NULL only for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_base_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.base_url.as_ptr()) }
}

/// The address of the server's web pages, by the SDK's rules.
///
/// \return Owned by the session. NULL only for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_app_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.app_url.as_ptr()) }
}

/// The user's name, as the server told it.
///
/// \return Owned by the session. NULL unless the login was verified, and for a
/// NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_username(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            pointer(&handle.username)
        })
    }
}

/// The user's e-mail address, as the server told it.
///
/// \return Owned by the session. NULL unless the login was verified, and for a
/// NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_email(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| pointer(&handle.email)) }
}

/// The user's default team, as the server told it.
///
/// \return Owned by the session. NULL unless the login was verified, and for a
/// NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_entity(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| pointer(&handle.entity)) }
}

/// The names of the user's teams, then NULL; none unless the login was verified.
///
/// \return Owned by the session. NULL only for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_teams(
    session: *const wandb_login_session,
) -> *const *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.teams.pointers.as_ptr()
        })
    }
}

/// Whether the server accepted the credential, during this login or that of the
/// session that it was taken from.
///
/// \return `false` for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_verified(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's promise.
    unsafe { get(session, false, |handle| handle.session.verified()) }
}

/// Where the credential came from.
///
/// \return `WANDB_LOGIN_SOURCE_NONE` for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_source(
    session: *const wandb_login_session,
) -> wandb_login_source {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, WANDB_LOGIN_SOURCE_NONE, |handle| {
            handle.session.source() as i32
        })
    }
}

/// The variable or the file that the credential came from: `WANDB_API_KEY`, or
/// an absolute path.
///
/// \return Owned by the session. NULL where there is neither (an explicit or a
/// typed key), and for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_source_name(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            pointer(&handle.source_name)
        })
    }
}

/// Whether the key is now in a file where the next login finds it. `false` for a
/// key that could not be stored: the login is good all the same, and the log
/// said why.
///
/// \return `false` for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_saved(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's promise.
    unsafe { get(session, false, |handle| handle.session.saved()) }
}

/// When the credential expires, in seconds since 1970-01-01 UTC; −1: never.
///
/// \return 0 for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_expires_at(
    session: *const wandb_login_session,
) -> i64 {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, 0, |handle| {
            handle.session.expires_at().unwrap_or(-1)
        })
    }
}

/// One line for a human, in the SDK's words: `Currently logged in as: …`. Never
/// a secret.
///
/// \return Owned by the session. NULL only for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_display(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.display.as_ptr()) }
}

/// `NAME=value` entries, then NULL, that log a child process in: the credential,
/// the other two credential variables empty, and `WANDB_BASE_URL`. A secret.
///
/// \return Owned by the session. NULL only for a NULL session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_environ(
    session: *const wandb_login_session,
) -> *const *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.environ.pointers.as_ptr()
        })
    }
}

/// Adds an owner: one more `wandb_login_session_free()` is needed.
///
/// \return The same session; NULL for a NULL session.
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

/// Gives up one owner's share. The last one wipes the secrets and frees the
/// session with all that its functions returned. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_free(session: *mut wandb_login_session) {
    if !session.is_null() {
        // SAFETY: a live handle was made by `Arc::into_raw`, and the caller
        // gives up its share.
        unsafe { Arc::decrement_strong_count(session) };
    }
}
