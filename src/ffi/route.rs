//! The way to the server of a session, in the C ABI.

use std::ffi::c_char;

use super::session::{get, optional_pointer, wandb_login_session};

/// Returns the file of CA certificates that replaces the system's trust store for this
/// server: `SSL_CERT_FILE`, else `REQUESTS_CA_BUNDLE`. In libcurl it is `CURLOPT_CAINFO`,
/// and NULL there if only `wandb_login_session_ca_dir()` is set.
///
/// \return An absolute path, borrowed; also if there is no such file. NULL without such
///         a file, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_ca_file(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.ca_file)
        })
    }
}

/// Returns the directory of CA certificates that replaces the system's trust store for
/// this server, beside `wandb_login_session_ca_file()` if both are set: `SSL_CERT_DIR`,
/// else a `REQUESTS_CA_BUNDLE` that is a directory. Several directories are separated
/// as in `PATH`. In libcurl it is `CURLOPT_CAPATH`, and NULL there if only the file is set.
///
/// \return An absolute path, borrowed; also if there is no such directory. NULL without
///         such a directory, and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_ca_dir(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            optional_pointer(&handle.ca_dir)
        })
    }
}

/// Returns whether the user disabled the verification of certificates, by
/// `WANDB_INSECURE_DISABLE_SSL` or the setting `insecure_disable_ssl`. In libcurl then
/// `CURLOPT_SSL_VERIFYPEER` and `CURLOPT_SSL_VERIFYHOST` are 0.
///
/// \return `false` for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_tls_unchecked(
    session: *const wandb_login_session,
) -> bool {
    // SAFETY: the caller's guarantee.
    unsafe { get(session, false, |handle| handle.session.tls_unchecked()) }
}

/// Returns the URL of the proxy for this server, such as `http://proxy.example:3128`.
/// The scheme is `http`, `https` or `socks5h` (the proxy resolves host names), the port
/// is always there, and user name and password are percent-encoded; they can come from an
/// extra header `Proxy-Authorization` of the scheme Basic. A client must not
/// apply `NO_PROXY` to it: the login has done that. In libcurl it is `CURLOPT_PROXY`, with
/// `""` for a direct connection, and `CURLOPT_NOPROXY` is `""`; otherwise libcurl looks into
/// variables of its own.
///
/// \return A secret if it contains a password; borrowed. NULL for a direct connection,
///         and for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_proxy(
    session: *const wandb_login_session,
) -> *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            let proxy = handle.session.proxy();
            proxy.map_or(std::ptr::null(), |proxy| proxy.as_c_str().as_ptr())
        })
    }
}

/// Returns the headers to send to this server with each request, beside
/// `Authorization`, which is not among them: `WANDB_X_EXTRA_HTTP_HEADERS`, the user name
/// (`WANDB_USERNAME`) and the e-mail address (`WANDB_USER_EMAIL`). There are none for a
/// server that only a workspace settings file names. In libcurl they go into
/// `CURLOPT_HTTPHEADER`, without following redirects; one without a value is written `Name;`
/// there.
///
/// \return A NULL-terminated array of `Name: value` entries, borrowed like its strings.
///         They are secrets. NULL only for a NULL session.
///
/// Threads: any. Origin: libwandb_login. Since 0.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wandb_login_session_headers(
    session: *const wandb_login_session,
) -> *const *const c_char {
    // SAFETY: the caller's guarantee.
    unsafe {
        get(session, std::ptr::null(), |handle| {
            handle.headers.pointers.as_ptr()
        })
    }
}
