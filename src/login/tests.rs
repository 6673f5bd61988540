//! A cancelled wait ends the login as cancelled, wherever it was.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::*;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("wandb-login-cancel-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn entry(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// What a login that is cancelled at its first wait comes to.
fn cancelled(environment: &[&str], api_key: Option<&str>, home: &Path) -> Error {
    let environment: Vec<&OsStr> = environment.iter().map(OsStr::new).collect();
    login(&Options {
        api_key,
        environment: Some(&environment),
        working_directory: Some(home),
        log: Some(&|_, _| {}),
        cancel: Some(&|| true),
        ..Options::default()
    })
    .err()
    .expect("it is cancelled")
}

#[test]
fn at_a_key_file_that_nobody_writes() {
    let folder = Folder::new("pipe");
    let pipe = folder.path("pipe");
    let name = CString::new(pipe.as_os_str().as_bytes()).expect("no NUL");
    // SAFETY: the name ends with NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let _writer = File::options().read(true).write(true).open(&pipe);
    let variable = entry("WANDB_API_KEY_FILE", &pipe);
    let home = entry("HOME", &folder.0);
    let error = cancelled(&[&variable, &home], None, &folder.0);
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
}

#[test]
fn at_a_lock_that_another_program_holds() {
    let folder = Folder::new("lock");
    let netrc = File::create(folder.path(".netrc")).expect("a file");
    netrc.lock().expect("a lock");
    let key = "1".repeat(40);
    let error = cancelled(&[&entry("HOME", &folder.0)], Some(&key), &folder.0);
    assert!(matches!(error, Error::Cancelled(_)), "{error:?}");
    assert_eq!(fs::read(folder.path(".netrc")).expect("a file"), b"");
}
