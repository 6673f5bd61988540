//! What differs on Windows: the home directory, and the rules of names and paths.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::UI::Shell::GetUserProfileDirectoryW;

use super::{Environment, variables};

/// The variable that sets the home directory, for messages.
pub(super) const HOME: &str = variables::USERPROFILE;

/// The name of a netrc file that did not exist before.
pub(crate) const NEW_NETRC: &str = "_netrc";

/// Windows has no programs with more rights than their caller.
pub(super) fn is_privileged() -> bool {
    false
}

/// `USERPROFILE`, else `HOMEDRIVE` and `HOMEPATH`, else what the system knows.
pub(super) fn home(env: &Environment) -> Option<PathBuf> {
    if let Some(profile) = env.var(variables::USERPROFILE) {
        return Some(env.path(profile));
    }
    match env.var(variables::HOMEPATH) {
        Some(path) => {
            let mut home = env
                .var(variables::HOMEDRIVE)
                .unwrap_or_default()
                .into_owned();
            home.push(path);
            Some(env.path(home))
        }
        None => effective_home(),
    }
}

/// The profile directory of the process's user.
pub(super) fn effective_home() -> Option<PathBuf> {
    /// The pseudo handle of the token of this process (`GetCurrentProcessToken`).
    const OWN_TOKEN: HANDLE = -4_isize as HANDLE;
    let mut size = 512;
    loop {
        let mut buffer = vec![0_u16; size as usize];
        // SAFETY: the buffer is as long as `size` says, and both outlive the call.
        let found = unsafe { GetUserProfileDirectoryW(OWN_TOKEN, buffer.as_mut_ptr(), &mut size) };
        if found != 0 {
            let end = buffer.iter().position(|&unit| unit == 0)?;
            return Some(OsString::from_wide(&buffer[..end]).into());
        }
        if size as usize <= buffer.len() {
            return None;
        }
    }
}

/// The home directory of another user, as Python guesses it: beside that of this
/// user, if that has this user's name.
pub(super) fn home_of(env: &Environment, name: &[u8]) -> Option<PathBuf> {
    let home = env.home()?;
    let own_name = env.var(variables::WINDOWS_USER);
    if own_name
        .as_ref()
        .is_some_and(|own| own.as_encoded_bytes() == name)
    {
        return Some(home);
    }
    (own_name.as_deref() == home.file_name()).then(|| Some(home.with_file_name(os_str(name)?)))?
}

/// A path in the working directory of the caller: also `C:file`, where the directory is
/// on the same drive.
pub(super) fn join(directory: &Path, path: &Path) -> PathBuf {
    let mut parts = path.components();
    let drive = parts.next();
    let is_relative = matches!(drive, Some(Component::Prefix(_))) && !path.has_root();
    match is_relative && drive == directory.components().next() {
        true => directory.join(parts.as_path()),
        false => directory.join(path),
    }
}

/// Whether both are the name of the same variable. The names that the library
/// reads are ASCII.
pub(super) fn is_same_name(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Bytes as an `OsStr`; only UTF-8 can be converted.
pub(crate) fn os_str(bytes: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(bytes).ok().map(OsStr::new)
}

/// Whether a path is known to be absolute and to have no parts to remove.
pub(super) fn is_normalized(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(block: &'a [&'a OsStr]) -> Environment<'a> {
        Environment {
            block: Some(block),
            directory: Some(Path::new(r"C:\here")),
            is_privileged: false,
        }
    }

    #[test]
    fn the_home_is_that_of_python() {
        let cases: [(&[&str], Option<&str>); 6] = [
            (&[r"USERPROFILE=C:\Users\u"], Some(r"C:\Users\u")),
            (&[r"UserProfile=C:\Users\u"], Some(r"C:\Users\u")),
            (
                &[r"USERPROFILE=C:\Users\u", r"HOMEPATH=\h"],
                Some(r"C:\Users\u"),
            ),
            (&["HOMEDRIVE=D:", r"HOMEPATH=\h\u"], Some(r"D:\h\u")),
            (&[r"HOMEPATH=h"], Some(r"C:\here\h")),
            (
                &["USERPROFILE=", "HOMEDRIVE=D:", r"HOMEPATH=\h"],
                Some(r"D:\h"),
            ),
        ];
        for (block, expected) in cases {
            let block: Vec<&OsStr> = block.iter().map(OsStr::new).collect();
            let home = env(&block).home();
            assert_eq!(home.as_deref(), expected.map(Path::new), "{block:?}");
        }
        let of_system = env(&[]).home();
        assert_eq!(of_system, effective_home());
        assert!(of_system.is_some_and(|home| home.is_absolute()));
    }

    #[test]
    fn paths_expand_as_in_python() {
        let block = [r"USERPROFILE=C:\Users\u", "USERNAME=u"].map(OsStr::new);
        let cases = [
            (r"C:\abs\file", r"C:\abs\file"),
            ("C:/abs/file", "C:/abs/file"),
            ("file", r"C:\here\file"),
            ("~", r"C:\Users\u"),
            (r"~\file", r"C:\Users\u\file"),
            ("~/file", r"C:\Users\u\file"),
            (r"~/a\b/c", r"C:\Users\u\a\b\c"),
            (r"~u\file", r"C:\Users\u\file"),
            ("~other/file", r"C:\Users\other\file"),
            ("a~", r"C:\here\a~"),
            (r"C:file", r"C:\here\file"),
            (r"c:a\..\file", r"C:\here\a\..\file"),
            (r"\file", r"C:\file"),
            (r"\\host\share\file", r"\\host\share\file"),
            (r"\\?\C:\file", r"\\?\C:\file"),
        ];
        for (path, expected) in cases {
            let expanded = env(&block).expand(OsStr::new(path)).expect(path);
            assert_eq!(expanded, Path::new(expected), "{path}");
        }
        // The home directory has another name than the user.
        let block = [r"USERPROFILE=C:\Users\u.DOMAIN", "USERNAME=u"].map(OsStr::new);
        let error = env(&block).expand(OsStr::new("~other/x"));
        let error = error.expect_err("unknown user").to_string();
        assert!(error.contains("~other"), "{error}");
    }

    #[test]
    fn names_of_variables_have_no_case() {
        let block = ["wandb_Api_Key=1", "WANDB_API_KEYS=2"].map(OsStr::new);
        let found = env(&block).text(variables::API_KEY);
        assert_eq!(found.as_deref(), Some("1"));
    }
}
