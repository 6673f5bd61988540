//! Changing a file: lock, read, edit and replace, over again where another
//! program came in between.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;
use std::time::{Duration, Instant};

use super::read::contents;
use super::replace::{self, Outcome};
use super::resolve::{Place, User};
use super::{Cancel, Edit, ReadProblem, Target, Updated, WriteProblem};

/// How long we wait for others who hold the lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a waiting writer pauses before it tries again: a sixteenth of the time
/// that it has waited, so that little is added to it; no shorter than a flush to a
/// fast disk takes, and no longer than one to a slow disk.
const SHORTEST_PAUSE: Duration = Duration::from_micros(250);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// How often a program without locks may come in between.
const DISTURBANCES: u32 = 60;

/// An empty file may be one that is just being rewritten: the Python SDK
/// truncates, then writes. So long we give it before we believe what we see.
const SETTLING: Duration = Duration::from_millis(20);

/// Changes a file under its lock, so that of all programs that use this
/// library none undoes another's change, and so that a reader sees the old
/// text or the new one, whole.
pub(crate) fn update(target: &Target, edit: Edit, cancel: Cancel) -> Result<Updated, WriteProblem> {
    let user = User::current(target.home);
    let wait = Wait {
        since: Instant::now(),
        cancel,
    };
    let mut disturbances = 0;
    loop {
        match attempt(target, &user, edit, &wait)? {
            Attempt::Done(updated) => return Ok(updated),
            // Another user of the lock was faster: its wait is ours, too.
            Attempt::Outrun => wait.check_cancelled()?,
            Attempt::Disturbed => {
                disturbances += 1;
                if disturbances == DISTURBANCES {
                    return Err(WriteProblem::Unsteady);
                }
                wait.pause()?;
            }
        }
    }
}

enum Attempt {
    Done(Updated),
    /// The file that we locked is no longer the one that the path names.
    Outrun,
    /// The text that we edited is no longer the one in the file.
    Disturbed,
}

fn attempt(target: &Target, user: &User, edit: Edit, wait: &Wait) -> Result<Attempt, WriteProblem> {
    let place = Place::of(target.path, user)?;
    let mut updated = Updated {
        path: place.path.clone(),
        changed: false,
        created: false,
        in_place: false,
        notes: Vec::new(),
    };
    let opened = match &place.found {
        Some(meta) => {
            place.check(meta, user)?;
            open(&place.path)?
        }
        // Nothing is created for the sake of no change.
        None if !target.create_first && edit(&[]).is_none() => return Ok(Attempt::Done(updated)),
        None => create(target, &place, user)?,
    };
    let Some(file) = opened else {
        return Ok(Attempt::Outrun);
    };
    updated.created = place.found.is_none();
    let mut locked = LockedFile::lock(file, &place.path, updated.created, wait)?;
    let meta = locked.file.metadata().map_err(ReadProblem::from)?;
    if !is_at(target.path, &meta)? {
        return Ok(Attempt::Outrun);
    }
    // Once more, now that nothing can change under our hands.
    place.check(&meta, user)?;
    if !locked.locked {
        let note = "its file system has no locks, so that a change made by another program at \
                    the same moment may be lost";
        updated.notes.push(note.to_owned());
    }

    let mut old = contents(&locked.file, meta.len(), target.limit)?;
    if old.is_empty() && !updated.created {
        std::thread::sleep(SETTLING);
        old = contents(&locked.file, 0, target.limit)?;
    }
    let new = match edit(&old) {
        Some(new) if *new != *old => new,
        _ => {
            updated.created = false;
            if meta.mode() & 0o077 != 0 {
                updated.notes.push(replace::describe_mode(meta.mode()));
            }
            return Ok(Attempt::Done(updated));
        }
    };
    if new.len() as u64 > target.limit {
        return Err(ReadProblem::TooLarge(target.limit).into());
    }

    // The last look before the point of no return. The Python SDK writes
    // without a lock, and within one tick of the file's clock it can do so
    // without a trace in the file's times: only the bytes themselves tell.
    let undisturbed = || -> Result<bool, WriteProblem> {
        if !is_at(target.path, &meta)? {
            return Ok(false);
        }
        match contents(&locked.file, old.len() as u64, target.limit) {
            Ok(now) => Ok(*now == *old),
            Err(ReadProblem::TooLarge(_)) => Ok(false),
            Err(problem) => Err(problem.into()),
        }
    };
    let change = replace::Change {
        place: &place,
        file: &locked.file,
        meta: &meta,
        old: &old,
        new: &new,
        alone: locked.locked,
        undisturbed: &undisturbed,
    };
    match change.write(user, &mut updated.notes)? {
        Outcome::Disturbed => return Ok(Attempt::Disturbed),
        Outcome::Replaced => {}
        Outcome::InPlace => updated.in_place = true,
    }
    updated.changed = true;
    locked.unfinished = false;
    Ok(Attempt::Done(updated))
}

/// Whether the path still leads to this very file.
fn is_at(path: &Path, meta: &Metadata) -> Result<bool, WriteProblem> {
    match fs::metadata(path) {
        Ok(now) => Ok(now.dev() == meta.dev() && now.ino() == meta.ino()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ReadProblem::from(error).into()),
    }
}

/// Opens the file that was found there, or tells that it is there no more. It
/// is opened for writing because NFS gives exclusive locks to nothing else.
fn open(path: &Path) -> Result<Option<File>, WriteProblem> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(ReadProblem::Denied.into())
        }
        Err(error) => Err(WriteProblem::when("cannot be opened for writing")(error)),
    }
}

/// Makes an empty file to hold the lock: the text comes by rename, as always.
/// A crash in between leaves it empty, which every reader takes for none.
fn create(target: &Target, place: &Place, user: &User) -> Result<Option<File>, WriteProblem> {
    place.check_new(user)?;
    if target.create_parents {
        create_dirs(place.dir(), user).map_err(WriteProblem::when(
            "is in a directory that cannot be created",
        ))?;
    }
    let created = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&place.path);
    let file = match created {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(WriteProblem::NoDirectory),
        Err(error) => return Err(WriteProblem::when("cannot be created")(error)),
    };
    let owner = user.owner_of_new(place.dir());
    let adopted = file.metadata().and_then(|meta| {
        replace::chown_to(&file, &meta, owner)?;
        replace::tighten_mode(&file, &meta, 0o600)
    });
    if let Err(error) = adopted {
        let _ = fs::remove_file(&place.path);
        return Err(WriteProblem::when("cannot be given to its owner")(error));
    }
    Ok(Some(file))
}

/// Makes the directories that are missing, for the owner alone.
fn create_dirs(dir: &Path, user: &User) -> io::Result<()> {
    let missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<&Path> = dir.ancestors().take_while(missing).collect();
    for dir in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        if fs::symlink_metadata(dir)?.mode() & 0o700 != 0o700 {
            // The umask shuts out even us.
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        if let Some((owner, group)) = user.owner_of_new(dir) {
            lchown(dir, Some(owner), Some(group))?;
        }
    }
    Ok(())
}

/// The file with its lock. It is the kernel's lock on the open file, so that
/// threads exclude each other as processes do, and a killed holder frees it.
struct LockedFile<'a> {
    file: File,
    path: &'a Path,
    /// False where the file system has no locks.
    locked: bool,
    /// We made the file, and it holds no text yet.
    unfinished: bool,
}

impl<'a> LockedFile<'a> {
    fn lock(
        file: File,
        path: &'a Path,
        unfinished: bool,
        wait: &Wait,
    ) -> Result<LockedFile<'a>, WriteProblem> {
        let locked = loop {
            match file.try_lock() {
                Ok(()) => break true,
                Err(TryLockError::WouldBlock) => wait.pause()?,
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) if has_no_locks(&error) => break false,
                Err(TryLockError::Error(error)) => {
                    return Err(WriteProblem::when("cannot be locked")(error));
                }
            }
        };
        Ok(LockedFile {
            file,
            path,
            locked,
            unfinished,
        })
    }
}

impl Drop for LockedFile<'_> {
    fn drop(&mut self) {
        if self.unfinished
            && let Ok(meta) = self.file.metadata()
            && meta.len() == 0
            && is_at(self.path, &meta).unwrap_or(false)
        {
            let _ = fs::remove_file(self.path);
        }
        // Closing is not enough: a process that another thread forked meanwhile
        // has inherited the descriptor, and the lock would last as long as it.
        let _ = self.file.unlock();
    }
}

/// What file systems answer that know no locks, and NFS without its daemon.
fn has_no_locks(error: &io::Error) -> bool {
    let unsupported = [libc::ENOLCK, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
    error
        .raw_os_error()
        .is_some_and(|code| unsupported.contains(&code))
}

/// How long we may still wait, and whether anyone still wants us to.
struct Wait<'a> {
    since: Instant,
    cancel: Cancel<'a>,
}

impl Wait<'_> {
    fn check_cancelled(&self) -> Result<(), WriteProblem> {
        if (self.cancel)() {
            Err(WriteProblem::Cancelled)
        } else if self.since.elapsed() >= PATIENCE {
            Err(WriteProblem::Locked(PATIENCE.as_secs()))
        } else {
            Ok(())
        }
    }

    fn pause(&self) -> Result<(), WriteProblem> {
        self.check_cancelled()?;
        let pause = self.since.elapsed() / 16;
        std::thread::sleep(pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
        Ok(())
    }
}
