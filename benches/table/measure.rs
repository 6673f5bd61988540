//! How two sides are measured: in alternating rounds, and by tools that count.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{self, Run};

/// What both sides came to: the medians of the rounds, and the median of the
/// rounds' ratios, which a machine with other work disturbs less.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub ours: f64,
    pub theirs: f64,
    pub ratio: f64,
}

impl Pair {
    /// Two numbers that need no rounds.
    pub fn of(ours: f64, theirs: f64) -> Pair {
        let ratio = ours / theirs;
        Pair {
            ours,
            theirs,
            ratio,
        }
    }
}

/// Runs both sides by turns, each going first every other time. A side gives
/// several numbers at once, such as time and memory.
pub fn rounds<const N: usize>(
    count: usize,
    mut ours: impl FnMut() -> [f64; N],
    mut theirs: impl FnMut() -> [f64; N],
) -> [Pair; N] {
    let mut seen = Vec::with_capacity(count);
    for round in 0..count {
        seen.push(if round % 2 == 0 {
            let first = ours();
            (first, theirs())
        } else {
            let first = theirs();
            (ours(), first)
        });
    }
    std::array::from_fn(|n| Pair {
        ours: median(seen.iter().map(|(ours, _)| ours[n])),
        theirs: median(seen.iter().map(|(_, theirs)| theirs[n])),
        ratio: median(seen.iter().map(|(ours, theirs)| ours[n] / theirs[n])),
    })
}

/// The middle one of several rounds of one side.
pub fn alone(count: usize, side: impl FnMut() -> f64) -> f64 {
    median(std::iter::repeat_with(side).take(count))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The numbers that a measured program prints.
pub fn numbers<const N: usize>(command: &mut Command) -> [f64; N] {
    let run = Run::ok(command);
    let numbers: Vec<f64> = run
        .stdout
        .split_whitespace()
        .map(|word| word.parse().expect("a number"))
        .collect();
    numbers.try_into().expect("as many numbers as asked for")
}

/// The one number that a measured program prints.
pub fn number(command: &mut Command) -> f64 {
    let [number] = numbers(command);
    number
}

/// What one more call costs: the program run with 1 and with 11 of them.
fn per_call(count: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    Some((count(11)? - count(1)?) / 10.0)
}

/// System calls per call; `None` without strace.
pub fn system_calls(command: impl Fn(usize) -> Command) -> Option<f64> {
    support::tool("strace")?;
    per_call(|times| Some(trace(command(times)).lines().count() as f64))
}

/// The system calls of one run, a line each.
pub fn trace(command: Command) -> String {
    trace_of("all", command)
}

/// The system calls of one run that belong to a class of strace, such as `%file`.
pub fn trace_of(class: &str, command: Command) -> String {
    let folder = support::TempDir::new();
    let file = folder.path().join("trace");
    let file = file.to_str().expect("UTF-8");
    let class = format!("trace={class}");
    let tool = [
        "strace",
        "-qq",
        "-f",
        "-e",
        "signal=none",
        "-e",
        &class,
        "-o",
        file,
    ];
    Run::ok(&mut under(&tool, command));
    fs::read_to_string(file).expect("strace writes its file")
}

/// Instructions per call; `None` without valgrind.
pub fn instructions(command: impl Fn(usize) -> Command) -> Option<f64> {
    support::tool("valgrind")?;
    per_call(|times| Some(instructions_of(command(times))))
}

/// Instructions of one run, by callgrind.
pub fn instructions_of(command: Command) -> f64 {
    let out = "--callgrind-out-file=/dev/null";
    let [count] = after(
        &["valgrind", "--tool=callgrind", out],
        command,
        "Collected :",
    );
    count
}

/// Allocations per call; `None` without valgrind.
pub fn allocations(command: impl Fn(usize) -> Command) -> Option<f64> {
    support::tool("valgrind")?;
    per_call(|times| Some(heap_of(command(times))[0]))
}

/// Allocations of one run, and their bytes, by memcheck.
pub fn heap_of(command: Command) -> [f64; 2] {
    let tool = ["valgrind", "--leak-check=no"];
    let [allocations, _frees, bytes] = after(&tool, command, "total heap usage:");
    [allocations, bytes]
}

/// The most bytes that a run has on the heap at once; `None` without valgrind.
pub fn peak_heap(command: Command) -> Option<f64> {
    support::tool("valgrind")?;
    let folder = support::TempDir::new();
    let file = folder.path().join("massif");
    let out = format!("--massif-out-file={}", file.display());
    let tool = ["valgrind", "--tool=massif", "--peak-inaccuracy=0.0", &out];
    Run::ok(&mut under(&tool, command));
    let text = fs::read_to_string(&file).expect("massif writes its file");
    let heaps = text
        .lines()
        .filter_map(|line| line.strip_prefix("mem_heap_B="));
    heaps
        .map(|bytes| bytes.parse::<f64>().expect("a number"))
        .reduce(f64::max)
}

/// The numbers behind a mark in what a tool prints.
fn after<const N: usize>(tool: &[&str], command: Command, mark: &str) -> [f64; N] {
    let run = Run::ok(&mut under(tool, command));
    let (_, rest) = run.stderr.split_once(mark).expect("the tool prints it");
    let words = rest.split_whitespace().map(|word| word.replace(',', ""));
    let mut numbers = words.filter_map(|word| word.parse().ok());
    std::array::from_fn(|_| numbers.next().expect("a number"))
}

/// The same program, run by a tool.
fn under(tool: &[&str], command: Command) -> Command {
    let mut wrapped = Command::new(tool[0]);
    wrapped
        .args(&tool[1..])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped
}
