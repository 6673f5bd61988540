//! The way of a file that cannot be replaced by a rename: it is moved away first.

use super::super::OPEN;
use super::super::lock::Lock;
use super::super::tests::{access, open_to_others};
use super::*;
use crate::files::tests::common::*;
use crate::files::{Target, Updated};

/// A copy beside the file, ready to take its place.
fn ready(target: &Target, text: &[u8]) -> Temp {
    let temp = Temp::create(target.path, &target.user).unwrap();
    temp.fill(text).unwrap();
    let wait = LockWait::new(&|| false);
    let old = Found::at(target.path, LIMIT, &wait).unwrap();
    temp.become_like(&old.expect("the file exists")).unwrap();
    temp
}

/// The job of a child process: adds a line to an existing file.
pub(in crate::files::windows) fn append_by_moving(
    path: &Path,
    line: &str,
) -> Result<Updated, WriteProblem> {
    let _lock = Lock::take(path, &LockWait::new(&|| false))?;
    let new = [&fs::read(path).unwrap(), line.as_bytes(), b"\n"].concat();
    let moved = ready(&target(path), &new).move_in(path);
    moved.map_err(WriteProblem::when("cannot be replaced"))?;
    Ok(Updated {
        path: path.to_owned(),
        changed: true,
        created: false,
        notes: Vec::new(),
    })
}

#[test]
fn a_file_that_is_moved_away_keeps_its_access_list() {
    let scratch = Scratch::new();
    let path = open_to_others(&scratch, "_netrc", "old");
    let before = access(&path);
    let mut temp = ready(&target(&path), b"new");
    temp.move_in(&path).unwrap();
    drop(temp);
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(access(&path), before);
    assert_eq!(scratch.names(), ["_netrc"]);
    assert_eq!(append(&path, "").unwrap().notes, [OPEN]);
}

#[test]
fn a_file_that_cannot_be_moved_away_stays() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "old");
    let mut temp = ready(&target(&path), b"new");
    let reader = OpenOptions::new().read(true).share_mode(0).open(&path);
    let error = temp.move_in(&path).unwrap_err();
    assert!(is_error(&error, &IN_USE), "{error}");
    assert!(!temp.has_last_copy);
    temp.undo(&path);
    drop((temp, reader));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(scratch.names(), ["_netrc"]);
}

/// A copy that the system has not put in the place of the file that it moved away.
fn halfway(scratch: &Scratch) -> (PathBuf, PathBuf, Temp) {
    let path = scratch.write("_netrc", "old");
    let mut temp = ready(&target(&path), b"new");
    let away = new_name(&path, AWAY);
    fs::rename(&path, &away).unwrap();
    (temp.has_last_copy, temp.moved_away) = (true, Some(away.clone()));
    (path, away, temp)
}

#[test]
fn giving_up_halfway_brings_the_file_back() {
    let scratch = Scratch::new();
    let (path, _, mut temp) = halfway(&scratch);
    temp.undo(&path);
    drop(temp);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn giving_up_halfway_leaves_a_new_file_of_another_program() {
    let scratch = Scratch::new();
    let (path, _, mut temp) = halfway(&scratch);
    scratch.write("_netrc", "other");
    temp.undo(&path);
    drop(temp);
    assert_eq!(fs::read(&path).unwrap(), b"other");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn no_copy_is_removed_where_the_file_cannot_come_back() {
    let scratch = Scratch::new();
    let (path, away, mut temp) = halfway(&scratch);
    let copy = temp.path.clone();
    let reader = OpenOptions::new().read(true).share_mode(0).open(&away);
    temp.undo(&path);
    drop((temp, reader));
    assert_eq!(fs::read(&away).unwrap(), b"old");
    assert_eq!(fs::read(&copy).unwrap(), b"new");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut expected = [name(&away), name(&copy)];
    expected.sort();
    assert_eq!(scratch.names(), expected);
}
