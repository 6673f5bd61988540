//! Counts the works: what more calls of a program cost than fewer.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;

use crate::built::Built;
use crate::compare::{CALLS, Counts, LOOKUPS};
use crate::measure::{heap_of, instructions_of, trace, trace_of};
use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, Run};
use crate::work::{self, MANY, TlsServer};

/// A program that does a work as often as it is told to.
struct Work<'a> {
    name: &'static str,
    /// The command for a number of times.
    command: Box<dyn Fn(usize) -> Command + Send + 'a>,
    /// How often, in the two runs whose difference is counted. From 0 to 1: the first time
    /// in a process, where later ones may cost less.
    times: [usize; 2],
    /// System calls of these names wait for a server or a thread, or set the time limit of a
    /// wait: how many there are depends on how fast the other side is.
    not_counted: &'static [&'static str],
}

impl<'a> Work<'a> {
    fn new(
        name: &'static str,
        times: [usize; 2],
        command: impl Fn(usize) -> Command + Send + 'a,
    ) -> Work<'a> {
        Work {
            name,
            command: Box::new(command),
            times,
            not_counted: &[],
        }
    }

    /// The difference of two runs, for one of the times between them.
    fn per_time(&self, count: impl Fn(Command) -> f64) -> f64 {
        let [few, many] = self.times;
        let [less, more] = self.times.map(|times| count((self.command)(times)));
        (more - less) / (many - few) as f64
    }

    fn counts(&self) -> Counts {
        // Leaves the files that only a first run makes.
        Run::ok(&mut (self.command)(self.times[1]));
        let [few, many] = self.times;
        let [less, more] = self.times.map(|times| calls(&trace((self.command)(times))));
        let mut counts = Counts::new();
        for name in less.keys().chain(more.keys()) {
            let [less, more] = [&less, &more].map(|calls| calls.get(name).copied().unwrap_or(0.0));
            if less != more && !self.not_counted.contains(&name.as_str()) {
                let per_time = (more - less) / (many - few) as f64;
                counts.insert(format!("{CALLS}{name}"), per_time);
            }
        }
        let [instructions, lookups, allocations, bytes] = [
            self.per_time(instructions_of).round(),
            self.per_time(|command| lookups(&trace_of("%file", command))),
            self.per_time(|command| heap_of(command)[0]),
            self.per_time(|command| heap_of(command)[1]).round(),
        ];
        counts.extend([
            ("instructions".to_owned(), instructions),
            (LOOKUPS.to_owned(), lookups),
            ("allocations".to_owned(), allocations),
            ("bytes allocated".to_owned(), bytes),
        ]);
        counts
    }
}

/// The system calls of a trace, by name. Where reading the clock is a system call, it is not
/// the library that decides.
fn calls(trace: &str) -> Counts {
    let mut counts = Counts::new();
    for line in begun(trace) {
        let name = line.split('(').next().unwrap_or_default();
        if name != "clock_gettime" {
            *counts.entry(name.to_owned()).or_default() += 1.0;
        }
    }
    counts
}

/// The calls of a trace of `%file` that resolve a path, and not only a descriptor.
fn lookups(trace: &str) -> f64 {
    let calls = begun(trace).filter(|line| !line.contains("AT_EMPTY_PATH"));
    calls.count() as f64
}

/// The lines of a trace where a call begins, without the number of the process. A call that
/// another thread interrupts has a second line, such as `<... read resumed>`.
fn begun(trace: &str) -> impl Iterator<Item = &str> {
    let lines = trace.lines().filter_map(|line| line.split_once(' '));
    let lines = lines.map(|(_process, rest)| rest.trim_start());
    lines.filter(|line| !line.starts_with('<'))
}

/// The counts of all works, and of the shared library.
pub fn all() -> BTreeMap<String, Counts> {
    let built = Built::shared();
    let homes = [work::home(3), work::home(MANY), work::home(3)];
    let empty = Home::new();
    let tls = TlsServer::new();
    let stub = Stub::http([Reply::viewer()]);
    let mut works = local(&built, &homes);
    works.extend(processes(&built, &homes[0], &empty, &stub, &tls));
    let mut counts = thread::scope(|scope| {
        let started: Vec<_> = works
            .into_iter()
            .map(|work| (work.name, scope.spawn(move || work.counts())))
            .collect();
        let ended = started.into_iter().map(|(name, thread)| {
            let counts = thread
                .join()
                .unwrap_or_else(|_| panic!("{name} cannot be counted"));
            (name.to_owned(), counts)
        });
        ended.collect::<BTreeMap<_, _>>()
    });
    counts.insert("shared library, stripped".to_owned(), library(&built));
    counts
}

/// Calls of the library, each after others in the same process.
fn local<'a>(built: &'a Built, [small, large, stored]: &'a [Home; 3]) -> Vec<Work<'a>> {
    let often =
        |name, home: &'a Home| move |times: usize| built.program(home, name, &[&times.to_string()]);
    let named = "`wandb_is_apikey_configured`, key and server in the environment";
    let unnamed =
        "`wandb_is_apikey_configured`, key in the environment, server from settings files";
    let get = "`wandb_login_renewer_get` and `_authorization`, nothing to renew";
    let few = "key look-up in a netrc of 3 entries and two settings files";
    let many = "key look-up in a netrc of 10000 entries";
    let store = "`wandb_login`, a new key stored in netrc";
    vec![
        Work::new(named, [1, 1001], |times| {
            built.check_variable(small, times, true)
        }),
        Work::new(unnamed, [1, 101], |times| {
            built.check_variable(small, times, false)
        }),
        Work::new(get, [1, 1001], often("renewer", small)),
        Work::new(few, [1, 101], often("check", small)),
        Work::new(many, [1, 2], often("check", large)),
        Work::new(store, [1, 11], often("store", stored)),
    ]
}

/// What happens once in a process.
fn processes<'a>(
    built: &'a Built,
    home: &'a Home,
    empty: &'a Home,
    stub: &'a Stub,
    tls: &'a TlsServer,
) -> [Work<'a>; 4] {
    let login = |home: &Home, times: usize, more: &[&str]| {
        let mut command = built.program(home, "login", &["times", &times.to_string()]);
        command.args(more).env("WANDB_HTTP_TIMEOUT", "600"); // valgrind on a busy machine
        command
    };
    let from_netrc = move |times| login(home, times, &[]);
    let unverified = move |times| {
        let _ = fs::remove_file(empty.home().join(".netrc"));
        let mut command = login(empty, times, &["key", KEY_1]);
        command.env("WANDB_BASE_URL", stub.url("127.0.0.1"));
        command
    };
    let verified = move |times| tls.named_to(login(&tls.home, times, &["verify"]));
    let load = move |times: usize| {
        let library = ["empty.so", "libwandb_login.so"][times];
        let mut command = Command::new(built.path("load"));
        command.arg(built.path(library));
        command
    };
    let once = [0, 1];
    let mut works = [
        Work::new("a process that logs in from netrc", once, from_netrc),
        Work::new(
            "a process that logs in with a new key, unverified",
            once,
            unverified,
        ),
        Work::new(
            "a process that logs in, verified over TLS by a local server",
            once,
            verified,
        ),
        Work::new("`dlopen`", once, load),
    ];
    works[2].not_counted = &["recvfrom", "read", "poll", "ppoll", "setsockopt", "futex"];
    works
}

/// The size of the library, and how many addresses the loader has to relocate.
fn library(built: &Built) -> Counts {
    let path = built.path("libwandb_login.so");
    let mut readelf = Command::new("readelf");
    let listed = Run::ok(readelf.args(["--relocs", "--wide"]).arg(path)).stdout;
    // "Relocation section '.rela.dyn' at offset 0x2210 contains 3005 entries:"
    let sections = listed
        .lines()
        .filter_map(|line| line.split_once(" contains ")?.1.split_once(' '));
    let relocations = sections.map(|(count, _)| count.parse::<f64>().expect("a number"));
    Counts::from([
        ("bytes".to_owned(), built.size("libwandb_login.so")),
        ("relocations".to_owned(), relocations.sum()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_name() {
        let trace = "12 openat(AT_FDCWD, \"a\", O_RDONLY) = 3\n\
                     12 read(3,  <unfinished ...>\n\
                     13 clock_gettime(CLOCK_REALTIME, {}) = 0\n\
                     12 <... read resumed>\"a(b\", 5) = 5\n\
                     13 read(3, \"\", 5) = 0\n";
        let expected = [("openat", 1.0), ("read", 2.0)];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(calls(trace), Counts::from(expected));
    }

    #[test]
    fn a_call_for_a_descriptor_is_no_lookup() {
        let trace = "1 openat(AT_FDCWD, \"a\", O_RDONLY) = 3\n\
                     1 newfstatat(3, \"\", {}, AT_EMPTY_PATH) = 0\n\
                     1 <... readlink resumed>\"b\", 5) = 1\n";
        assert_eq!(lookups(trace), 1.0);
    }
}
