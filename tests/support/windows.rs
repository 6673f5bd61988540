//! What the tests need of Windows.

use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use std::os::windows::ffi::OsStrExt;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION, GetFileSecurityW,
    OBJECT_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    SetFileSecurityW,
};

/// The variable that names the home directory.
pub const HOME: &str = "USERPROFILE";

/// The netrc file that a login creates in a new home.
pub const NETRC: &str = "home/_netrc";

/// Whether a lock is a file beside the one that it locks.
pub const LOCK_IS_A_FILE: bool = true;

/// Whether a file can be missing for a moment: it is moved away where a rename cannot
/// replace it while it is open.
pub const MOVES_FILES_AWAY: bool = true;

/// The null device.
pub const NULL_DEVICE: &str = "NUL";

/// The variables that every program needs. Without `SystemRoot` there is no network.
pub const SYSTEM_VARIABLES: [&str; 4] = ["PATH", "SystemRoot", "TEMP", "TMP"];

/// The path as it is. One without symbolic links would have another form than those
/// that the library shows.
pub fn resolved(path: &Path) -> PathBuf {
    path.to_owned()
}

/// Makes a file accessible to its owner alone.
pub fn restrict(path: &Path) {
    set_mode(path, 0o600);
}

/// Sets the access to a file, as a Unix mode says it: other users are all users.
pub fn set_mode(path: &Path, mode: u32) {
    let others = if mode & 0o007 == 0 {
        ""
    } else {
        "(A;;FR;;;WD)"
    };
    let group = if mode & 0o070 == 0 {
        ""
    } else {
        "(A;;FR;;;BG)"
    };
    set_access(
        path,
        &format!("D:P(A;;FA;;;{}){group}{others}", owner(path)),
    );
}

/// Sets the access list of a file, as the system writes one.
pub fn set_access(path: &Path, list: &str) {
    let (path, list) = (wide(path), wide(Path::new(list)));
    let mut descriptor = null_mut();
    // SAFETY: both texts end with zero, and outlive the calls. The descriptor is
    // allocated by the first call, and freed once.
    unsafe {
        let parsed = ConvertStringSecurityDescriptorToSecurityDescriptorW(
            list.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        );
        assert_ne!(parsed, 0, "an access list");
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        assert_ne!(SetFileSecurityW(path.as_ptr(), what, descriptor), 0);
        LocalFree(descriptor);
    }
}

/// Who can access a file: its access list, as the system writes it.
pub type Access = String;

pub fn access(path: &Path) -> Access {
    descriptor(path, DACL_SECURITY_INFORMATION)
}

/// The owner of a file, as an access list names it.
fn owner(path: &Path) -> String {
    let owner = descriptor(path, OWNER_SECURITY_INFORMATION);
    owner.trim_start_matches("O:").to_owned()
}

/// A part of the security descriptor of a file, as text.
fn descriptor(path: &Path, what: OBJECT_SECURITY_INFORMATION) -> String {
    let path = wide(path);
    let mut descriptor = [0_u64; 512];
    let (pointer, size) = (descriptor.as_mut_ptr().cast(), size_of_val(&descriptor));
    let (mut needed, mut text, mut length) = (0, null_mut(), 0);
    // SAFETY: the path ends with zero, the descriptor has the size that is passed, and
    // the text is allocated by the second call, and freed once.
    unsafe {
        let found = GetFileSecurityW(path.as_ptr(), what, pointer, size as u32, &mut needed);
        assert_ne!(found, 0, "a descriptor");
        let written = ConvertSecurityDescriptorToStringSecurityDescriptorW(
            pointer,
            SDDL_REVISION_1,
            what,
            &mut text,
            &mut length,
        );
        assert_ne!(written, 0, "its text");
        let units = std::slice::from_raw_parts(text, length as usize);
        let list = String::from_utf16_lossy(units);
        LocalFree(text.cast());
        list.trim_end_matches('\0').to_owned()
    }
}

/// Whether a file is accessible to its owner alone: there are entries, and only for the
/// owner, the system and administrators. Wine shows one for the group of the file too,
/// and does not show that the list inherits none.
pub fn is_private(path: &Path) -> bool {
    let group = descriptor(path, GROUP_SECURITY_INFORMATION);
    let (owner, group) = (owner(path), group.trim_start_matches("G:"));
    let allowed = [owner.as_str(), group, "SY", "BA", "OW"];
    let list = access(path);
    let entries = list.split(['(', ')']).filter(|entry| entry.contains(';'));
    let users: Vec<&str> = entries
        .filter_map(|entry| entry.rsplit(';').next())
        .collect();
    !users.is_empty() && users.iter().all(|user| allowed.contains(user))
}

/// A text with a name in place of a path, and `/` in the rest of each such path. The
/// text may be JSON.
pub fn replace_path(text: &str, path: &Path, name: &str) -> String {
    let path = path.to_string_lossy();
    let text = text
        .replace(&path.replace('\\', r"\\"), name)
        .replace(&*path, name);
    let mut parts = text.split(name);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || "\"':,)]".contains(c));
        let mut end = end.unwrap_or(part.len());
        // The backslash of an escaped quote is no part of the path.
        let before = &part[..end];
        end -= usize::from(before.ends_with('\\') && !before.ends_with(r"\\"));
        let (rest, after) = part.split_at(end);
        replaced += name;
        replaced += &rest.replace(r"\\", "/").replace('\\', "/");
        replaced += after;
    }
    replaced
}

/// The name of a file, from its home, as the recorded texts have it: a login creates
/// `_netrc` where they have `.netrc`.
pub fn recorded_name(name: &Path, is_new: bool) -> String {
    match name.to_str().expect("UTF-8").replace('\\', "/") {
        name if is_new && name == NETRC => "home/.netrc".to_owned(),
        name => name,
    }
}

/// What a message says on every system: without commands of a shell, with the name of
/// a new netrc file on Unix, and with names of variables that have no case.
pub fn portable(text: &str) -> String {
    let is_command = |line: &&str| !line.starts_with("            $ ");
    let lines = text.split_inclusive('\n').filter(is_command);
    let without = lines.map(|line| match line.split_once("\"command\": ") {
        Some((before, after)) => {
            let end = after.rfind('}').unwrap_or(after.len());
            format!("{before}\"command\": null{}", &after[end..])
        }
        None => line.to_owned(),
    });
    let text: String = without.collect();
    let text = text.replace("chmod 600 it", "remove them from its access list");
    let text = text.replace(r"~\", "~/").replace("/_netrc", "/.netrc");
    let text = text.replace("https_proxy", "HTTPS_PROXY");
    text.replace("http_proxy", "HTTP_PROXY")
}

fn wide(text: &Path) -> Vec<u16> {
    text.as_os_str().encode_wide().chain([0]).collect()
}
