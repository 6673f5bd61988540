//! The W&B servers in a netrc file: for a report, those other than the one in use; for
//! a logout, all.

use std::collections::HashSet;

use super::scan::{Event, Kind, Scanner};
use super::token::Token;
use super::{IsKey, Names, Naming, dialect_of, line_of, shown};
use crate::util::lines::is_utf16;

/// A machine with a key, and the line of its entry.
pub(crate) struct OtherServer {
    /// For a message.
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

/// The first entries of other servers.
pub(crate) fn other_servers(text: &[u8], names: &Names, is_key: IsKey) -> Vec<OtherServer> {
    let mut found = Vec::new();
    visit(text, is_key, &mut |entry| {
        if Naming::of(&entry.machine, text, names).is_none() {
            // Counting lines takes a pass over the file, so only a find is located.
            found.push(OtherServer {
                machine: shown(&entry.machine.unescape(text)),
                line: line_of(text, entry.start),
            });
        }
        found.len() < MAX
    });
    found
}

/// The line of the first entry of a server.
pub(crate) fn first_line(text: &[u8], is_key: IsKey) -> Option<usize> {
    let mut first = None;
    visit(text, is_key, &mut |entry| {
        first = Some(line_of(text, entry.start));
        false
    });
    first
}

/// Each machine with a key of a server, once, as the file names it.
pub(crate) fn servers(text: &[u8], is_key: IsKey) -> Vec<String> {
    let mut known = HashSet::new();
    let mut found = Vec::new();
    visit(text, is_key, &mut |entry| {
        // No server has a name that is not UTF-8.
        if let Ok(machine) = String::from_utf8(entry.machine.unescape(text).to_vec())
            && known.insert(machine.clone())
        {
            found.push(machine);
        }
        true
    });
    found
}

/// Visits the entries in the form that W&B's clients write: the login is `user`, and the
/// password is a key. Stops when `next` returns false.
fn visit(text: &[u8], is_key: IsKey, next: &mut dyn FnMut(&Entry) -> bool) {
    if is_utf16(text) {
        return;
    }
    let mut scanner = Scanner::new(text, dialect_of(text).0);
    let mut entry: Option<Entry> = None;
    while let Ok(Some(item)) = scanner.next() {
        match (item.event, &mut entry) {
            (Event::Machine, _) => {
                entry = Some(Entry {
                    start: item.keyword.start,
                    machine: *item.value,
                    is_wandb: false,
                });
            }
            (Event::Field(Kind::Login), Some(entry)) => {
                entry.is_wandb = item.value.is(text, b"user");
            }
            (Event::Field(Kind::Password), Some(found))
                if found.is_wandb && is_key(&item.value.unescape(text)) =>
            {
                if !next(found) {
                    return;
                }
                entry = None;
            }
            (Event::Default | Event::Macro { .. }, _) => entry = None,
            _ => {}
        }
    }
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
        let all = servers(format!("{text}{text}").as_bytes(), ApiKey::is_key);
        assert_eq!(all, ["api.wandb.ai", "c.example"]);
        let from_second = text.split_once('\n').unwrap().1.as_bytes();
        assert_eq!(first_line(from_second, ApiKey::is_key), Some(3));
        assert_eq!(first_line(b"machine x password y\n", ApiKey::is_key), None);
    }
}
