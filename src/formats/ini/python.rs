//! Comparison with Python's configparser, on random files and on edits of them.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use super::tests::text_of;
use super::*;

const PROGRAM: &str = r#"
import configparser, io, json, sys
for line in sys.stdin.read().split():
    text = io.TextIOWrapper(io.BytesIO(bytes.fromhex(line[1:])), encoding="utf-8")
    parser = configparser.ConfigParser()
    try:
        parser.read_file(text)
        print(json.dumps(dict(parser.items("default"))))
    except configparser.NoSectionError:
        print("{}")
    except (configparser.Error, UnicodeDecodeError):
        print("null")
"#;

/// What Python reads in each text; null where it raises. `None` if there is no
/// Python, which fails a strict run.
fn ask_python(texts: &[Vec<u8>]) -> Option<Vec<Json>> {
    let spawned = Command::new("python3")
        .args(["-I", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        let strict = std::env::var_os("WANDB_LOGIN_TEST_STRICT").is_some_and(|v| v == "1");
        assert!(!strict, "python3 is needed for this test");
        eprintln!("NOT TESTED: there is no python3 to compare with");
        return None;
    };
    let mut input = String::new();
    for text in texts {
        // With a first letter, so that an empty text is not an empty line.
        input.push('x');
        input.extend(text.iter().map(|byte| format!("{byte:02x}")));
        input.push('\n');
    }
    // Python reads all of it before it answers.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Json> = answers
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(answers.len(), texts.len());
    Some(answers)
}

/// Mostly valid lines, or Python would accept hardly any file.
const LINES: &[&str] = &[
    "[default]",
    "[default]",
    "[default] x",
    "[DEFAULT]",
    "[other]",
    "[ default ]",
    "[Default]",
    "[]]",
    "[a]b]",
    "base_url = https://h",
    "base_url=https://h/a%%20b",
    "BASE_URL: http://h:80",
    "base_url",
    "base_url =",
    "api_key = k",
    "Api_Key:  k  # c",
    "a = 1",
    "b = %(a)s",
    "c = %(B)s/%%/%(c1)s",
    "c1 = x",
    "d : = : ;",
    "e = 100%",
    "f = %(nothing)s",
    "g = %(g)s",
    "h=\"q\"",
    "i j = k",
    "k\u{e9}\u{130} = \u{e9}",
    "= v",
    "nonsense",
    "# comment",
    "; comment",
    "#",
    "",
    "",
    "m = [x]",
    "[n] = 1",
    "o\u{2028}p = q\u{85}r",
    "s = \0",
    "more",
    "x = %(base_url)s/p",
    "\u{feff}",
    "t = %()s",
    "u = %(a",
    "%",
    "v =\u{a0}w\u{3000}",
    "\u{1c}y = z\u{1f}",
];
const DEPTHS: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    " ",
    "  ",
    "\t",
    "\u{a0}",
    "\u{b}",
    "    ",
    "\u{3000} ",
];
const ENDS: &[&str] = &["\n", "\n", "\n", "\n", "\r\n", "\r", "  \n", "\u{85}\n"];

/// Random files from pieces that mean something to configparser.
fn random_files(count: usize, mut seed: u64) -> Vec<Vec<u8>> {
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below
    };
    (0..count)
        .map(|_| {
            let mut text = String::new();
            if random(8) > 0 {
                text += "[default]\n";
            }
            for _ in 0..random(9) {
                text += DEPTHS[random(DEPTHS.len())];
                text += LINES[random(LINES.len())];
                text += ENDS[random(ENDS.len())];
            }
            let mut text = text.into_bytes();
            match random(40) {
                0 => text.push(0xFF),
                1 => text.truncate(text.len().saturating_sub(1)),
                2 => drop(text.splice(..0, BOM.iter().copied())),
                _ => {}
            }
            text
        })
        .collect()
}

#[test]
fn random_files_are_read_as_python_reads_them() {
    let texts = random_files(20_000, 0x9E37_79B9_7F4A_7C15);
    let Some(answers) = ask_python(&texts) else {
        return;
    };
    let mut accepted = 0;
    for (text, answer) in texts.iter().zip(&answers) {
        let shown = String::from_utf8_lossy(text);
        let document = Document::parse(text);
        let rejected = document.diagnostics().rejected_by_sdk.is_some();
        assert_eq!(
            rejected,
            answer.is_null(),
            "{shown:?}: {:?}",
            document.diagnostics().notes
        );
        let Some(values) = answer.as_object() else {
            continue;
        };
        accepted += 1;
        assert!(
            document.diagnostics().notes.is_empty(),
            "{shown:?}: {:?}",
            document.diagnostics().notes
        );
        for (key, value) in values {
            assert_eq!(
                text_of(text, key).as_deref(),
                value.as_str(),
                "{shown:?}: {key}"
            );
            assert_eq!(document.get(key).unwrap().fault, None, "{shown:?}: {key}");
        }
        for (key, _) in document.keys() {
            let key = std::str::from_utf8(key).unwrap();
            assert!(values.contains_key(key), "{shown:?}: {key}");
        }
    }
    println!("{accepted} of {} files are accepted by Python", texts.len());
    assert!(accepted > 4000, "too few files are accepted: {accepted}");
}

#[test]
fn python_reads_our_edits() {
    let url = "https://new.example:8443/a%20b";
    let texts = random_files(12_000, 0xD1B5_4A32_D192_ED03);
    let Some(before) = ask_python(&texts) else {
        return;
    };
    let good = texts
        .iter()
        .zip(before)
        .filter(|(_, answer)| answer.is_object());
    let mut edits = Vec::new();
    let mut expected = Vec::new();
    for (text, answer) in good {
        let values = answer.as_object().unwrap();
        // Not where it would put options of [DEFAULT] into effect.
        let Ok(edit) = set(text, "base_url", url) else {
            assert!(!Document::parse(text).has_default);
            continue;
        };
        assert_eq!(edit.changed, *edit.text != *text);
        assert!(!set(&edit.text, "base_url", url).unwrap().changed);
        assert_outside_untouched(text, &edit.text);
        let mut want = values.clone();
        want.insert("base_url".into(), url.into());
        edits.push(edit.text.to_vec());
        expected.push((text, want));
        // An option that another one refers to cannot be cleared.
        if let Ok(edit) = clear(text, "base_url") {
            assert_eq!(edit.changed, values.contains_key("base_url"));
            assert!(!clear(&edit.text, "base_url").unwrap().changed);
            assert_outside_untouched(text, &edit.text);
            let mut want = values.clone();
            want.remove("base_url");
            edits.push(edit.text.to_vec());
            expected.push((text, want));
        }
    }
    let after = ask_python(&edits).unwrap();
    for ((edit, got), (text, want)) in edits.iter().zip(after).zip(expected) {
        assert_reads(text, edit, got, want);
    }
    println!("{} edits read back by Python", edits.len());
    assert!(edits.len() > 4000);
}

/// Python reads `got` in an edit of `text`, and should read `want`.
fn assert_reads(text: &[u8], edit: &[u8], got: Json, mut want: serde_json::Map<String, Json>) {
    let shown = (String::from_utf8_lossy(text), String::from_utf8_lossy(edit));
    let document = Document::parse(text);
    let had_default = document.has_default;
    let Json::Object(mut got) = got else {
        // A new [default] inherits a bare % of [DEFAULT]; the edit reports it.
        assert!(!had_default, "{shown:?}");
        assert!(
            Document::parse(edit)
                .diagnostics()
                .rejected_by_sdk
                .is_some(),
            "{shown:?}"
        );
        return;
    };
    // Options that refer to it change with it.
    for user in document
        .visible()
        .filter(|o| document.refers_to(o, b"base_url"))
    {
        let key = std::str::from_utf8(&user.key).unwrap();
        got.remove(key);
        want.remove(key);
    }
    if had_default {
        assert_eq!(got, want, "{shown:?}");
    } else {
        assert_eq!(got.get("base_url"), want.get("base_url"), "{shown:?}");
    }
}

/// Every line outside the option is still there, in the same order.
/// Blank lines are not counted: where line ends are mixed, the CR of the line
/// above and the LF of the line below become one when the lines between go.
fn assert_outside_untouched(before: &[u8], after: &[u8]) {
    let kept = |text: &[u8]| -> Vec<Vec<u8>> {
        let document = Document::parse(text);
        let ours = |o: &&Opt| o.kind != SectionKind::Other && *o.key == *b"base_url";
        let ours: Vec<&Opt> = document.options.iter().filter(ours).collect();
        let all = lines(text, 0..text.len()).filter(|line| {
            let piece = &text[trim_range(text, line.start..line.end)];
            let inside = ours
                .iter()
                .any(|o| (o.start..o.rest.end).contains(&line.start));
            is_comment(piece) || !inside && !piece.is_empty()
        });
        all.map(|line| text[line.start..line.end].to_vec())
            .collect()
    };
    let (before, after) = (kept(before), kept(after));
    let mut rest = after.iter();
    for line in &before {
        assert!(
            rest.any(|kept| kept == line),
            "{:?}",
            String::from_utf8_lossy(line)
        );
    }
}
