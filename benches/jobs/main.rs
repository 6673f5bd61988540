//! `cargo bench --bench jobs`: how long a job of many processes takes until each has its
//! session, what it looks up in a slow home, and what it asks the server.
//!
//! The home is on this machine; a library for `LD_PRELOAD`, `c/slow_home.c`, makes each
//! look-up in it take 1 ms more. The server is a stub on 127.0.0.1.
//!
//! With `WANDB_LOGIN_UPDATE_JOBS=1` the tables in `BENCHMARKS.md` are rewritten.

#![allow(unreachable_pub)] // a program, whose modules export to each other
#![allow(dead_code)] // it uses a part of the modules of `cargo bench`

#[path = "../table/built.rs"]
mod built;
mod job;
#[path = "../table/measure.rs"]
mod measure;
#[path = "../table/page.rs"]
mod page;
#[path = "../table/row.rs"]
mod row;
#[path = "../../tests/support/stub.rs"]
mod stub;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::Duration;

use built::Built;
use job::{Credential, Figures, Programs, Scene, Way};
use measure::{Pair, rounds};
use page::{markdown, replace_between_marks, setting};
use row::{Goal, Row, Unit, show};

/// How long a look-up in the home takes.
const DELAY: Duration = Duration::from_millis(1);
const PROCESSES: [usize; 3] = [64, 256, 1024];
const RANKS: [usize; 2] = [64, 128];
/// How many jobs of each size the goal for MPI is the median of.
const ROUNDS: usize = 5;

const HEAD: [&str; 7] = [
    "job",
    "until the last session",
    "longest call",
    "look-ups",
    "verified logins",
    "exchanges",
    "bytes sent",
];

/// A job with both its runs: cold and warm.
struct Measured {
    name: String,
    runs: [Figures; 2],
}

impl Measured {
    fn cells(&self) -> Vec<String> {
        let both = |text: &dyn Fn(&Figures) -> String| {
            let [cold, warm] = self.runs.each_ref().map(text);
            match cold == warm {
                true => cold,
                false => format!("{cold}, {warm}"),
            }
        };
        vec![
            self.name.clone(),
            both(&|run| show(run.ns, Unit::Time)),
            both(&|run| show(run.own_ns, Unit::Time)),
            both(&|run| run.lookups.to_string()),
            both(&|run| run.verified.to_string()),
            both(&|run| run.exchanged.to_string()),
            both(&|run| run.bytes.to_string()),
        ]
    }
}

struct Bench {
    programs: Programs,
    jobs: Vec<Measured>,
}

fn name(way: Way, count: usize, credential: Credential) -> String {
    let what = match way {
        Way::Alone => "processes, each alone",
        Way::Pipe => "processes, one session over pipes",
        Way::Mpi => "ranks, `wandb_login_mpi`",
        Way::Sdk(_) => "processes, each with the SDK",
    };
    let with = match credential {
        Credential::Key => "API key",
        Credential::IdentityToken => "identity token",
    };
    format!("{count} {what}; {with}")
}

fn row(
    work: impl Into<String>,
    against: &'static str,
    unit: Unit,
    goal: Goal,
    figures: row::Figures,
) -> Row {
    Row {
        work: work.into(),
        against,
        unit,
        goal,
        figures,
    }
}

impl Bench {
    /// Runs a job, cold and warm.
    fn job(&mut self, way: Way, count: usize, credential: Credential) -> [Figures; 2] {
        let scene = Scene::new(&self.programs, credential, DELAY);
        let job = Measured {
            name: name(way, count, credential),
            runs: scene.cold_and_warm(way, count),
        };
        eprintln!("{}", job.cells().join(" | "));
        let runs = job.runs;
        self.jobs.push(job);
        runs
    }

    /// Runs all jobs. Returns the rows about what they have to reach.
    fn goals(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for credential in [Credential::Key, Credential::IdentityToken] {
            for way in [Way::Alone, Way::Pipe] {
                for count in PROCESSES {
                    self.job(way, count, credential);
                }
            }
            if self.programs.has_mpi() {
                let lookups = RANKS.map(|ranks| self.job(Way::Mpi, ranks, credential)[0].lookups);
                let [few, many] = lookups.map(|lookups| lookups as f64);
                let work = format!("look-ups of {}", name(Way::Mpi, RANKS[1], credential));
                let pair = row::Figures::Both(Pair::of(many, few));
                rows.push(row(work, "64 ranks", Unit::Count, Goal::Times(1.0), pair));
            }
        }
        if self.programs.has_mpi() {
            rows.push(self.longest_call());
        }
        if let Some(python) = support::sdk_python() {
            for credential in [Credential::Key, Credential::IdentityToken] {
                rows.extend(self.beside_the_sdk(&python, credential));
            }
        }
        rows.extend(self.requests());
        rows
    }

    /// The call on the slowest rank, by the number of ranks.
    fn longest_call(&self) -> Row {
        let scene = Scene::new(&self.programs, Credential::Key, DELAY);
        let longest = |ranks| [scene.run(Way::Mpi, ranks).own_ns];
        let [pair] = rounds(ROUNDS, || longest(RANKS[1]), || longest(RANKS[0]));
        let work = format!(
            "longest call of {}",
            name(Way::Mpi, RANKS[1], Credential::Key)
        );
        let pair = row::Figures::Both(pair);
        row(work, "64 ranks", Unit::Time, Goal::Times(1.5), pair)
    }

    /// The cold job of single processes, with the library and with the SDK.
    fn beside_the_sdk(&mut self, python: &Path, credential: Credential) -> [Row; 3] {
        let count = PROCESSES[0];
        let [theirs, _] = self.job(Way::Sdk(python), count, credential);
        let work = name(Way::Alone, count, credential);
        let ours = self.jobs.iter().find(|job| job.name == work);
        let ours = ours.expect("it was measured").runs[0];
        let stated = |work: String, unit, figure: fn(Figures) -> f64| {
            let pair = row::Figures::Both(Pair::of(figure(ours), figure(theirs)));
            row(work, "the SDK", unit, Goal::Stated, pair)
        };
        [
            stated(work, Unit::Time, |run| run.ns),
            stated("– look-ups".to_owned(), Unit::Count, |run| {
                run.lookups as f64
            }),
            stated("– requests".to_owned(), Unit::Count, |run| {
                run.requests as f64
            }),
        ]
    }

    /// The most requests of a job with this library.
    fn requests(&self) -> [Row; 2] {
        let ours = self.jobs.iter().filter(|job| !job.name.contains("the SDK"));
        let runs: Vec<Figures> = ours.flat_map(|job| job.runs).collect();
        let most = |count: fn(&Figures) -> usize| {
            let most = runs.iter().map(count).max().unwrap_or_default();
            row::Figures::Ours(most as f64)
        };
        [
            ("most verified logins of a job", most(|run| run.verified)),
            ("most exchanges of a job", most(|run| run.exchanged)),
        ]
        .map(|(work, figures)| row(work, "", Unit::Count, Goal::AtMost(1.0), figures))
    }
}

fn main() {
    // `cargo test --benches` starts this too: it has nothing to test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let update = std::env::var_os("WANDB_LOGIN_UPDATE_JOBS").is_some_and(|value| value == "1");
    let built = Built::shared();
    let library = built.path("libwandb_login.so");
    let mut bench = Bench {
        programs: Programs::new(library.parent().expect("its folder")),
        jobs: Vec::new(),
    };
    let goals = bench.goals();
    let jobs = markdown(&HEAD, bench.jobs.iter().map(Measured::cells));
    let goals = markdown(&row::HEAD, goals.iter().map(|row| row.cells().to_vec()));
    let text = format!("{}\n\n{jobs}\n{goals}", setting());
    println!("{text}");
    if update {
        replace_between_marks("BENCHMARKS.md", "jobs", &text);
    }
}
