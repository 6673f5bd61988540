//! Tests of one login for all ranks of an MPI job, and for processes that share
//! another channel.

#![cfg(unix)] // modes, signals, pseudo-terminals and shells

#[path = "../benches/jobs/job.rs"]
mod job;
#[path = "support/stub.rs"]
mod stub;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use job::{Credential, Figures, Programs, Scene, Way};
use support::{Home, KEY_1, KEY_2, Run, TempDir};

const RANKS: usize = 64;

/// A directory for the programs of a test.
struct Built {
    home: Home,
    library: TempDir,
}

impl Built {
    fn new() -> Built {
        Built {
            home: Home::new(),
            library: support::library(),
        }
    }

    /// Compiles sources, relative to the root of the repository, to a program.
    fn compile(&self, compiler: &Path, flags: &[&str], sources: &[&str], name: &str) -> PathBuf {
        let program = self.home.base().join(name);
        Run::ok(&mut self.compiler(compiler, flags, sources, &program));
        program
    }

    fn compiler(
        &self,
        compiler: &Path,
        flags: &[&str],
        sources: &[&str],
        program: &Path,
    ) -> Command {
        let root = support::root();
        let mut command = self.home.command(compiler);
        command
            .args(flags)
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
        command.arg("-I").arg(root.join("include"));
        command.arg("-I").arg(root.join("bindings/mpi"));
        command.args(sources.iter().map(|source| root.join(source)));
        command.arg("-o").arg(program);
        command
            .arg("-L")
            .arg(self.library.path())
            .arg("-lwandb_login");
        command.arg(format!("-Wl,-rpath,{}", self.library.path().display()));
        command
    }

    /// Runs a program on more ranks than there are processors.
    fn mpirun(&self, ranks: usize, program: &Path, arguments: &[&str]) -> Command {
        let mut command = self.home.command("mpirun");
        command
            .env("TMPDIR", self.home.base())
            .envs(support::MPI_VARIABLES)
            .args(["-np", &ranks.to_string()])
            .arg(program)
            .args(arguments);
        command
    }

    /// Creates a home directory for every rank of a case.
    fn homes(&self, case: &str, ranks: usize) {
        for rank in 0..ranks {
            let home = self
                .home
                .base()
                .join("homes")
                .join(case)
                .join(rank.to_string());
            fs::create_dir_all(home).expect("a home for each rank");
        }
    }
}

/// Returns mpicc; `None`, with a message, if a tool is not installed.
fn tools() -> Option<PathBuf> {
    support::tool("mpirun")?;
    support::tool("mpicc")
}

fn netrc(key: &str) -> String {
    format!("machine api.wandb.ai\n  login user\n  password {key}\n")
}

/// The hash of a key that `tests/mpi/ranks.c` prints.
fn hash(text: &str) -> String {
    let sum = text.bytes().fold(2_166_136_261_u32, |sum, byte| {
        (sum ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    format!("{sum:08x}")
}

const KEY_4: &str = support::KEY_4;

/// With each result of a login, 64 ranks get the same status, session or message, and
/// only the home directory of rank 0 is written.
#[test]
fn all_ranks_get_the_result_of_rank_0() {
    let Some(mpicc) = tools() else { return };
    let built = Built::new();
    let program = built.compile(
        &mpicc,
        &[
            "-std=c99",
            "-DWANDB_LOGIN_MPI_TIMEOUT_MS=700",
            "-Wl,--wrap=wandb_login_session_import",
        ],
        &["tests/mpi/ranks.c", "bindings/mpi/wandb_login_mpi.c"],
        "ranks",
    );
    let cases = [
        "netrc",
        "malformed",
        "offline",
        "explicit",
        "prompt",
        "stale",
        "way",
        "host",
        "cut",
        "late",
        "cancel",
        "struct",
        "split",
        "stranger",
        "broken",
        "none", // and once more at the end, with all defaults
    ];
    for case in cases {
        built.homes(case, RANKS);
    }
    for case in ["netrc", "split", "stranger", "broken"] {
        built
            .home
            .write(&format!("homes/{case}/0/.netrc"), netrc(KEY_1));
        built
            .home
            .write(&format!("homes/{case}/1/.netrc"), netrc(KEY_2));
    }
    built.home.write("homes/malformed/0/.netrc", netrc("short"));
    built.home.write("homes/malformed/1/.netrc", netrc(KEY_2));
    let fifo = built.home.base().join("homes/fifo");
    Run::ok(built.home.command("mkfifo").arg(&fifo));

    let homes = built.home.base().join("homes");
    let mut arguments = vec![homes.to_str().expect("a plain path")];
    arguments.extend(cases);
    let run = Run::ok(&mut built.mpirun(RANKS, &program, &arguments));

    let none = format!("- - 0 unsaved {0} {0} environ 00000000 backend 0", hash(""));
    let path = |case: &str| format!("{}/{case}/0/.netrc", homes.display());
    let line = |case: &str| {
        let start = format!("{case}: ");
        let mut lines = run
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix(start.as_str()));
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("{case} is missing in {}", run.stdout));
        // In a split job each half has its own rank 0 and result.
        assert!(
            case == "split" || lines.next().is_none(),
            "{case} differs:\n{}",
            run.stdout
        );
        line.to_string()
    };
    let logged_in = |case: &str, source: &str, key: &str| {
        let line = line(case);
        let start = format!("0 [] https://api.wandb.ai {source} saved {} ", hash(key));
        assert!(line.starts_with(&start), "{case}: {line}");
        let environ = hash(&format!("WANDB_API_KEY={key}"));
        assert!(
            line.contains(&format!(" environ {environ} backend 1 (")),
            "{case}: {line}"
        );
    };
    let failed = |case: &str, start: &str| {
        let line = line(case);
        assert!(line.starts_with(start), "{case}: {line}");
        assert!(line.contains(&format!("] {none} (")), "{case}: {line}");
    };

    logged_in("netrc", &format!("{} 7", path("netrc")), KEY_1);
    logged_in("explicit", "- 1", KEY_4);
    logged_in("stale", "- 1", KEY_4);
    logged_in("prompt", "- 8", KEY_4);
    let way = "backend 1 by http://u:p@proxy.example:80, /ca.pem, X-Wandb-Username: ada (";
    assert!(line("way").contains(way), "{}", line("way"));
    failed(
        "malformed",
        &format!("-2 [{} line 1 is invalid: API key must", path("malformed")),
    );
    failed("offline", "1 [W&B is offline or disabled]");
    failed("none", "2 [No API key configured for https://api.wandb.ai");
    failed("host", "-1 [host: A server address must begin with");
    failed("cut", "-2 [WANDB_MODE is ']");
    failed(
        "late",
        "-5 [the login of rank 0 timed out after 0.7 seconds]",
    );
    failed("cancel", "-11 [cancelled by the program]");
    failed("struct", "-1 [not blanked]"); // nothing in such a struct can be believed
    failed(
        "stranger",
        "-99 [rank 63 cannot import the session of rank 0;",
    );
    failed("broken", "-4 [MPI_ERR_OTHER");

    // Two communicators: the even ranks get the key of rank 0, the odd ones that of
    // rank 1.
    let split: Vec<_> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("split: "))
        .collect();
    assert_eq!(split.len(), 1 + RANKS / 2, "{}", run.stdout);
    for line in split {
        let key = if line.contains("DIFFERENT") {
            KEY_2
        } else {
            KEY_1
        };
        assert!(line.contains(&format!(" saved {} ", hash(key))), "{line}");
    }

    for words in [
        "MPI_COMM_NULL: -1 [comm must not be MPI_COMM_NULL]\n",
        "intercommunicator: -1 [comm must not be an intercommunicator]\n",
        "after MPI_Finalize: -1 [MPI is not running: call MPI_Init first]\n",
    ] {
        assert!(
            run.stdout.contains(words),
            "{words} is missing in {}",
            run.stdout
        );
    }
    assert!(!run.stdout.contains("defaults:"), "{}", run.stdout);
    for key in [KEY_1, KEY_2, KEY_4] {
        assert!(
            !run.stdout.contains(key) && !run.stderr.contains(key),
            "a key is shown"
        );
    }

    // The home directories contain the new keys of rank 0, and the old files.
    for case in cases {
        for rank in 0..RANKS {
            let expected = match (case, rank) {
                ("explicit" | "stale" | "way" | "prompt", 0) => Some(netrc(KEY_4)),
                ("netrc" | "split" | "stranger" | "broken", 0) => Some(netrc(KEY_1)),
                ("malformed", 0) => Some(netrc("short")),
                ("netrc" | "split" | "stranger" | "broken" | "malformed", 1) => Some(netrc(KEY_2)),
                _ => None,
            };
            let home = homes.join(case).join(rank.to_string());
            let files: Vec<_> = fs::read_dir(&home).expect("a home").flatten().collect();
            assert_eq!(
                files.len(),
                usize::from(expected.is_some()),
                "{}",
                home.display()
            );
            assert_eq!(
                built.home.text(&format!("homes/{case}/{rank}/.netrc")),
                expected
            );
        }
    }
}

/// Before MPI_Init the call is an error; a job of one rank works.
#[test]
fn before_mpi_init_and_with_one_rank() {
    let Some(mpicc) = tools() else { return };
    let built = Built::new();
    let program = built.compile(
        &mpicc,
        &["-std=c99", "-Wl,--wrap=wandb_login_session_import"],
        &["tests/mpi/ranks.c", "bindings/mpi/wandb_login_mpi.c"],
        "ranks",
    );
    let run = Run::ok(built.home.command(&program).arg("no-mpi"));
    assert_eq!(
        run.stdout,
        "before MPI_Init: -1 [MPI is not running: call MPI_Init first]\n"
    );
    built.homes("explicit", 1);
    built.homes("none", 1);
    let homes = built.home.base().join("homes");
    let homes = homes.to_str().expect("a plain path");
    let run = Run::ok(&mut built.mpirun(1, &program, &[homes, "explicit", "none"]));
    assert!(
        run.stdout
            .starts_with("explicit: 0 [] https://api.wandb.ai - 1 saved"),
        "{}",
        run.stdout
    );
    assert_eq!(
        built.home.text("homes/explicit/0/.netrc"),
        Some(netrc(KEY_4))
    );
}

#[test]
fn source_and_header_compile_as_cpp() {
    let Some(mpicxx) = tools().and_then(|_| support::tool("mpicxx")) else {
        return;
    };
    let built = Built::new();
    let program = built.compile(
        &mpicxx,
        &["-std=c++17", "-DOMPI_SKIP_MPICXX"],
        &["tests/mpi/header.cpp", "bindings/mpi/wandb_login_mpi.c"],
        "cpp",
    );
    Run::ok(&mut built.mpirun(2, &program, &[]));
}

/// The compiler reports a header of another major version. Every rank reports a library
/// that is older than the header.
#[test]
fn a_library_of_another_version_is_reported() {
    let Some(mpicc) = tools() else { return };
    let built = Built::new();
    let header = fs::read_to_string(support::root().join("include/wandb_login.h"));
    let header = header.expect("the header");
    let number = "#define WANDB_LOGIN_VERSION_NUMBER 200\n";
    assert!(header.contains(number), "the number has changed");
    let program = built.home.base().join("train");
    let with_number = |other: u32| {
        let changed = format!("#define WANDB_LOGIN_VERSION_NUMBER {other}\n");
        let path = format!("include-{other}/wandb_login.h");
        built.home.write(&path, header.replace(number, &changed));
        let folder = built.home.base().join(format!("include-{other}"));
        Run::of(&mut built.compiler(
            &mpicc,
            &["-std=c99", &format!("-I{}", folder.display())],
            &["tests/mpi/renew.c", "bindings/mpi/wandb_login_mpi.c"],
            &program,
        ))
    };
    let other_abi = with_number(10_000);
    assert!(
        other_abi.stderr.contains("are of different versions"),
        "{}",
        other_abi.stderr
    );
    assert_eq!(with_number(300).code, Some(0));
    let run = Run::of(&mut built.mpirun(4, &program, &[]));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("but libwandb_login 0.2.0 is loaded"),
        "{}",
        run.stderr
    );
}

/// Renewing an API key changes nothing; a call without a renewer is the same error on all
/// ranks, which keep their sessions. Only rank 0 logs.
#[test]
fn all_ranks_renew_together() {
    let Some(mpicc) = tools() else { return };
    let built = Built::new();
    let sources = ["tests/mpi/renew.c", "bindings/mpi/wandb_login_mpi.c"];
    let program = built.compile(&mpicc, &["-std=c99"], &sources, "renew");
    built.home.write("home/.netrc", netrc(KEY_1));
    let run = Run::ok(&mut built.mpirun(4, &program, &[]));
    let mut lines: Vec<_> = run.stdout.lines().collect();
    lines.sort_unstable();
    let without = "-1 [rank 0 must pass a session and its renewer]";
    let expected = [0, 1, 2, 3].map(|rank| {
        let logged = u8::from(rank == 0);
        format!(
            "rank {rank}: logged {logged}, renewed 0 [], without a renewer {without}, same \
             session, without a session -1 [session must not be NULL]"
        )
    });
    assert_eq!(lines, expected);

    fs::remove_file(built.home.home().join(".netrc")).expect("it was there");
    let run = Run::of(&mut built.mpirun(4, &program, &[]));
    assert_eq!(run.code, Some(1));
    let sentence = "Only rank 0 looks for a key, in its own environment and home directory.";
    assert_eq!(run.stderr.matches(sentence).count(), 4, "{}", run.stderr);
}

#[test]
fn a_session_is_transferred_over_a_pipe() {
    let Some(cc) = support::tool("cc") else {
        return;
    };
    let built = Built::new();
    let sources = ["bindings/mpi/examples/share_session.c"];
    let program = built.compile(&cc, &["-std=c99"], &sources, "share");
    built.home.write("home/.netrc", netrc(KEY_1));
    let run = Run::ok(&mut built.home.command(&program));
    for worker in 1..=3 {
        let line = format!("worker {worker}: W&B API key is configured for https://api.wandb.ai");
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
    built.home.write("home/.netrc", netrc("short"));
    let run = Run::of(&mut built.home.command(&program));
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stdout.matches(": -2: ").count(), 3, "{}", run.stdout);
    assert_eq!(
        run.stdout.matches("line 1 is invalid").count(),
        3,
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("short") && !run.stderr.contains("short"));
}

/// The requests and path look-ups of small jobs, as the benchmark `jobs` counts them.
#[test]
fn a_job_asks_the_server_once_and_reads_files_once() {
    let library = support::library();
    let programs = Programs::new(library.path());
    // Look-ups of rank 0 cold and warm, of each other process, and of rank 0 under MPI,
    // which is told its working directory. docs/large-jobs.md has these numbers.
    for (credential, exchanged, [cold, warm, other], by_mpi) in [
        (Credential::Key, [0, 0], [7, 7, 4], [7, 7]),
        (Credential::IdentityToken, [1, 0], [32, 8, 5], [30, 8]),
    ] {
        let job = |way, count| {
            let scene = Scene::new(&programs, credential, Duration::ZERO);
            let job = scene.cold_and_warm(way, count);
            assert_eq!(job.map(|run| run.verified), [1, 1], "{job:?}");
            assert_eq!(job.map(|run| run.exchanged), exchanged, "{job:?}");
            assert_eq!(
                job.map(|run| run.requests - run.exchanged),
                [1, 1],
                "{job:?}"
            );
            job
        };
        let lookups = |job: [Figures; 2]| job.map(|run| run.lookups);
        assert_eq!(lookups(job(Way::Alone, 1)), [cold, warm]);
        let alone = job(Way::Alone, 8);
        assert_eq!(alone[1].lookups, warm + 7 * other, "{alone:?}");

        // Whoever gets a session from another process looks up nothing.
        let shared = job(Way::Pipe, 8);
        assert_eq!(lookups(shared), [cold, warm], "{shared:?}");
        assert!(shared[1].bytes > 0.0, "{shared:?}");
        if programs.has_mpi() {
            let [few, many] = [2, 8].map(|ranks| job(Way::Mpi, ranks));
            assert_eq!(
                [lookups(few), lookups(many)],
                [by_mpi; 2],
                "{few:?} {many:?}"
            );
            assert_eq!(few[1].bytes, many[1].bytes, "{few:?} {many:?}");
        }
    }
}

/// The library that makes a home slow counts what strace sees.
#[test]
fn a_slow_home_counts_every_lookup() {
    if support::tool("strace").is_none() {
        return;
    }
    let library = support::library();
    let programs = Programs::new(library.path());
    let scene = Scene::new(&programs, Credential::IdentityToken, Duration::ZERO);
    let trace = library.path().join("trace");
    let member = scene.member();
    let mut traced = Command::new("strace");
    let tracer = [
        "-f",
        "-qq",
        "-y",
        "-e",
        "signal=none",
        "-e",
        "trace=%file",
        "-o",
    ];
    traced.args(tracer).arg(&trace).arg(member.get_program());
    traced.envs(
        member
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    traced.current_dir(member.get_current_dir().expect("a folder"));
    Run::ok(&mut traced);
    let trace = fs::read_to_string(trace).expect("strace writes its file");
    let home = member
        .get_current_dir()
        .and_then(Path::parent)
        .expect("its parent");
    let home = home.to_str().expect("UTF-8");
    // "7 openat(3</home>, \".netrc\", O_RDONLY) = 4": an absolute path counts by itself.
    let is_lookup = |line: &&str| {
        let Some((call, rest)) = line.split_once('"') else {
            return false;
        };
        match rest.chars().next() {
            Some('"') => false,
            Some('/') => rest.starts_with(home) && !call.contains("getcwd("),
            _ => call.contains(home),
        }
    };
    let seen: Vec<&str> = trace.lines().filter(is_lookup).collect();
    assert!(seen.len() > 10, "{trace}");
    assert_eq!(scene.lookups(), seen.len() as u64, "{}", seen.join("\n"));
}
