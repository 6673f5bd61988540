//! Changing one of the user's files, and logging what there is to say about it.

use std::path::Path;

use crate::config::context::Context;
use crate::files::{self, Target, Updated, User, WriteProblem};
use crate::finding::{Code, Finding};
use crate::log::Note;
use crate::util::secret::WipedBytes;

/// Why a file was not written, with its path in front.
pub(super) type Unsaved = String;

/// What to create if the file does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    File,
    /// The file and the directories above it.
    Folders,
    /// The file and the directories above it, before `edit` is called: other
    /// processes then wait for the lock while `edit` runs.
    FoldersFirst,
}

/// Changes a file under its lock, and logs the warnings of the file layer.
/// `edit` returns the new text, or `None` to leave the file as it is.
pub(super) fn update(
    context: &Context,
    path: &Path,
    limit: u64,
    missing: Missing,
    edit: &mut dyn FnMut(&[u8]) -> Option<WipedBytes>,
) -> std::result::Result<Updated, Unsaved> {
    let home = context.env.home();
    let target = Target {
        path,
        create_parents: missing != Missing::File,
        create_first: missing == Missing::FoldersFirst,
        limit,
        user: User::current(home.as_deref()),
    };
    let shown = context.display_path(path);
    let updated = files::update(&target, edit, &|| context.cancelled()).map_err(
        |problem: WriteProblem| match problem.remedy(&shown) {
            Some(remedy) => format!("{shown} {problem}; {remedy}"),
            None => format!("{shown} {problem}"),
        },
    )?;
    // The notes are about the file itself, behind any symbolic links.
    let shown = context.display_path(&updated.path);
    for note in &updated.notes {
        let message = format!("{shown} {note}");
        context.log.warn(Finding::new(Code::FileWritten, message));
    }
    Ok(updated)
}

/// Changes a file with an editor that can refuse a line of it. `new_text` takes
/// the new text out of what the editor returned. Returns that too, unless the
/// editor was never called.
pub(super) fn edit_text<E>(
    context: &Context,
    path: &Path,
    limit: u64,
    missing: Missing,
    edit: impl Fn(&[u8]) -> std::result::Result<E, Note>,
    new_text: impl Fn(&mut E) -> Option<WipedBytes>,
) -> std::result::Result<(Updated, Option<E>), Unsaved> {
    let mut outcome = None;
    let mut once = |text: &[u8]| new_text(outcome.insert(edit(text)).as_mut().ok()?);
    let updated = update(context, path, limit, missing, &mut once)?;
    match outcome.transpose() {
        Ok(edited) => Ok((updated, edited)),
        Err(note) => Err(located(context, path, &note)),
    }
}

/// Logs the notes about lines of a file as warnings.
pub(super) fn warn_of(context: &Context, path: &Path, notes: &[Note]) {
    for note in notes {
        let message = located(context, path, note);
        context.log.warn(Finding::new(Code::FileWritten, message));
    }
}

fn located(context: &Context, path: &Path, note: &Note) -> String {
    let path = context.display_path(path);
    match note.line {
        0 => format!("{path}: {}", note.text),
        line => format!("{path} line {line}: {}", note.text),
    }
}
