//! Writing the new text over the old one, where the file cannot be replaced.

use std::fs::File;
use std::io;

use super::sys::{sync_all, sync_data, write_all_at};

/// Overwrites the old text from the first byte that differs. The part beyond the
/// old end is written and flushed first: only that part takes space, so a full
/// disk stops the write before an old byte has changed.
pub(super) fn overwrite(file: &File, old: &[u8], new: &[u8]) -> io::Result<()> {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let kept = old.len().min(new.len());
    let write = || {
        if new.len() > old.len() {
            write_all_at(file, &new[kept..], kept as u64)?;
            sync_data(file)?;
        }
        write_all_at(file, &new[same..kept], same as u64)?;
        if new.len() < old.len() {
            file.set_len(new.len() as u64)?;
        }
        sync_all(file)
    };
    write().inspect_err(|_| {
        // Restore the old text, as far as the disk allows.
        let _ = write_all_at(file, &old[same..], same as u64);
        let _ = file.set_len(old.len() as u64);
        let _ = sync_all(file);
    })
}
