//! The rows, in the order of the table.

mod released;

use std::fs;
use std::process::Command;

use crate::built::{Built, crates, source_folder};
use crate::measure::{
    Pair, allocations, alone, instructions, number, numbers, peak_heap, rounds, system_calls, trace,
};
use crate::row::{Figures, Goal, Row, Unit};
use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, sdk_python};
use crate::work::{self, MANY, TlsServer};

const KIB: f64 = 1024.0;
const MS: f64 = 1e6;

const FLOOR: &str = "C, the same system calls";
const NO_STRACE: &str = "no strace";
const NO_VALGRIND: &str = "no valgrind";
const NO_CURL: &str = "no libcurl headers";
const NO_SDK: &str = "no wandb 0.31.0";

pub struct Bench {
    built: Built,
    rows: Vec<Row>,
}

fn pair(pair: Pair) -> Figures {
    Figures::Both(pair)
}

/// Two counts that a tool gives, if it is there.
fn counts(ours: Option<f64>, theirs: Option<f64>, missing: &'static str) -> Figures {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => pair(Pair::of(ours, theirs)),
        _ => Figures::Missing(missing),
    }
}

fn count(ours: Option<f64>, missing: &'static str) -> Figures {
    ours.map_or(Figures::Missing(missing), Figures::Ours)
}

impl Bench {
    pub fn new(built: Built) -> Bench {
        Bench {
            built,
            rows: Vec::new(),
        }
    }

    pub fn rows(mut self) -> Vec<Row> {
        self.key_in_environment();
        self.renewer();
        self.small_netrc();
        self.large_netrc();
        self.store();
        self.process();
        self.loading();
        self.verified();
        self.unverified();
        self.at_once();
        self.sizes();
        self.released();
        self.rows
    }

    fn add(
        &mut self,
        work: impl Into<String>,
        against: &'static str,
        unit: Unit,
        goal: Goal,
        figures: Figures,
    ) {
        let row = Row {
            work: work.into(),
            against,
            unit,
            goal,
            figures,
        };
        eprintln!("{}", row.cells().join(" | "));
        self.rows.push(row);
    }

    fn program(&self, home: &Home, name: &str, arguments: &[&str]) -> Command {
        self.built.program(home, name, arguments)
    }

    /// Starts one program, whose own time and memory count.
    fn launch(&self, command: &Command) -> [f64; 2] {
        let mut launch = Command::new(self.built.path("launch"));
        launch
            .arg("1")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                launch.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            launch.current_dir(folder);
        }
        let [ns, kib] = numbers(&mut launch);
        [ns, kib * KIB]
    }

    fn key_in_environment(&mut self) {
        let home = work::home(3);
        let check = |times, names_server| self.built.check_variable(&home, times, names_server);
        let time = alone(21, || number(&mut check(100_000, true)));
        let calls = system_calls(|times| check(times, true));
        let memory = allocations(|times| check(times, true));
        let code = instructions(|times| check(times, true));
        let settings = system_calls(|times| check(times, false));
        let work = "`wandb_is_apikey_configured`, key and server in the environment";
        self.add(
            work,
            "",
            Unit::Time,
            Goal::AtMost(1000.0),
            Figures::Ours(time),
        );
        let calls = count(calls, NO_STRACE);
        self.add("– system calls", "", Unit::Count, Goal::AtMost(0.0), calls);
        let memory = count(memory, NO_VALGRIND);
        self.add("– allocations", "", Unit::Count, Goal::AtMost(5.0), memory);
        let code = count(code, NO_VALGRIND);
        self.add("– instructions", "", Unit::Count, Goal::Stated, code);
        let work = "– system calls where the settings files must say which server";
        self.add(
            work,
            "",
            Unit::Count,
            Goal::Stated,
            count(settings, NO_STRACE),
        );
    }

    /// The authorization that is valid now, where nothing is to be renewed.
    fn renewer(&mut self) {
        let home = work::home(3);
        let ours = |times: usize| self.program(&home, "renewer", &[&times.to_string()]);
        let alone = |name| [number(&mut self.program(&home, name, &["1000000"]))];
        let threads = |name| [number(&mut self.program(&home, name, &["20000", "64"]))];
        let [time] = rounds(21, || alone("renewer"), || alone("clocks"));
        let [lock] = rounds(21, || alone("renewer"), || alone("mutex"));
        let [shared] = rounds(21, || threads("renewer"), || threads("mutex"));
        let calls = count(system_calls(ours), NO_STRACE);
        let memory = count(allocations(ours), NO_VALGRIND);
        let floor = "C reads both clocks";
        let mutex = "C locks and unlocks one mutex";
        let most = Goal::AtMost;
        let work = "`wandb_login_renewer_get` and `_authorization`, nothing to renew";
        self.add(work, floor, Unit::Time, most(100.0), pair(time));
        self.add("– time", mutex, Unit::Time, most(100.0), pair(lock));
        let work = "– time in 64 threads, divided by the calls of all";
        self.add(work, mutex, Unit::Time, most(1000.0), pair(shared));
        self.add("– system calls", "", Unit::Count, most(0.0), calls);
        self.add("– allocations", "", Unit::Count, most(0.0), memory);
    }

    /// A look-up in netrc, and the floor of it.
    fn lookups<'a>(
        &'a self,
        home: &'a Home,
    ) -> (
        impl Fn(usize) -> Command + 'a,
        impl Fn(usize) -> Command + 'a,
    ) {
        let ours = |times: usize| self.program(home, "check", &[&times.to_string()]);
        let theirs = |times: usize| {
            let files = [
                "../home/.config/wandb/settings",
                "wandb/settings",
                "../home/.netrc",
            ];
            let mut command = self.program(home, "read", &[&times.to_string(), "api.wandb.ai"]);
            command.args(files);
            command
        };
        (ours, theirs)
    }

    fn small_netrc(&mut self) {
        let home = work::home(3);
        let (ours, theirs) = self.lookups(&home);
        let [time] = rounds(
            41,
            || [number(&mut ours(5000))],
            || [number(&mut theirs(5000))],
        );
        let calls = counts(system_calls(&ours), system_calls(&theirs), NO_STRACE);
        let code = counts(instructions(&ours), instructions(&theirs), NO_VALGRIND);
        let memory = counts(allocations(&ours), allocations(&theirs), NO_VALGRIND);
        drop((ours, theirs));
        let work = "key look-up in a netrc of 3 entries and two settings files";
        self.add(work, FLOOR, Unit::Time, Goal::Times(1.25), pair(time));
        self.add("– system calls", FLOOR, Unit::Count, Goal::More(3.0), calls);
        self.add(
            "– instructions of the program",
            FLOOR,
            Unit::Count,
            Goal::Stated,
            code,
        );
        self.add("– allocations", FLOOR, Unit::Count, Goal::Stated, memory);
    }

    fn large_netrc(&mut self) {
        let home = work::home(MANY);
        let larger = work::home(10 * MANY);
        let (ours, theirs) = self.lookups(&home);
        let [time] = rounds(41, || [number(&mut ours(50))], || [number(&mut theirs(50))]);
        let code = counts(instructions(&ours), instructions(&theirs), NO_VALGRIND);
        let size = |home: &Home| home.read("home/.netrc").expect("netrc").len() as f64;
        let heap = counts(peak_heap(ours(1)), Some(size(&home)), NO_VALGRIND);
        let growth = |home: &Home| instructions(&self.lookups(home).0);
        let growth = growth(&larger).zip(growth(&home)).map(|(l, s)| l / s);
        let growth = counts(growth, Some(size(&larger) / size(&home)), NO_VALGRIND);
        drop((ours, theirs));
        let work = format!("key look-up in a netrc of {MANY} entries");
        self.add(work, FLOOR, Unit::Time, Goal::Times(2.0), pair(time));
        let work = "– instructions of the program";
        self.add(work, FLOOR, Unit::Count, Goal::Stated, code);
        let most = "the file's size";
        self.add("– peak heap", most, Unit::Bytes, Goal::Times(2.0), heap);
        let work = "– instructions for ten times the entries";
        let theirs = "the files' sizes";
        self.add(work, theirs, Unit::Count, Goal::Times(1.05), growth);
        self.large_netrc_beside_others(&home);
    }

    /// The same netrc, read by others.
    fn large_netrc_beside_others(&mut self, home: &Home) {
        let netrc = home.home().join(".netrc");
        let ours = || [number(&mut self.lookups(home).0(50))];
        let theirs = || [number(&mut self.program(home, "curl_netrc", &["20"]))];
        let curl = match self.built.has_curl() {
            true => pair(rounds(15, ours, theirs)[0]),
            false => Figures::Missing(NO_CURL),
        };
        let python = || {
            let mut python = home.command("python3");
            let program = source_folder().join("python_netrc.py");
            python.arg("-B").arg(program).arg("1").arg(&netrc);
            [number(&mut python)]
        };
        let [python] = rounds(5, ours, python);
        let scan = || {
            let mut scan = self.program(home, "scan", &["200"]);
            [number(scan.arg(&netrc))]
        };
        let [scan] = rounds(15, ours, scan);
        let bytes = fs::metadata(&netrc).expect("netrc").len() as f64;
        let rate = |ns: f64| bytes / ns * 1e9;
        let rate = Pair {
            ours: rate(scan.ours),
            theirs: rate(scan.theirs),
            ratio: 1.0 / scan.ratio,
        };
        let theirs = "libcurl reads netrc";
        self.add("– time", theirs, Unit::Time, Goal::Times(0.65), curl);
        let theirs = "Python's `netrc` reads it";
        let most = Goal::Times(1.0 / 50.0);
        self.add("– time", theirs, Unit::Time, most, pair(python));
        let theirs = "`memchr` passes over the text";
        self.add(
            "– bytes per second",
            theirs,
            Unit::Rate,
            Goal::Stated,
            pair(rate),
        );
    }

    fn store(&mut self) {
        let home = work::home(3);
        let size = home.read("home/.netrc").expect("netrc").len().to_string();
        let folder = home.home();
        let folder = folder.to_str().expect("UTF-8");
        let ours = |times: usize| self.program(&home, "store", &[&times.to_string()]);
        let theirs =
            |times: usize| self.program(&home, "replace", &[&times.to_string(), folder, &size]);
        let [time] = rounds(41, || [number(&mut ours(20))], || [number(&mut theirs(20))]);
        let calls = counts(system_calls(ours), system_calls(theirs), NO_STRACE);
        let flushes = |command: Command| {
            crate::support::tool("strace")?;
            let flush = |line: &&str| line.contains("fsync(") || line.contains("fdatasync(");
            Some(trace(command).lines().filter(flush).count() as f64)
        };
        let flushes = counts(flushes(ours(1)), flushes(theirs(1)), NO_STRACE);
        let floor = "C: write a temporary file, fsync, rename, fsync";
        let work = "`wandb_login`, a new key stored in netrc";
        self.add(work, floor, Unit::Time, Goal::Times(1.2), pair(time));
        self.add(
            "– fsync of file and directory",
            floor,
            Unit::Count,
            Goal::Stated,
            flushes,
        );
        self.add("– system calls", floor, Unit::Count, Goal::Stated, calls);
    }

    fn process(&mut self) {
        let home = work::home(3);
        let (ours, theirs) = (
            self.program(&home, "login", &[]),
            self.program(&home, "nothing", &[]),
        );
        let [time, memory] = rounds(101, || self.launch(&ours), || self.launch(&theirs));
        let against = "the process without the library";
        let work = "a process that logs in from netrc";
        self.add(work, against, Unit::Time, Goal::More(MS), pair(time));
        self.add(
            "– peak memory",
            against,
            Unit::Bytes,
            Goal::More(KIB * KIB),
            pair(memory),
        );
    }

    /// Loads a library: the time and the memory that it takes.
    fn load(&self, library: &str) -> [f64; 2] {
        let [ns, kib] = numbers(Command::new(self.built.path("load")).arg(library));
        [ns, kib * KIB]
    }

    fn loading(&mut self) {
        let ours = self.built.path("libwandb_login.so");
        let ours = ours.to_str().expect("UTF-8");
        let curl = "libcurl.so.4";
        let [time, memory] = rounds(41, || self.load(ours), || self.load(curl));
        let mut traced = Command::new(self.built.path("load"));
        traced.arg(ours);
        let started = crate::support::tool("strace").map(|_| not_of_the_loader(&trace(traced)));
        let against = "libcurl with its TLS library";
        self.add(
            "`dlopen`",
            against,
            Unit::Time,
            Goal::Times(0.1),
            pair(time),
        );
        self.add(
            "– memory",
            against,
            Unit::Bytes,
            Goal::Times(0.1),
            pair(memory),
        );
        let work = "– system calls that are not the loader's own";
        self.add(
            work,
            "",
            Unit::Count,
            Goal::AtMost(0.0),
            count(started, NO_STRACE),
        );
    }

    fn verified(&mut self) {
        let tls = TlsServer::new();
        let home = &tls.home;
        let ours = tls.named_to(self.program(home, "login", &["verify"]));
        self.launch(&ours);
        // The same request, byte for byte.
        let seen = tls.stub.seen().pop().expect("the stub was asked");
        let body = String::from_utf8(seen.body).expect("JSON is UTF-8");
        let graphql = format!("{}{}", tls.url, seen.target);
        let (mut time, mut memory) = (Figures::Missing(NO_CURL), Figures::Missing(NO_CURL));
        if self.built.has_curl() {
            let theirs = self.program(home, "post", &[&graphql, &tls.pem, &body]);
            let both = rounds(41, || self.launch(&ours), || self.launch(&theirs));
            [time, memory] = both.map(Figures::Both);
        }
        let sdk = sdk_python().map_or(Figures::Missing(NO_SDK), |python| {
            let mut theirs = tls.named_to(home.command(python));
            theirs.args(["-m", "wandb", "login", "--verify", KEY_1]);
            let ours = tls.named_to(self.program(home, "login", &["verify", "key", KEY_1]));
            pair(rounds(5, || self.launch(&ours), || self.launch(&theirs))[0])
        });
        let against = "libcurl: the same request, its netrc";
        let work = "a process that logs in, verified over TLS by a local server";
        self.add(work, against, Unit::Time, Goal::Times(0.5), time);
        self.add(
            "– peak memory",
            against,
            Unit::Bytes,
            Goal::Times(1.0 / 3.0),
            memory,
        );
        let against = "`wandb login --verify KEY`";
        self.add("– time", against, Unit::Time, Goal::Times(0.01), sdk);
    }

    fn unverified(&mut self) {
        let stub = Stub::http([Reply::viewer()]);
        let home = Home::new();
        let server = |mut command: Command| {
            command.env("WANDB_BASE_URL", stub.url("127.0.0.1"));
            command
        };
        let (mut time, mut memory) = (Figures::Missing(NO_SDK), Figures::Missing(NO_SDK));
        if let Some(python) = sdk_python() {
            let mut theirs = server(home.command(python));
            theirs.args(["-m", "wandb", "login", "--no-verify", KEY_1]);
            let ours = server(self.program(&home, "login", &["key", KEY_1]));
            let fresh = |command: &Command| {
                let _ = fs::remove_file(home.home().join(".netrc"));
                self.launch(command)
            };
            let both = rounds(5, || fresh(&ours), || fresh(&theirs));
            [time, memory] = both.map(Figures::Both);
        }
        let against = "`wandb login --no-verify KEY`";
        let work = "a process that logs in with a new key, unverified";
        self.add(work, against, Unit::Time, Goal::Times(1.0 / 300.0), time);
        self.add(
            "– peak memory",
            against,
            Unit::Bytes,
            Goal::Times(1.0 / 20.0),
            memory,
        );
    }

    fn at_once(&mut self) {
        const PROCESSES: usize = 64;
        let mut lost = 0;
        let at_once = || {
            let home = Home::new();
            let mut launch = self.program(&home, "launch", &[&PROCESSES.to_string()]);
            launch
                .arg(self.built.path("login"))
                .args(["key", KEY_1, "host"]);
            let [ns, _] = numbers(&mut launch);
            let netrc = home.text("home/.netrc").unwrap_or_default();
            lost += PROCESSES - netrc.matches("machine host-").count();
            [ns]
        };
        let in_turn = || {
            let home = Home::new();
            let one = |number: usize| {
                let arguments = ["key", KEY_1, "host", &number.to_string()];
                self.launch(&self.program(&home, "login", &arguments))[0]
            };
            [(0..PROCESSES).map(one).sum()]
        };
        let [time] = rounds(5, at_once, in_turn);
        let work = format!("{PROCESSES} processes store {PROCESSES} keys at once");
        self.add(
            work,
            "one after the other",
            Unit::Time,
            Goal::Times(1.0),
            pair(time),
        );
        let lost = Figures::Ours(lost as f64);
        self.add("– keys lost", "", Unit::Count, Goal::AtMost(0.0), lost);
    }

    fn sizes(&mut self) {
        let size = |name| Figures::Ours(self.built.size(name));
        let linked = |name: &str| {
            let program = self.built.size(&format!("static_{name}"));
            Figures::Ours(program - self.built.size("static_nothing"))
        };
        let from_clean = match self.built.from_clean {
            Some(time) => Figures::Ours(time.as_nanos() as f64),
            None => Figures::Missing("not built from clean"),
        };
        let rows = [
            (
                "shared library, stripped",
                1.75e6,
                size("libwandb_login.so"),
            ),
            ("– without HTTP", 400e3, size("without_http.so")),
        ];
        let stated = [
            (
                "static library, what it adds to a program (`--gc-sections`)",
                linked("http.a"),
            ),
            ("– without HTTP", linked("without_http.a")),
        ];
        for (work, most, figures) in rows {
            self.add(work, "", Unit::Bytes, Goal::AtMost(most), figures);
        }
        for (work, figures) in stated {
            self.add(work, "", Unit::Bytes, Goal::Stated, figures);
        }
        self.add("build from clean", "", Unit::Time, Goal::Stated, from_clean);
        let all = Figures::Ours(crates(&["--features", "ring"]));
        self.add("crates", "", Unit::Count, Goal::Stated, all);
        let few = Figures::Ours(crates(&[]));
        self.add("– without HTTP", "", Unit::Count, Goal::Stated, few);
    }
}

/// What happens between the loading of the library and the next thing that the
/// program does, other than what a loader does for any library.
fn not_of_the_loader(trace: &str) -> f64 {
    const LOADER: [&str; 8] = [
        "read(",
        "pread64(",
        "fstat(",
        "newfstatat(",
        "mmap(",
        "mprotect(",
        "munmap(",
        "close(",
    ];
    let library = |line: &&str| line.contains("openat(") && line.contains("libwandb_login.so");
    let lines = trace.lines().skip_while(|line| !library(line));
    let loading = lines.take_while(|line| !line.contains("/proc/self/status"));
    let own = loading.filter(|line| {
        let opens = line.contains("openat(") && (line.contains(".so") || line.contains("ld.so"));
        !opens && !LOADER.iter().any(|call| line.contains(call))
    });
    own.count() as f64
}
