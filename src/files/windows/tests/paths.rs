//! What a path leads to: links, devices, streams, pipes, and each form of a path.

use std::fs::{self, File};
use std::io::Write;
use std::os::windows::fs::symlink_file;
use std::path::Path;
use std::time::Duration;

use super::access;
use crate::files::tests::common::*;
use crate::files::{Target, read, read_secret, sys};

#[test]
fn a_link_is_kept_and_leads_to_the_new_text() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("dotfiles")).unwrap();
    let file = scratch.write(r"dotfiles\netrc", "one\n");
    if let Err(error) = symlink_file(r"dotfiles\netrc", scratch.path("_netrc")) {
        return not_tested(&format!("symbolic links: {error}"));
    }
    if !scratch.path("_netrc").is_symlink() {
        return not_tested("symbolic links: the system does not show them");
    }
    append(&scratch.path("_netrc"), "two").unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"one\ntwo\n");
    assert!(scratch.path("_netrc").is_symlink());
}

#[test]
fn devices_and_directories_are_not_written() {
    let scratch = Scratch::new();
    for path in ["NUL", "nul", r"\\.\NUL"] {
        assert!(read(Path::new(path), LIMIT).unwrap().is_none(), "{path}");
        let problem = append(Path::new(path), "x").unwrap_err();
        assert_eq!(problem.to_string(), "is a device, not a file", "{path}");
    }
    let text = read_secret(Path::new("NUL"), &|| false).unwrap();
    assert!(text.bytes.is_empty());
    let problem = append(scratch.dir(), "x").unwrap_err();
    assert_eq!(problem.to_string(), "is a directory, not a file");
    assert!(scratch.names().is_empty());
}

#[test]
fn a_stream_of_a_file_is_not_written() {
    let scratch = Scratch::new();
    for name in ["file:stream", "file::$DATA"] {
        let problem = append(&scratch.path(name), "x").unwrap_err();
        assert_eq!(problem.to_string(), "is a stream of a file, not a file");
    }
    assert!(scratch.names().is_empty());
}

/// Each path leads to the same file, in a directory that is longer than the system's
/// limit for a path without a prefix.
#[test]
fn every_form_of_a_path_leads_to_the_file() {
    let scratch = Scratch::new();
    let long = scratch.path(&vec!["a".repeat(100); 4].join("\\"));
    let asking = |path| Target {
        create_parents: true,
        ..target(path)
    };
    let path = long.join("_netrc");
    assert!(path.as_os_str().len() > 400);
    append_to(&asking(&path), "0").unwrap();
    let text = path.to_str().unwrap();
    for (index, form) in [
        text.to_owned(),
        text.replace('\\', "/"),
        format!(r"\\?\{text}"),
        format!("{}\\.\\{}", long.display(), "_netrc"),
        text.to_uppercase(),
    ]
    .iter()
    .enumerate()
    {
        let updated = append(Path::new(form), &(index + 1).to_string()).unwrap();
        assert!(!updated.created, "{form}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"0\n1\n2\n3\n4\n5\n");
    assert_eq!(fs::read_dir(&long).unwrap().count(), 1);
}

#[test]
fn a_file_whose_name_the_system_does_not_allow_is_missing() {
    let scratch = Scratch::new();
    for name in ["a\u{1b}b", "a|b", "a?b"] {
        let path = scratch.path(name);
        assert!(read(&path, LIMIT).unwrap().is_none(), "{name:?}");
        let problem = read_secret(&path, &|| false).err().unwrap();
        assert_eq!(problem.to_string(), "does not exist", "{name:?}");
        append(&path, "x").unwrap_err();
    }
    assert!(scratch.names().is_empty());
}

/// The drive as the share of a server, which is this machine. A real Windows lets
/// administrators use it, and `tests/platforms/tools` makes one for wine.
#[test]
fn a_file_on_a_share_is_changed() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "0\n");
    let text = path.to_str().unwrap();
    let (drive, rest) = text.split_once(':').unwrap();
    let share = format!(r"\\localhost\{drive}$");
    if !Path::new(&share).join("Windows").exists() {
        return not_tested(&format!("files on a share: there is no {share}"));
    }
    for (index, form) in [
        format!("{share}{rest}"),
        format!("{share}{rest}").replace('\\', "/"),
        format!(r"\\?\UNC\localhost\{drive}${rest}"),
    ]
    .iter()
    .enumerate()
    {
        let updated = append(Path::new(form), &(index + 1).to_string()).unwrap();
        assert!(!updated.created, "{form}");
        assert_eq!(access(Path::new(form)), access(&path), "{form}");
    }
    assert_eq!(fs::read(&path).unwrap(), b"0\n1\n2\n3\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn a_pipe_that_another_program_fills_is_read() {
    let name = format!(r"\\.\pipe\wandb-login-test-{}", std::process::id());
    let server = NamedPipe::create(&name);
    let path = name.clone();
    let reader = std::thread::spawn(move || read_secret(Path::new(&path), &|| false));
    server.send(b"the secret\n");
    server.0.sync_all().unwrap(); // waits until it is read
    drop(server);
    let text = reader.join().unwrap().unwrap();
    assert_eq!(*text.bytes, *b"the secret\n");
}

/// The writing end of a pipe with a name.
struct NamedPipe(File);

impl NamedPipe {
    fn create(name: &str) -> NamedPipe {
        use std::os::windows::io::FromRawHandle;
        use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_OUTBOUND;
        use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_WAIT};
        let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let (access, mode) = (PIPE_ACCESS_OUTBOUND, PIPE_WAIT);
        // SAFETY: the name ends with zero, and outlives the call; the rest is numbers.
        let handle = unsafe {
            CreateNamedPipeW(
                wide.as_ptr(),
                access,
                mode,
                1,
                4096,
                4096,
                0,
                std::ptr::null(),
            )
        };
        // SAFETY: the handle is new, and owned by the file only.
        NamedPipe(unsafe { File::from_raw_handle(handle) })
    }

    /// Waits for a reader, and sends the text.
    fn send(&self, text: &[u8]) {
        use windows_sys::Win32::Foundation::ERROR_PIPE_LISTENING;
        loop {
            match (&self.0).write(text) {
                Ok(count) => return assert_eq!(count, text.len()),
                Err(error) if sys::is_error(&error, &[ERROR_PIPE_LISTENING]) => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
