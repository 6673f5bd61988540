//! Changing a file of the user's, and passing on what there is to say about it.

use std::path::Path;

use crate::config::context::Context;
use crate::files::{self, Target, Updated, WriteProblem};
use crate::util::secret::WipedBytes;

/// Why something was not written, with the path in front.
pub(crate) type Unsaved = String;

/// What to make where the file is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    File,
    /// With the directories that lead to it.
    Folders,
    /// The same, before the edit is asked: others wait for what it does.
    FoldersFirst,
}

/// Changes a file of the user's, and passes on what there is to say about it.
pub(crate) fn update(
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
        home: home.as_deref(),
    };
    let shown = context.shown(path);
    let updated = files::update(&target, edit, &|| context.cancelled())
        .map_err(|problem: WriteProblem| format!("{shown} {problem}"))?;
    // What there is to say is about the file itself, behind any links.
    let shown = context.shown(&updated.path);
    for note in &updated.notes {
        context.log.warn(&format!("{shown} {note}"));
    }
    Ok(updated)
}
