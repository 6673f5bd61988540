//! The renewer in the C ABI: an opaque, reference-counted handle.

use std::ffi::{OsStr, c_char, c_void};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::options::{RawOptions, write_error};
use super::session::{to_c_string, wandb_login_session};
use super::types::*;
use super::{call_with_options, catch_panic, require_non_null, set_null};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::options::Options;
use crate::renewer::{Renewer, RenewerOptions};
use crate::session::Session;
use crate::util::redact;

/// Keeps the credential of a session good for as long as a program runs. Opaque; any
/// number of threads may use it at the same time.
pub struct wandb_login_renewer {
    renewer: Renewer,
    /// The handle of the session that was returned last, so that a call that renews
    /// nothing allocates nothing.
    handle: RwLock<Arc<wandb_login_session>>,
}

impl wandb_login_renewer {
    /// The session that is good now, as a handle with one more owner.
    fn get(&self) -> Result<*mut wandb_login_session> {
        let session = self.renewer.get()?;
        {
            let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
            if handle.session.is_same(&session) {
                return Ok(Arc::into_raw(Arc::clone(&handle)).cast_mut());
            }
        }
        let mut handle = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        if !handle.session.is_same(&session) {
            *handle = Arc::new(wandb_login_session::from_session(session));
        }
        Ok(Arc::into_raw(Arc::clone(&handle)).cast_mut())
    }
}

/// The caller's data for a callback. The header requires that any thread may use it.
#[derive(Clone, Copy)]
struct UserData(*mut c_void);

// SAFETY: the documentation of `wandb_login_renewer_new` requires it of the caller.
unsafe impl Send for UserData {}
// SAFETY: see `Send`.
unsafe impl Sync for UserData {}

impl UserData {
    /// A method, so that closures capture the whole value and not its pointer.
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

/// Copies what outlives the call.
fn owned(raw: &RawOptions, options: &Options<'_>) -> RenewerOptions {
    let entries = |entries: &[&OsStr]| entries.iter().copied().map(OsStr::to_owned).collect();
    let mut owned = RenewerOptions {
        flags: options.flags,
        http_timeout: options.http_timeout,
        environment: options.environment.map(entries),
        working_directory: options.working_directory.map(Path::to_owned),
        ..RenewerOptions::default()
    };
    if let Some((callback, data)) = raw.log_fn() {
        let data = UserData(data);
        owned.log = Some(Box::new(move |level: Level, line: &str| {
            let line = to_c_string(line);
            // SAFETY: the callback accepts its user data.
            unsafe { callback(data.pointer(), level as i32, line.as_ptr()) }
        }));
    }
    if let Some((callback, data)) = raw.cancel_fn() {
        let data = UserData(data);
        // SAFETY: the callback accepts its user data.
        owned.cancel = Some(Box::new(move || unsafe { callback(data.pointer()) != 0 }));
    }
    if let Some((callback, data)) = raw.backend_fn() {
        let data = UserData(data);
        owned.renewed = Some(Box::new(move |session: &Session| {
            let handle = wandb_login_session::new(session.clone());
            // SAFETY: the callback accepts its user data; the handle is live, and
            // this is its one owner.
            unsafe {
                callback(data.pointer(), handle);
                super::wandb_login_session_free(handle);
            }
        }));
    }
    owned
}

/// Makes a renewer that begins with a session. `wandb_login_renewer_get()` then
/// returns a session whose credential is valid: an access token is renewed before it
/// ends. For a session with an API key it returns the same session each time.
///
/// The renewer copies the options, except `session` and `error_buf`. Without an
/// `environment` or a `working_directory` it captures those of the process now. A
/// renewal never prompts. The callbacks and their data must stay valid until the last
/// `wandb_login_renewer_free()`; they run on the thread that calls
/// `wandb_login_renewer_get()`, never two at once. `backend_fn` receives each new
/// session. No thread is started. A process that forked makes a renewer of its own.
///
/// \param session The session to begin with; the renewer keeps it alive.
/// \param options The options of the login, or NULL for all defaults.
/// \param renewer Receives the renewer. The caller frees it with
///        `wandb_login_renewer_free()`.
/// \return `WANDB_LOGIN_STATUS_OK` or `WANDB_LOGIN_STATUS_ERR_ARGUMENT`.
///
/// Threads: any (rule 3). Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_renewer_new(
    session: *const wandb_login_session,
    options: *const wandb_login_options,
    renewer: *mut *mut wandb_login_renewer,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    unsafe {
        set_null(renewer);
        call_with_options(options, &|raw, options| {
            require_non_null(renewer, "renewer")?;
            let Some(handle) = session.as_ref() else {
                return Err(Error::Argument("session is NULL".into()));
            };
            let session = handle.session.clone();
            let created = wandb_login_renewer {
                renewer: Renewer::new(&session, owned(raw, options)),
                handle: RwLock::new(Arc::new(wandb_login_session::from_session(session))),
            };
            renewer.write(Arc::into_raw(Arc::new(created)).cast_mut());
            Ok(WANDB_LOGIN_STATUS_OK)
        })
    }
}

/// Returns the session that is good now. If there is nothing to renew, the call takes
/// well under a microsecond and makes no system call but the clock's.
///
/// An access token is renewed five minutes before it ends, or a fifth of its life
/// before, if that is less: from the cache that the processes of the user share, else
/// by one exchange. One thread renews; the others get the old session as long as its
/// token is valid. If the renewal fails meanwhile, all get the old session, and the
/// next attempt follows after a pause of 1 s, which doubles up to 60 s, or as long as
/// the server asks for. After the end of the token the call waits for the exchange,
/// within the HTTP time limit, and returns its error.
///
/// \param renewer The renewer.
/// \param current Receives the session; the caller frees it with
///        `wandb_login_session_free()`.
/// \param error_buf Receives one sentence on any status but
///        `WANDB_LOGIN_STATUS_OK`, else an empty string. May be NULL.
/// \param error_buf_size Size of `error_buf` in bytes.
/// \return A `WANDB_LOGIN_STATUS_...` number; `WANDB_LOGIN_STATUS_ERR_REJECTED` if the
///         server refused the credential and no other one is configured.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_renewer_get(
    renewer: *mut wandb_login_renewer,
    current: *mut *mut wandb_login_session,
    error_buf: *mut c_char,
    error_buf_size: usize,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    let write = |message: &str| unsafe { write_error(error_buf, error_buf_size, message) };
    write("");
    let body = || {
        // SAFETY: the caller's guarantee.
        unsafe {
            set_null(current);
            require_non_null(current, "current")?;
            let Some(renewer) = renewer.as_ref() else {
                return Err(Error::Argument("renewer is NULL".into()));
            };
            current.write(renewer.get()?);
        }
        Ok(WANDB_LOGIN_STATUS_OK)
    };
    catch_panic(body).unwrap_or_else(|error| {
        write(&redact::clean(&error.to_string()));
        error.status()
    })
}

/// Reports that the server answered 401 to a session of `wandb_login_renewer_get()`.
/// The next `wandb_login_renewer_get()` looks for another credential: a token from the
/// cache or by an exchange, or another configured API key. Without one it returns
/// `WANDB_LOGIN_STATUS_ERR_REJECTED`, and tries again after a pause. A report about a
/// session that is no longer current has no effect.
///
/// \param renewer The renewer.
/// \param session The refused session.
/// \return `WANDB_LOGIN_STATUS_OK`, or `WANDB_LOGIN_STATUS_ERR_ARGUMENT` if a pointer
///         is NULL.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_renewer_refused(
    renewer: *mut wandb_login_renewer,
    session: *const wandb_login_session,
) -> wandb_login_status {
    // SAFETY: the caller's guarantee.
    let (Some(renewer), Some(session)) = (unsafe { (renewer.as_ref(), session.as_ref()) }) else {
        return WANDB_LOGIN_STATUS_ERR_ARGUMENT;
    };
    let body = || {
        renewer.renewer.refused(&session.session);
        Ok(WANDB_LOGIN_STATUS_OK)
    };
    catch_panic(body).unwrap_or_else(|error| error.status())
}

/// Adds an owner to a renewer.
///
/// \param renewer The renewer, or NULL.
/// \return The same renewer; free it once for each owner.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_renewer_retain(
    renewer: *mut wandb_login_renewer,
) -> *mut wandb_login_renewer {
    if !renewer.is_null() {
        // SAFETY: a live handle came from `Arc::into_raw`.
        unsafe { Arc::increment_strong_count(renewer.cast_const()) };
    }
    renewer
}

/// Removes an owner from a renewer. The last call frees it; sessions that it returned
/// stay valid.
///
/// \param renewer The renewer; not used by this owner after the call. May be NULL.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_renewer_free(renewer: *mut wandb_login_renewer) {
    if !renewer.is_null() {
        // SAFETY: a live handle came from `Arc::into_raw`, and this owner gives it up.
        drop(unsafe { Arc::from_raw(renewer.cast_const()) });
    }
}
