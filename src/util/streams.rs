//! Keeps the descriptors of the standard streams from getting another meaning.

use std::fs::{File, Metadata};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::fs::MetadataExt;

/// Keeps the descriptors 0 to 2 in use during a call. Where the program has
/// closed one of them, a file or a connection of the library would get its
/// number, and a message for standard error would be written to that.
pub(crate) struct StandardStreams {
    /// Open directories, which cannot be written. Usually none.
    reserved: Vec<(File, Metadata)>,
}

impl StandardStreams {
    pub(crate) fn reserve() -> StandardStreams {
        let mut reserved = Vec::new();
        while (0..3).any(is_closed) {
            let opened = File::open("/").and_then(|file| Ok((file.metadata()?, file)));
            match opened {
                Ok((meta, file)) if file.as_raw_fd() < 3 => reserved.push((file, meta)),
                _ => break,
            }
        }
        StandardStreams { reserved }
    }
}

impl Drop for StandardStreams {
    fn drop(&mut self) {
        for (file, before) in self.reserved.drain(..) {
            let same = |now: Metadata| (now.dev(), now.ino()) == (before.dev(), before.ino());
            if !file.metadata().is_ok_and(same) {
                // The program has opened its stream again meanwhile, by `dup2`.
                let _ = file.into_raw_fd();
            }
        }
    }
}

fn is_closed(descriptor: i32) -> bool {
    // SAFETY: reads the flags of a descriptor, which need not be open.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) < 0 }
}
