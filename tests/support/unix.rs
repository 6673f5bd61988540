//! What the tests need of a Unix system.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Home, TempDir, build_with_panic_test, built_library};

/// The variable that names the home directory.
pub const HOME: &str = "HOME";

/// The netrc file that a login creates in a new home.
pub const NETRC: &str = "home/.netrc";

/// Whether a lock is a file beside the one that it locks.
pub const LOCK_IS_A_FILE: bool = false;

/// Whether a file can be missing for a moment: it is moved away where a rename cannot
/// replace it while it is open.
pub const MOVES_FILES_AWAY: bool = false;

/// The null device.
pub const NULL_DEVICE: &str = "/dev/null";

/// The variables that every program needs.
pub const SYSTEM_VARIABLES: [&str; 1] = ["PATH"];

/// The path without symbolic links.
pub fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().expect("it is there")
}

/// Makes a file accessible to its owner alone.
pub fn restrict(path: &Path) {
    set_mode(path, 0o600);
}

/// Whether a file is accessible to its owner alone.
pub fn is_private(path: &Path) -> bool {
    let permissions = fs::metadata(path).expect("metadata").permissions();
    permissions.mode() & 0o077 == 0
}

/// Sets the access to a file.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
}

/// Who can access a file.
pub type Access = u32;

pub fn access(path: &Path) -> Access {
    fs::symlink_metadata(path)
        .expect("metadata")
        .permissions()
        .mode()
}

/// A text with a name in place of a path.
pub fn replace_path(text: &str, path: &Path, name: &str) -> String {
    text.replace(&*path.to_string_lossy(), name)
}

/// The name of a file, from its home, as the recorded texts have it.
pub fn recorded_name(name: &Path, _is_new: bool) -> String {
    name.to_str().expect("UTF-8").to_owned()
}

/// What a report says on every system.
pub fn portable(text: &str) -> String {
    text.to_owned()
}

/// Lets a file be run as a program.
pub fn make_executable(path: &Path) {
    set_mode(path, 0o755);
}

impl Home {
    pub fn mode(&self, path: &str) -> u32 {
        let file = fs::metadata(self.path(path)).expect("metadata");
        file.permissions().mode() & 0o7777
    }
}

/// A folder with the shared library under its plain name and its soname, ready for a
/// linker and a loader.
pub fn library() -> TempDir {
    let folder = TempDir::new();
    for name in ["libwandb_login.so", "libwandb_login.so.0"] {
        let built = built_library("libwandb_login.so");
        std::os::unix::fs::symlink(built, folder.path().join(name)).expect("a link");
    }
    folder
}

/// The same with a library that can panic on demand, and that has no HTTP: a
/// build of its own, since no release has the function. The folder stays, and
/// with it what other tools' caches know of it.
pub fn panic_library() -> &'static Path {
    static ONCE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| {
        let folder = build_with_panic_test("cdylib");
        let soname = folder.join("libwandb_login.so.0");
        let _ = fs::remove_file(&soname);
        std::os::unix::fs::symlink("libwandb_login.so", soname).expect("a link");
        folder
    })
}
