//! Invalid variables and settings for which a login fails.

use crate::config::context::Context;
use crate::finding::Finding;

/// The invalid values, other than a key or the server, for which a login fails, in the
/// order in which it reads them.
pub(super) fn values(context: &Context) -> Vec<Finding> {
    let checks = [
        context.verbosity().err(),
        context.mode().err(),
        context.relogin().err(),
        context.entity().err(),
    ];
    let problems = checks.into_iter().flatten();
    problems
        .map(|problem| problem.finding.printable())
        .collect()
}
