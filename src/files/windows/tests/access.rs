//! Access lists and attributes, of new files and of replaced ones.

use std::fs;
use std::os::windows::fs::MetadataExt;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_COMPRESSED, FILE_ATTRIBUTE_ENCRYPTED, FILE_ATTRIBUTE_HIDDEN,
    FILE_ATTRIBUTE_NORMAL,
};

use super::super::access::AccessList;
use super::super::replace::Change;
use super::super::{Found, OPEN};
use super::{access, open_to_others};
use crate::files::read::{Access, open, read_secret};
use crate::files::tests::common::*;
use crate::files::wait::LockWait;
use crate::files::{Target, User, read, sys};

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("_netrc");
    let updated = append(&path, "one").unwrap();
    assert!(updated.created && updated.notes.is_empty(), "{updated:?}");
    assert_eq!(access(&path), Access::default());
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}

#[test]
fn new_directories_are_for_their_owner_alone() {
    let scratch = Scratch::new();
    let path = scratch.path(r"a\b\settings");
    let problem = append(&path, "line").unwrap_err();
    assert_eq!(problem.to_string(), "is in a directory that does not exist");
    assert!(scratch.names().is_empty());
    let asking = Target {
        create_parents: true,
        ..target(&path)
    };
    assert!(append_to(&asking, "line").unwrap().created);
    for dir in ["a", r"a\b"] {
        let opened = open(&scratch.path(dir)).unwrap();
        assert_eq!(AccessList::of(&opened).unwrap().access(), Access::default());
    }
    assert_eq!(access(&path), Access::default());
}

#[test]
fn a_replaced_file_keeps_its_access_list_and_its_attributes() {
    let scratch = Scratch::new();
    let path = open_to_others(&scratch, "_netrc", "one\r\n");
    let before = access(&path);
    assert!(before.everyone && before.others, "{before:?}");
    sys::set_attributes(&path, FILE_ATTRIBUTE_HIDDEN).unwrap();
    let updated = append(&path, "two").unwrap();
    assert_eq!(updated.notes, [OPEN]);
    assert_eq!(fs::read(&path).unwrap(), b"one\r\ntwo\n");
    assert_eq!(access(&path), before);
    let attributes = fs::metadata(&path).unwrap().file_attributes();
    assert_ne!(attributes & FILE_ATTRIBUTE_HIDDEN, 0, "{attributes:x}");
    sys::set_attributes(&path, FILE_ATTRIBUTE_NORMAL).unwrap();
}

#[test]
fn a_file_that_others_can_read_is_reported() {
    let scratch = Scratch::new();
    let path = open_to_others(&scratch, "secret", "key");
    let text = read(&path, LIMIT).unwrap().unwrap();
    assert!(text.access.others && text.access.everyone);
    assert!(read_secret(&path, &|| false).unwrap().access.everyone);
    // A change of nothing says so as well.
    let updated = change(&target(&path), &mut |_| None).unwrap();
    assert!(!updated.changed);
    assert_eq!(updated.notes, [OPEN]);
}

#[test]
fn a_read_only_file_is_not_changed() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions.clone()).unwrap();
    let problem = append(&path, "two").unwrap_err();
    assert_eq!(problem.to_string(), "is read-only");
    assert!(problem.remedy("F").unwrap().contains("attrib -r \"F\""));
    #[allow(clippy::permissions_set_readonly_false)] // this is Windows
    permissions.set_readonly(false);
    fs::set_permissions(&path, permissions).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one\n");
}

/// What an attribute says about the file itself would be lost with it.
#[test]
fn an_encrypted_or_compressed_file_is_written_in_place() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let wait = LockWait::new(&|| false);
    let mut found = Found::at(&path, LIMIT, &wait).unwrap().unwrap();
    assert_eq!(found.reason_to_keep(), None);
    for (attribute, reason) in [
        (FILE_ATTRIBUTE_ENCRYPTED, "it is encrypted"),
        (FILE_ATTRIBUTE_COMPRESSED, "it is compressed"),
    ] {
        found.attributes = FILE_ATTRIBUTE_NORMAL | attribute;
        assert_eq!(found.reason_to_keep(), Some(reason));
    }
}

/// A file system that does not take the access list: the file itself is kept.
#[test]
fn a_file_whose_access_list_cannot_be_copied_is_written_in_place() {
    let scratch = Scratch::new();
    let path = scratch.write("_netrc", "one\n");
    let wait = LockWait::new(&|| false);
    let mut found = Found::at(&path, LIMIT, &wait).unwrap().unwrap();
    found.access = Some(AccessList::malformed());
    let change = Change {
        path: &path,
        user: &User::current(None),
        old: Some(&found),
        new: b"two\n",
        limit: LIMIT,
        may_replace: true,
    };
    let mut notes = Vec::new();
    change.write(&wait, &mut notes).unwrap();
    let note = "was written in place, because its access list cannot be copied";
    assert_eq!(notes, [note]);
    assert_eq!(fs::read(&path).unwrap(), b"two\n");
    assert_eq!(scratch.names(), ["_netrc"]);
}
