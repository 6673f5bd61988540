//! The system calls that std does not wrap.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED, GENERIC_WRITE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::*;
use windows_sys::Win32::System::Pipes::PeekNamedPipe;

use super::windows::access::{OwnerOnly, ProcessUser};

/// The attributes that a new file takes over.
const KEPT: FILE_FLAGS_AND_ATTRIBUTES = FILE_ATTRIBUTE_HIDDEN
    | FILE_ATTRIBUTE_SYSTEM
    | FILE_ATTRIBUTE_ARCHIVE
    | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED;

/// Paths below this length need no prefix.
const MAX_SHORT_PATH: usize = 240;

/// How long to wait for another holder of the lock. Each holder may have to wait for
/// readers and for virus scanners itself.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of a call that returns 0 for an error.
pub(super) fn check(result: i32) -> io::Result<()> {
    match result {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether the system gave one of these errors.
pub(super) fn is_error(error: &io::Error, codes: &[u32]) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| codes.contains(&code.cast_unsigned()))
}

/// Where tests end the process. Elsewhere it does nothing.
#[cfg(test)]
pub(super) use super::windows::tests::crash_point;
#[cfg(not(test))]
pub(super) fn crash_point() {}

/// A path for the system: absolute, with the prefix of long paths if needed, and
/// with a zero at its end.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let path = std::path::absolute(path)?;
    let units: Vec<u16> = path.as_os_str().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let text = path.as_os_str().as_encoded_bytes();
    let (prefix, skipped) = match text {
        _ if units.len() < MAX_SHORT_PATH => ("", 0),
        [b'\\', b'\\', b'?' | b'.', ..] => ("", 0),
        [b'\\', b'\\', ..] => (r"\\?\UNC\", 2),
        _ => (r"\\?\", 0),
    };
    let prefix = prefix.encode_utf16();
    Ok(prefix
        .chain(units.into_iter().skip(skipped))
        .chain([0])
        .collect())
}

/// Creates an empty file for its owner alone.
pub(super) fn create_private_file(path: &Path, owner: &ProcessUser) -> io::Result<File> {
    let (path, owner_only) = (wide(path)?, OwnerOnly::new(owner, false)?);
    let attributes = owner_only.attributes();
    // SAFETY: the path ends with zero; it and the attributes outlive the call.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            GENERIC_WRITE,
            FILE_SHARE_READ | FILE_SHARE_DELETE,
            &attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and owned by the file only.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Creates a directory for its owner alone.
pub(super) fn create_private_dir(path: &Path, owner: &ProcessUser) -> io::Result<()> {
    let (path, owner_only) = (wide(path)?, OwnerOnly::new(owner, true)?);
    let attributes = owner_only.attributes();
    // SAFETY: the path ends with zero; it and the attributes outlive the call.
    check(unsafe { CreateDirectoryW(path.as_ptr(), &attributes) })
}

/// Opens a file to change its access list.
pub(super) fn open_to_restrict(path: &Path) -> io::Result<File> {
    OpenOptions::new().access_mode(WRITE_DAC).open(path)
}

/// Gives a file these attributes, as far as a new file can have them.
pub(super) fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    let path = wide(path)?;
    let attributes = match attributes & KEPT {
        0 => FILE_ATTRIBUTE_NORMAL,
        kept => kept,
    };
    // SAFETY: the path ends with zero, and outlives the call.
    check(unsafe { SetFileAttributesW(path.as_ptr(), attributes) })
}

/// Replaces a file by another one, and keeps what belongs to its name. The file gets
/// another name. It works while the file is open on file systems where a rename does
/// not.
pub(super) fn replace_file(path: &Path, by: &Path, away: &Path) -> io::Result<()> {
    let (path, by, away) = (wide(path)?, wide(by)?, wide(away)?);
    let flags = REPLACEFILE_IGNORE_MERGE_ERRORS;
    // SAFETY: the paths end with zero, and outlive the call; the rest is optional.
    check(unsafe {
        let (path, by, away) = (path.as_ptr(), by.as_ptr(), away.as_ptr());
        ReplaceFileW(path, by, away, flags, null(), null())
    })
}

/// The number of names that the file has.
pub(super) fn hard_links(file: &File) -> io::Result<u32> {
    let mut found = MaybeUninit::<BY_HANDLE_FILE_INFORMATION>::uninit();
    // SAFETY: the handle is open, and the buffer is a whole structure.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), found.as_mut_ptr()) })?;
    // SAFETY: the call has filled it in.
    Ok(unsafe { found.assume_init() }.nNumberOfLinks)
}

/// Whether the file's volume is read-only.
pub(super) fn is_on_read_only_mount(file: &File) -> bool {
    const READ_ONLY: u32 = 0x0008_0000; // FILE_READ_ONLY_VOLUME
    let mut flags = 0;
    // SAFETY: the handle is open, and the pointer to the flags is live.
    let found = unsafe {
        GetVolumeInformationByHandleW(
            file.as_raw_handle(),
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            &mut flags,
            null_mut(),
            0,
        )
    };
    found != 0 && flags & READ_ONLY != 0
}

/// The state of a pipe.
pub(super) struct PipeState {
    pub readable: bool,
    /// The last writer has closed it.
    pub closed: bool,
}

/// Waits until the pipe can be read, its last writer closes it, or the time is up.
pub(super) fn wait_for_input(file: &File, time: Duration) -> io::Result<PipeState> {
    let mut available = 0;
    let (buffer, other) = (null_mut(), null_mut());
    // SAFETY: the handle is open, and the pointer to the count is live.
    let peeked = unsafe {
        PeekNamedPipe(
            file.as_raw_handle(),
            buffer,
            0,
            other,
            &mut available,
            null_mut(),
        )
    };
    match check(peeked) {
        Ok(()) if available > 0 => {}
        // A pipe cannot be waited for.
        Ok(()) => std::thread::sleep(time.min(Duration::from_millis(5))),
        Err(error) if is_error(&error, &[ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED]) => {
            return Ok(PipeState {
                readable: false,
                closed: true,
            });
        }
        Err(error) => return Err(error),
    }
    Ok(PipeState {
        readable: available > 0,
        closed: false,
    })
}

/// Writes all bytes at an offset.
pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Flushes a file to the disk.
pub(super) fn sync_all(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Flushes a file's content to the disk.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_long_path_gets_the_prefix_of_its_kind() {
        let long = vec!["a".repeat(100); 4].join("\\");
        for (path, expected) in [
            (r"C:\a", r"C:\a"),
            (r"\\host\share\a", r"\\host\share\a"),
            (r"\\?\UNC\host\share\a", r"\\?\UNC\host\share\a"),
            (r"C:\LONG", r"\\?\C:\LONG"),
            ("C:/b/../LONG", r"\\?\C:\LONG"),
            (r"\\?\C:\LONG", r"\\?\C:\LONG"),
            (r"\\host\share\LONG", r"\\?\UNC\host\share\LONG"),
            ("//host/share/LONG", r"\\?\UNC\host\share\LONG"),
            (r"\\?\UNC\host\share\LONG", r"\\?\UNC\host\share\LONG"),
        ] {
            let [path, expected] = [path, expected].map(|text| text.replace("LONG", &long));
            let units = wide(Path::new(&path)).unwrap();
            let (end, units) = units.split_last().unwrap();
            assert_eq!(*end, 0);
            assert_eq!(
                OsString::from_wide(units),
                OsString::from(&expected),
                "{path}"
            );
        }
    }
}
