//! What else the user should know: keys that disagree, and what goes before a
//! key that was just stored or forgotten.

use crate::chain::{self, Answer, Found, Place, VARIABLES};
use crate::context::Context;
use crate::endpoint::Endpoint;

/// Tells where the user's files hold another key than the one that won. The
/// SDK reads them in another order than W&B documents.
pub(crate) fn rivals(context: &Context, server: &Endpoint, winner: &Found) {
    let in_file = [
        Place::WorkspaceSettings,
        Place::SystemSettings,
        Place::Netrc,
    ];
    if !in_file.contains(&winner.place) {
        return;
    }
    let later = chain::order(context)
        .iter()
        .skip_while(|&&place| place != winner.place)
        .skip(1);
    for &place in later {
        let Answer::Found(rival) = chain::ask(context, server, place) else {
            continue;
        };
        if rival.key() == winner.key() {
            continue;
        }
        let (used, other) = (winner.shown(), rival.shown());
        if winner.place == Place::WorkspaceSettings {
            context.log.security(&format!(
                "the key of the working directory, in {used}, goes before your own in {other}"
            ));
        }
        // The SDK looks into netrc before it looks into settings files.
        if place == Place::Netrc {
            context.log.warn(&format!(
                "{used} and {other} hold different keys: the first is used, as W&B documents; the Python SDK 0.30 and later would use {other}"
            ));
        } else if winner.place == Place::Netrc {
            context.log.warn(&format!(
                "{used} and {other} hold different keys: the first is used, as by the Python SDK 0.30 and later; W&B documents the order in which {other} would be used"
            ));
        }
    }
}

/// Tells what goes before the key in netrc at the next login.
pub(crate) fn what_still_wins(context: &Context, server: &Endpoint) {
    for (_, name) in VARIABLES {
        if context.world.is_set(name) {
            context.log.warn(&format!(
                "{name} is set and goes before a stored key: unset it to use the stored one"
            ));
        }
    }
    for place in chain::order(context)
        .iter()
        .take_while(|&&place| place != Place::Netrc)
    {
        if !matches!(place, Place::WorkspaceSettings | Place::SystemSettings) {
            continue;
        }
        if let Answer::Found(found) = chain::ask(context, server, *place) {
            context.log.warn(&format!(
                "api_key in {} goes before a stored key: remove it to use the stored one",
                found.shown()
            ));
        }
    }
}
