//! Invalid variables and settings, other than a key or the server.

use crate::config::context::Context;
use crate::config::source_problem::SourceProblem;
use crate::finding::Finding;

/// The invalid values for which a login fails, in the order in which it reads them.
pub(super) fn stopping(context: &Context) -> Vec<Finding> {
    findings([
        context.verbosity().err(),
        context.mode().err(),
        context.relogin().err(),
        context.entity().err(),
    ])
}

/// The invalid values for which only a prompt or a request fails.
pub(super) fn others(context: &Context) -> Vec<Finding> {
    findings([
        context.force().err(),
        context.prompt_timeout().err(),
        context.http_timeout().err(),
    ])
}

fn findings<const N: usize>(problems: [Option<SourceProblem>; N]) -> Vec<Finding> {
    let problems = problems.into_iter().flatten();
    problems
        .map(|problem| problem.finding.printable())
        .collect()
}
