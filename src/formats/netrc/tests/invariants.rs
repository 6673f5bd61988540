//! Invariants of editing, on pseudo-random files.

use super::*;
use crate::formats::netrc::entries::Entries;
use crate::formats::netrc::invariants::has_foreign_login;

/// xorshift64*, the same on every machine.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        high as usize % sides
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

const HOSTS: &[&str] = &[
    "x.com",
    "x.com",
    "y.com",
    "z.com:80",
    "\"x.com\"",
    "'x.com'",
    "X.COM",
    "default",
];
const VALUES: &[&str] = &[
    "user", "user", "git", OLD, OLD, "\"q q\"", "a\\ b", "#p", "p#", "\"\"", "machine", "é",
];
const ODD: &[&str] = &[
    "#",
    "#c",
    "# c d",
    "#machine x.com login user",
    "# Machine y.com\n",
    "Machine",
    "machne y.com",
    "Password",
    "port 443",
    "\"",
    "\\",
    "\"\"",
    "foo",
    "\\#e f",
    "\"#\" g",
    "\u{feff}",
    "\\\n",
    "\\\r\n",
    "\0",
    "macdef",
    "default",
    "machine",
    "password",
];
const GAPS: &[&str] = &[
    " ", " ", "\n", "\n", "\n  ", "\t", "\n\n", " \n", "\r\n", "\r", "",
];

/// Random files of netrc tokens, some of them well formed.
pub(super) fn files(count: usize) -> Vec<Vec<u8>> {
    let mut dice = Dice::new(0x6e65_7472_6321);
    (0..count).map(|_| file(&mut dice).into_bytes()).collect()
}

fn file(dice: &mut Dice) -> String {
    let mut text = String::new();
    // Some files are well formed, some are not.
    let disorder = [0, 1, 4, 12][dice.roll(4)];
    let gaps = if dice.roll(4) == 0 { GAPS } else { &GAPS[..6] };
    for _ in 0..dice.roll(6) {
        match dice.roll(8) {
            0 => text.push_str(
                [
                    "macdef m\n foo\n\n",
                    "macdef m\n machine x.com\n\n",
                    "macdef\n\n\n",
                ][dice.roll(3)],
            ),
            1 => text.push_str(["# note\n", "#\n", "#note\n", "\n", "# two words\n"][dice.roll(5)]),
            2 if dice.roll(2) == 0 => text.push_str("default"),
            _ => {
                text.push_str("machine");
                text.push_str(dice.pick(&gaps[..4]));
                text.push_str(dice.pick(HOSTS));
            }
        }
        text.push_str(dice.pick(gaps));
        for _ in 0..dice.roll(4) {
            if dice.roll(40) < disorder {
                text.push_str(dice.pick(ODD));
                text.push_str(dice.pick(gaps));
            }
            text.push_str(dice.pick(&[
                "login",
                "user",
                "password",
                "password",
                "account",
                "\"login\"",
            ]));
            text.push_str(dice.pick(&gaps[..4]));
            text.push_str(dice.pick(VALUES));
            text.push_str(dice.pick(gaps));
            if dice.roll(6) == 0 {
                text.push_str(["# a b\n", "#c\n", "#machine x.com\n", "#"][dice.roll(4)]);
            }
        }
    }
    if dice.roll(8) == 0 {
        text.push_str(
            [
                "\\",
                "\"",
                "password",
                "login \"",
                "#\\",
                "macdef m\n foo\n",
                "macdef",
            ][dice.roll(7)],
        );
    }
    text
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}

#[test]
fn editing_keeps_its_invariants() {
    let names = names("x.com");
    for file in files(8_000) {
        let shown = String::from_utf8_lossy(&file).into_owned();
        let once = store(&file, &names, NEW.as_bytes(), is_key, BareHost::Follow);
        // If another tool's entry ends in an open token, nothing can follow it.
        assert!(
            once.is_ok() || has_foreign_login(&file, &names, is_key),
            "{shown:?}"
        );
        if let Ok(once) = once {
            let after = String::from_utf8_lossy(&once.text).into_owned();
            let key = key_of(&once.text, &names);
            assert_eq!(key.as_deref(), Some(NEW), "{shown:?} became {after:?}");
            let twice = stored(&once.text, &names);
            // Where CPython refuses the file, removing a duplicate can change which
            // line is ignored; the key is found nevertheless.
            let same = !twice.changed && twice.text == once.text;
            assert!(
                same || once.sdk_error.is_some(),
                "{shown:?} became {after:?}"
            );
            assert_eq!(
                key_of(&twice.text, &names).as_deref(),
                Some(NEW),
                "{shown:?}"
            );
        }
        let gone = forgotten(&file, &names);
        let careful = gone
            .notes
            .iter()
            .any(|note| note.text.contains("removed the key but kept the entry"));
        assert!(careful || is_subsequence(&gone.text, &file), "{shown:?}");
        assert_eq!(gone.changed, *gone.text != *file);
        let again = forgotten(&gone.text, &names);
        let left = key_of(&gone.text, &names);
        assert!(
            left.is_none_or(|left| !is_key(left.as_bytes())),
            "{shown:?} became {:?}",
            String::from_utf8_lossy(&gone.text)
        );
        assert!(!again.changed || again.removed > 0, "{shown:?}");
    }
}

/// A log-out restores the file, except that a last line without a line end keeps
/// the one that it got.
#[test]
fn forgetting_restores_the_file() {
    let names = names("new.example:8080");
    let mut in_line = 0;
    for file in files(8_000) {
        let entries = Entries::parse(&file, &names, is_key).expect("a text");
        if entries.end.open_macro || !entries.accepted {
            continue;
        }
        let with = stored(&file, &names);
        let without = forgotten(&with.text, &names);
        let shown = String::from_utf8_lossy(&file);
        let rest = without.text.strip_prefix(file.as_slice());
        let ended = [b"\n".as_slice(), b"\r", b"\r\n"].contains(&rest.unwrap_or(b"?"));
        let restored = rest == Some(b"") || ended && !file.ends_with(b"\n");
        assert!(
            restored,
            "{shown:?} became {:?}",
            String::from_utf8_lossy(&without.text)
        );
        in_line += usize::from(with.text.windows(7).any(|window| window == b"e:8080 "));
    }
    assert!(in_line > 100, "{in_line}");
}

#[test]
fn a_new_entry_is_the_only_difference() {
    let names = names("new.example:8080");
    for file in files(8_000) {
        let edited = stored(&file, &names);
        let shown = String::from_utf8_lossy(&file);
        assert!(is_subsequence(&file, &edited.text), "{shown:?}");
        // One insertion, and nothing else changed. (A file that CPython refuses
        // rarely needs a second pass.)
        let same = file
            .iter()
            .zip(edited.text.iter())
            .take_while(|(a, b)| a == b)
            .count();
        let added = edited.text.len() - file.len();
        let fits =
            |at: usize| file[..at] == edited.text[..at] && file[at..] == edited.text[at + added..];
        let one_piece = (0..=same).rev().take(added + 1).any(fits);
        assert!(one_piece || dialect_of(&file).1.is_some(), "{shown:?}");
        assert_eq!(
            key_of(&edited.text, &names).as_deref(),
            Some(NEW),
            "{:?}",
            String::from_utf8_lossy(&file)
        );
    }
}
