//! Entries of W&B servers other than the one in use, for a report.

use super::scan::{Event, Kind, Scanner};
use super::token::Token;
use super::{IsKey, Names, Naming, dialect_of, line_of, shown};
use crate::util::lines::is_utf16;

/// A machine with a key, and the line of its entry.
pub(crate) struct OtherServer {
    pub machine: String,
    pub line: usize,
}

/// At most this many are named.
const MAX: usize = 4;

/// An entry that is being read.
struct Entry {
    start: usize,
    machine: Token,
    is_wandb: bool,
}

/// The first entries of other servers, in the form that W&B's clients write: the login
/// is `user`, and the password is a key.
pub(crate) fn other_servers(text: &[u8], names: &Names, is_key: IsKey) -> Vec<OtherServer> {
    let mut found = Vec::new();
    if is_utf16(text) {
        return found;
    }
    let mut scanner = Scanner::new(text, dialect_of(text).0);
    let mut entry: Option<Entry> = None;
    while found.len() < MAX
        && let Ok(Some(item)) = scanner.next()
    {
        match (item.event, &mut entry) {
            (Event::Machine, _) => {
                let is_other = Naming::of(item.value, text, names).is_none();
                entry = is_other.then_some(Entry {
                    start: item.keyword.start,
                    machine: *item.value,
                    is_wandb: false,
                });
            }
            (Event::Field(Kind::Login), Some(entry)) => {
                entry.is_wandb = item.value.is(text, b"user");
            }
            // Counting lines takes a pass over the file, so only a find is located.
            (Event::Field(Kind::Password), Some(other))
                if other.is_wandb && is_key(&item.value.unescape(text)) =>
            {
                found.push(OtherServer {
                    machine: shown(&other.machine.unescape(text)),
                    line: line_of(text, other.start),
                });
                entry = None;
            }
            (Event::Default | Event::Macro { .. }, _) => entry = None,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ApiKey;

    #[test]
    fn only_entries_that_look_like_those_of_other_wandb_servers_are_found() {
        let key = "1".repeat(40);
        let text = format!(
            "machine api.wandb.ai login user password {key}\n\
             machine github.com login alice password {key}\n\
             machine b.example login user password short\n\
             machine c.example\n  login user\n  password {key}\n\
             default login user password {key}\n"
        );
        let names = Names::only("api.wandb.ai");
        let found = other_servers(text.as_bytes(), &names, ApiKey::is_key);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.machine.as_str(), it.line))
            .collect();
        assert_eq!(found, [("c.example", 4)]);
    }
}
