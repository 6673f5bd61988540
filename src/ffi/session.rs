//! The session as C sees it: an opaque handle that several may own.

use std::ffi::{CStr, CString, c_char};
use std::sync::Arc;

use super::types::*;
use super::{blank, give_text, hand_over, need, run};
use crate::error::Result;
use crate::login::{self, Login};
use crate::session::Session;
use crate::util::secret::Secret;

/// A login that succeeded: the credential, where it came from and whose it is.
/// Opaque. It never changes, so any number of threads may read it at once.
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

/// The API key, for an HTTP client that takes the user `api` and a password.
///
/// \return A secret; borrowed. NULL for a session that rests on an identity token,
///         and for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// The value of an HTTP `Authorization` header: `Basic ...` for an API key,
/// `Bearer ...` for an access token. Send it to `wandb_login_session_base_url()`
/// and nowhere else.
///
/// \return A secret; borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// The server's address in its normal form, such as `https://api.wandb.ai`:
/// without a slash at its end.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_base_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.base_url.as_ptr()) }
}

/// The address of the server's web pages, for links that a user follows:
/// `WANDB_APP_URL` if it is set, else by the Python SDK's rules.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_app_url(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.app_url.as_ptr()) }
}

/// The user's name, as the server told it.
///
/// \return Borrowed. NULL unless the login was verified and the server told it, and
///         for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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
/// \return Borrowed. NULL unless the login was verified and the server told it, and
///         for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_email(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| pointer(&handle.email)) }
}

/// The user's default team, as the server told it.
///
/// \return Borrowed. NULL unless the login was verified and the server told it, and
///         for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_entity(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| pointer(&handle.entity)) }
}

/// The names of the user's teams.
///
/// \return The names, then NULL, the array too; borrowed. Only the NULL unless the
///         login was verified. NULL only for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_verified(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's promise.
    unsafe { get(session, false, |handle| handle.session.verified()) }
}

/// Where the credential came from.
///
/// \return A `WANDB_LOGIN_SOURCE_...` number; `WANDB_LOGIN_SOURCE_NONE` for a NULL
///         session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// The variable or the file that the credential came from: `WANDB_API_KEY`, or an
/// absolute path. For a session that was passed in, that session's.
///
/// \return Borrowed. NULL where there is neither, as for a key that was given or
///         typed, and for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// Whether the key is now in a file where the next login finds it. A key that
/// could not be stored is good all the same; the log said why.
///
/// \return `false` for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_saved(session: *const wandb_login_session) -> bool {
    // SAFETY: the caller's promise.
    unsafe { get(session, false, |handle| handle.session.saved()) }
}

/// When the credential expires.
///
/// \return Seconds since 1970-01-01 00:00 UTC; -1: never, as for every API key; 0
///         for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// One line for a human, in the Python SDK's words, such as `Currently logged in
/// as: ...`. Never a secret.
///
/// \return Borrowed. NULL only for a NULL session.
///
/// Threads: any. Origin: `login_display()` of the Python SDK. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_display(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { get(session, std::ptr::null(), |handle| handle.display.as_ptr()) }
}

/// What logs a child process in, whatever uses W&B there: the credential, the
/// other credential variables empty, and `WANDB_BASE_URL`. Add the entries to the
/// child's environment, not to your own.
///
/// \return `NAME=value` entries, then NULL, the array too; secrets; borrowed. NULL
///         only for a NULL session.
///
/// Threads: any. Origin: `propogate_login()` of the Python SDK. Since 0.1.
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

/// Logs in again at the same server, without asking anybody: exchanges the identity
/// token for a new access token, or looks the key up anew, where a key that was
/// only given or typed and never stored is not found again. For long trainings,
/// before `wandb_login_session_expires_at()`.
///
/// \param session The session to renew; it stays as it is. Must not be NULL.
/// \param options As for `wandb_login()`, or NULL; `api_key`, `host`, `session`,
///        `anonymous` and `prompt_fn` are not used.
/// \param fresh Receives a new session, which the caller owns and gives back with
///        `wandb_login_session_free()`; NULL unless the status is
///        `WANDB_LOGIN_STATUS_OK`. Must not be NULL.
/// \return A `WANDB_LOGIN_STATUS_...` number; `error_buf` says more.
///
/// Threads: any (rule 3). Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_refresh(
    session: *const wandb_login_session,
    options: *const wandb_login_options,
    fresh: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(fresh);
        run(options, &|given, options| {
            need(fresh, "fresh")?;
            let session = given_session(&session)?;
            hand_over(
                given,
                Login::Session(login::refresh(session, options)?),
                fresh,
            )
        })
    }
}

/// Writes a session as text that `wandb_login_session_import()` reads in another
/// process of the same job. The text is a secret: it holds the credential.
///
/// \param session The session. Must not be NULL.
/// \param text Receives the text, without a NUL inside, which the caller gives back
///        with `wandb_login_string_free()`; NULL unless the status is
///        `WANDB_LOGIN_STATUS_OK`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` or `WANDB_LOGIN_STATUS_ERR_ARGUMENT`.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_export(
    session: *const wandb_login_session,
    text: *mut *mut c_char,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(text);
        run(std::ptr::null(), &|_, _| {
            need(text, "text")?;
            text.write(give_text(&given_session(&session)?.export())?);
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Makes a session from a text that `wandb_login_session_export()` wrote, in this
/// version or another. Every part of it is checked; nothing is looked up or written.
///
/// \param text The text. Must not be NULL. Read during the call only.
/// \param session Receives the session, which the caller owns and gives back with
///        `wandb_login_session_free()`; NULL unless the status is
///        `WANDB_LOGIN_STATUS_OK`. Must not be NULL.
/// \return `WANDB_LOGIN_STATUS_OK` or `WANDB_LOGIN_STATUS_ERR_ARGUMENT`.
///
/// Threads: any. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_import(
    text: *const c_char,
    session: *mut *mut wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's promise.
    unsafe {
        blank(session);
        run(std::ptr::null(), &|_, _| {
            need(session, "session")?;
            need(text, "text")?;
            let imported = Session::import(CStr::from_ptr(text).to_bytes())?;
            session.write(wandb_login_session::new(imported));
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// The session behind a handle that must not be NULL.
///
/// # Safety
/// The handle is NULL or live for as long as the borrow.
unsafe fn given_session(handle: &*const wandb_login_session) -> Result<&Session> {
    need(*handle, "session")?;
    // SAFETY: the caller's promise.
    Ok(unsafe { &(**handle).session })
}

/// Adds an owner: one more `wandb_login_session_free()` is needed.
///
/// \param session A session that is alive. NULL is fine.
/// \return The same session; NULL for a NULL session.
///
/// Threads: any. Origin: our own. Since 0.1.
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

/// Gives up one owner's share. The last one wipes the secrets and frees the session
/// with all that its functions returned.
///
/// \param session Not used by this owner after this. NULL is fine.
///
/// Threads: any, as long as no thread still reads what it borrowed through this
/// owner's share. Origin: our own. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_free(session: *mut wandb_login_session) {
    if !session.is_null() {
        // SAFETY: a live handle was made by `Arc::into_raw`, and the caller
        // gives up its share.
        unsafe { Arc::decrement_strong_count(session) };
    }
}
