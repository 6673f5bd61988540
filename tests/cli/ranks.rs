//! Which process of a job acts: each launcher's variables, and real jobs.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program;
use crate::support::{Home, KEY_1, NETRC, Run};

/// Variables, and the rank that they come to with the variable that said so.
type Case = (
    &'static [(&'static str, &'static str)],
    Option<(u64, u64, &'static str)>,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Each launcher as it is.
    (&[("RANK", "3"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "4"), ("TORCHELASTIC_RUN_ID", "none")], Some((3, 8, "RANK"))),
    (&[("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2"), ("PMIX_RANK", "1")], Some((1, 2, "OMPI_COMM_WORLD_RANK"))),
    (&[("PMI_RANK", "5"), ("PMI_SIZE", "6")], Some((5, 6, "PMI_RANK"))),
    (&[("MV2_COMM_WORLD_RANK", "1"), ("MV2_COMM_WORLD_SIZE", "4")], Some((1, 4, "MV2_COMM_WORLD_RANK"))),
    (&[("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_NTASKS", "64")], Some((2, 4, "SLURM_PROCID"))),
    (&[("FLUX_TASK_RANK", "9"), ("FLUX_JOB_SIZE", "10")], Some((9, 10, "FLUX_TASK_RANK"))),
    (&[("JSM_NAMESPACE_RANK", "1"), ("JSM_NAMESPACE_SIZE", "2")], Some((1, 2, "JSM_NAMESPACE_RANK"))),
    (&[("PMIX_RANK", "1"), ("PMI_SIZE", "2")], Some((1, 2, "PMIX_RANK"))),
    (&[("PMIX_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "3")], Some((1, 3, "PMIX_RANK"))),
    (&[("PALS_RANKID", "4"), ("PMI_SIZE", "5")], Some((4, 5, "PALS_RANKID"))),
    (&[("PALS_RANKID", "4"), ("OMPI_COMM_WORLD_SIZE", "6")], Some((4, 6, "PALS_RANKID"))),
    // torchrun inside a Slurm step: the inner launcher knows the process.
    (&[("RANK", "7"), ("WORLD_SIZE", "8"), ("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "2")], Some((7, 8, "RANK"))),
    // A pair that makes no sense is passed over for the next.
    (&[("RANK", "9"), ("WORLD_SIZE", "8"), ("SLURM_PROCID", "1"), ("SLURM_STEP_NUM_TASKS", "2")], Some((1, 2, "SLURM_PROCID"))),
    (&[("RANK", "1"), ("WORLD_SIZE", "1"), ("PMI_RANK", "1"), ("PMI_SIZE", "2")], Some((1, 2, "PMI_RANK"))),
    (&[("RANK", "x"), ("WORLD_SIZE", "8"), ("PMI_RANK", "0"), ("PMI_SIZE", "2")], Some((0, 2, "PMI_RANK"))),
    // Stale: half a pair left in a shell.
    (&[("RANK", "3")], None),
    (&[("WORLD_SIZE", "8")], None),
    (&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4")], None),
    (&[("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")], None),
    // Families are not mixed.
    (&[("RANK", "3"), ("OMPI_COMM_WORLD_SIZE", "8")], None),
    (&[("SLURM_PROCID", "1"), ("WORLD_SIZE", "4")], None),
    (&[("PMI_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")], None),
    (&[("PMIX_RANK", "1"), ("SLURM_STEP_NUM_TASKS", "4")], None),
    (&[("PALS_RANKID", "1"), ("WORLD_SIZE", "4")], None),
    // One process is no job; rank and size must be what they say they are.
    (&[("RANK", "0"), ("WORLD_SIZE", "1")], None),
    (&[("RANK", "0"), ("WORLD_SIZE", "0")], None),
    (&[("RANK", "8"), ("WORLD_SIZE", "8")], None),
    (&[("RANK", "-1"), ("WORLD_SIZE", "8")], None),
    (&[("RANK", "1"), ("WORLD_SIZE", "-8")], None),
    (&[("RANK", "1.0"), ("WORLD_SIZE", "8")], None),
    (&[("RANK", "one"), ("WORLD_SIZE", "8")], None),
    (&[("RANK", "0x1"), ("WORLD_SIZE", "8")], None),
    (&[("RANK", ""), ("WORLD_SIZE", "8")], None),
    (&[("RANK", "1"), ("WORLD_SIZE", "")], None),
    (&[("RANK", "1"), ("WORLD_SIZE", "99999999999999999999999999")], None),
    (&[("RANK", "0"), ("WORLD_SIZE", "2")], Some((0, 2, "RANK"))),
    (&[("RANK", "255"), ("WORLD_SIZE", "256")], Some((255, 256, "RANK"))),
    (&[], None),
];

#[test]
fn every_launcher_is_known() {
    for (variables, expected) in CASES {
        let home = Home::new();
        let mut command = home.wandb_login(&["status", "--json"]);
        let run = Run::of(command.envs(variables.iter().copied()));
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let rank = &report["rank"];
        let found = rank["index"].as_u64().map(|index| {
            let size = rank["size"].as_u64().expect("a size");
            (index, size, rank["variable"].as_str().expect("a name"))
        });
        assert_eq!(found, *expected, "{variables:?}");
    }
}

/// In every case rank 0, and a process without a rank, stores the key.
#[test]
fn only_rank_0_stores() {
    for (variables, rank) in CASES {
        let home = Home::new();
        let mut command = home.wandb_login(&["login", "--rank-aware", KEY_1]);
        Run::ok(command.envs(variables.iter().copied()));
        let stores = rank.is_none_or(|(index, _, _)| index == 0);
        assert_eq!(home.read(NETRC).is_some(), stores, "{variables:?}");
    }
}

/// Starts all processes of a job before any is waited for.
fn job(size: usize, mut process: impl FnMut(usize) -> Command) -> Vec<Run> {
    let start = |rank: usize| {
        let mut command = process(rank);
        command
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", size.to_string());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process starts")
    };
    let children: Vec<_> = (0..size).map(start).collect();
    let wait = |child: std::process::Child| Run::from(child.wait_with_output().expect("it ends"));
    children.into_iter().map(wait).collect()
}

const SIZE: usize = 256;

/// A server that must stay alone, and how many knocked at it.
struct Lonely(TcpListener);

impl Lonely {
    fn new() -> Lonely {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("no waiting");
        Lonely(listener)
    }

    fn netloc(&self) -> String {
        self.0.local_addr().expect("an address").to_string()
    }

    fn knocks(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

fn assert_one_write(home: &Home, netloc: &str, runs: &[Run]) {
    for (rank, run) in runs.iter().enumerate() {
        assert_eq!(
            run.code,
            Some(0),
            "rank {rank}: {}{}",
            run.stdout,
            run.stderr
        );
        let wrote = run.stderr.contains("Appending key");
        assert_eq!(wrote, rank == 0, "rank {rank}: {}", run.stderr);
    }
    let expected = format!("machine {netloc}\n  login user\n  password {KEY_1}\n");
    assert_eq!(home.text(NETRC), Some(expected));
    // One file: no temporary one was left behind.
    assert_eq!(std::fs::read_dir(home.home()).expect("home").count(), 1);
}

#[test]
fn of_256_command_lines_one_writes_and_none_asks_or_calls() {
    let (home, server) = (Home::new(), Lonely::new());
    let url = format!("http://{}", server.netloc());
    let runs = job(SIZE, |_| {
        let mut command = home.wandb_login(&["--rank-aware", KEY_1]);
        command.env("WANDB_BASE_URL", &url);
        command
    });
    assert_one_write(&home, &server.netloc(), &runs);
    assert_eq!(server.knocks(), 0);
}

#[test]
fn of_256_c_programs_one_writes_and_none_asks_or_calls() {
    if !program::is_built() {
        return;
    }
    let (home, server) = (Home::new(), Lonely::new());
    let url = format!("http://{}", server.netloc());
    let runs = job(SIZE, |_| {
        let mut command = program::command(&home);
        command.env("WANDB_BASE_URL", &url);
        command.args(["login", "--one-rank", "--key", KEY_1]);
        command
    });
    assert_one_write(&home, &server.netloc(), &runs);
    assert_eq!(server.knocks(), 0);
}

/// Without a key, all but rank 0 say that it is not theirs to ask.
#[test]
fn other_ranks_never_ask() {
    let home = Home::new();
    let runs = job(8, |_| home.wandb_login(&["--rank-aware"]));
    for (rank, run) in runs.iter().enumerate() {
        assert_eq!(run.code, Some(1), "rank {rank}");
        let why = format!("only rank 0 prompts, and this is rank {rank} of 8 (RANK)");
        assert_eq!(run.stderr.contains(&why), rank > 0, "{}", run.stderr);
    }
}

/// A command line that a human runs in an allocation acts, whatever its rank.
#[test]
fn the_command_line_is_no_rank_unless_told_so() {
    let home = Home::new();
    Run::ok(
        home.wandb_login(&[KEY_1])
            .env("RANK", "5")
            .env("WORLD_SIZE", "8"),
    );
    assert!(home.read(NETRC).is_some());
}
