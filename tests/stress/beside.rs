//! The Python SDK stores keys without a lock: SDK processes concurrent with each
//! other and with this library.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::logins::{entries, key};
use crate::rounds;
use crate::support::{self, Home, KEY_1, Run};

/// Stores a key with the SDK's own function, as soon as it reads the key.
const SDK_ONCE: &str = "
import sys
from wandb.sdk.lib.wbauth import wbnetrc
print('ready', flush=True)
key = sys.stdin.read()
wbnetrc.write_netrc_auth(host=sys.argv[1], api_key=key)
";

/// How many machines Python reads in each netrc; -1 where it gives up.
const COUNT: &str = "
import netrc, sys
for path in sys.argv[1:]:
    try:
        print(len(netrc.netrc(path).hosts))
    except netrc.NetrcParseError:
        print(-1)
";

/// Each process waits for its key, and gets it when all have started.
fn log_in_at_once(mut children: Vec<Child>, wait: bool) {
    if wait {
        for child in &mut children {
            let mut line = String::new();
            let said = BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line);
            assert!(said.is_ok() && line == "ready\n", "{line}");
        }
    }
    for (number, child) in children.iter_mut().enumerate() {
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(key(number).as_bytes()).expect("it reads");
    }
    for child in children {
        let run = Run::from(child.wait_with_output().expect("it ends"));
        // Some SDK processes fail on the file that another one has left.
        assert!(wait || run.code == Some(0), "{}", run.stderr);
        assert!(!run.stderr.contains("not saved"), "{}", run.stderr);
    }
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// The number of entries that Python reads in each home's netrc.
fn left(python: &Path, homes: &[Home]) -> Vec<i32> {
    let home = Home::new();
    let mut command = home.command(python);
    command.args(["-c", COUNT]);
    command.args(homes.iter().map(|home| home.home().join(".netrc")));
    let counts = Run::ok(&mut command).stdout;
    counts
        .lines()
        .map(|line| line.parse().expect(line))
        .collect()
}

/// Compares logins to as many servers by the SDK and by the command line.
fn compared(python: &Path, writers: usize, rounds: usize) {
    let url = |i: usize| format!("https://server-{i}.example");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let home = Home::new();
        let child = |i| start(home.command(python).args(["-c", SDK_ONCE, &url(i)]));
        log_in_at_once((0..writers).map(child).collect(), true);
        theirs.push(home);
        let home = Home::new();
        let child = |i| start(&mut home.wandb_login(&["--key-stdin", "--host", &url(i)]));
        log_in_at_once((0..writers).map(child).collect(), false);
        let entries = entries(&home.text("home/.netrc").expect("netrc"));
        let whole = |i| entries.get(&format!("server-{i}.example")) == Some(&key(i));
        assert!(entries.len() == writers && (0..writers).all(whole));
        ours.push(home);
    }
    let (theirs, ours) = (left(python, &theirs), left(python, &ours));
    for (who, left) in [("the SDK", &theirs), ("this library", &ours)] {
        let broken = left.iter().filter(|&&count| count < 0).count();
        let read = || left.iter().filter(|&&count| count >= 0);
        eprintln!(
            "{writers} processes of {who} at once, {rounds} rounds: {} to {} entries are left, \
             and {broken} files that Python cannot read",
            read().min().unwrap_or(&0),
            read().max().unwrap_or(&0),
        );
    }
    assert!(
        ours.iter().all(|&count| count == writers as i32),
        "{ours:?}"
    );
}

#[test]
fn concurrent_logins_keep_the_entries_that_the_sdk_loses() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    // Python takes half a second to start.
    let long = rounds() >= 10;
    compared(&python, 16, if long { rounds() } else { 1 });
    if long {
        compared(&python, 64, rounds() / 10);
    }
}

/// Stores keys with the SDK's own function, one after the other.
const SDK: &str = "
import sys
from wandb.sdk.lib.wbauth import wbnetrc
first, count = int(sys.argv[1]), int(sys.argv[2])
for i in range(first, first + count):
    wbnetrc.write_netrc_auth(host=f'https://sdk-{i}.example', api_key=f'{i:040x}')
";

/// The SDK reads the file, truncates it and writes it, without a lock. It can
/// overwrite any entry, and this library cannot prevent that. But this library
/// loses no entry itself, and after the last SDK process a login finds a file
/// that it can read and adds its entry.
#[test]
fn a_login_after_concurrent_sdk_writers_is_stored() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let (writers, each) = (2, 20);
    let mut figures = [0; 4];
    for _ in 0..rounds() {
        let home = Home::new();
        let children: Vec<Child> = (0..writers)
            .map(|i| {
                let mut command = home.command(&python);
                command.args(["-c", SDK, &(i * each).to_string(), &each.to_string()]);
                command.stdout(Stdio::null()).stderr(Stdio::piped());
                command.spawn().expect("python")
            })
            .collect();
        let mut ours = 0;
        let mut running = children;
        while running
            .iter_mut()
            .any(|child| child.try_wait().expect("wait").is_none())
        {
            let run = Run::ok(&mut home.wandb_login(&[
                "--host",
                &format!("https://server-{ours}.example"),
                &key(ours),
            ]));
            ours += usize::from(!run.stderr.contains("was not saved"));
        }
        for child in running {
            child.wait_with_output().expect("it ends");
        }
        Run::ok(&mut home.wandb_login(&["--host", "https://last.example", KEY_1]));
        let text = home.text("home/.netrc").expect("netrc");
        let whole = |name: &str, i: usize| {
            text.contains(&format!(
                "machine {name}-{i}.example\n  login user\n  password {}",
                key(i)
            ))
        };
        assert!(text.contains(&format!(
            "machine last.example\n  login user\n  password {KEY_1}\n"
        )));
        figures[0] += ours;
        figures[1] += (0..ours).filter(|&i| whole("server", i)).count();
        figures[2] += writers * each;
        figures[3] += (0..writers * each).filter(|&i| whole("sdk", i)).count();
    }
    let [ours, kept, theirs, left] = figures;
    eprintln!(
        "concurrent with the SDK: {kept} of our {ours} entries are left, {left} of the SDK's {theirs}"
    );
}
