//! The examples and the Python SDK log the same run to the same server.

use std::path::Path;

use crate::compare::{Kind, assert_subset, kind, line, order};
use crate::server::{ENTITY, Record, Rules, Server, body, lines};
use crate::stub::{Reply, Seen};
use crate::support::{self, Home, KEY_1, Run};
use crate::{for_each, losses, train};

/// A run of the SDK: its requests, and what the server has of it.
fn sdk_run(
    python: &Path,
    server: &Server,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> (Vec<Seen>, Record) {
    let home = Home::new();
    let mut command = home.command(python);
    command
        .arg(support::root().join("tests/runs/sdk_run.py"))
        .args(arguments)
        .env("WANDB_BASE_URL", server.url())
        .env("WANDB_API_KEY", KEY_1)
        .env("WANDB_PROJECT", "line")
        .env("WANDB_ERROR_REPORTING", "false")
        .envs(variables.iter().copied());
    let run = Run::of(&mut command);
    assert!(run.stderr.contains("View run"), "{}", run.stderr);
    (server.requests(), server.run())
}

fn gone() -> Reply {
    Reply::new(500, "")
}

fn busy() -> Reply {
    Reply::new(429, "").header("Retry-After", "1")
}

/// Failures that both sides retry.
fn troubled() -> Rules {
    Rules {
        upsert: vec![Reply::new(409, ""), gone(), busy()],
        stream: vec![gone(), Reply::Close, busy()],
        ..Rules::default()
    }
}

/// The kinds of requests, in the order in which they first occur. wandb-core sends
/// UpsertBucket again where the configuration changes.
fn stages(requests: &[Seen]) -> Vec<Kind> {
    let mut stages = Vec::new();
    for (kind, ..) in order(requests) {
        if !stages.contains(&kind) {
            stages.push(kind);
        }
    }
    stages
}

/// How often the first UpsertBucket is sent.
fn upserts(requests: &[Seen]) -> usize {
    let kinds = order(requests).into_iter().map(|(kind, ..)| kind);
    kinds.take_while(|kind| *kind == Kind::Upsert).count()
}

/// The first request with history lines, each time that it is sent.
fn first_upload(requests: &[Seen]) -> Vec<&Seen> {
    let mut uploads = requests
        .iter()
        .filter(|seen| !lines(&body(seen)).is_empty());
    let Some(first) = uploads.next() else {
        return Vec::new();
    };
    let again = uploads.take_while(|seen| seen.body == first.body);
    std::iter::once(first).chain(again).collect()
}

/// The seconds between requests.
fn pauses(requests: &[&Seen]) -> Vec<f64> {
    let pairs = requests.windows(2);
    pairs
        .map(|pair| (pair[1].at - pair[0].at).as_secs_f64())
        .collect()
}

#[test]
fn every_request_is_one_that_wandb_core_sends_too() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    // With an entity and without one; infinities; the end of a run that failed.
    let mut theirs = Vec::new();
    for (variables, losses) in [
        (&[][..], &["7", "0.5", "inf", "-inf", "nan"][..]),
        (&[("WANDB_ENTITY", ENTITY)], &["1"]),
    ] {
        let server = Server::new(Rules::default());
        let arguments = [&["35", "1", "0"][..], losses].concat();
        let (requests, record) = sdk_run(&python, &server, variables, &arguments);
        assert_eq!(record.history.len(), 35);
        assert_eq!(record.exit_code, Some(0));
        theirs.extend(requests);
    }
    for_each(|example| {
        for variables in [&[][..], &[("WANDB_ENTITY", ENTITY)]] {
            let server = Server::new(Rules::default());
            let run = train(example, &server.url(), variables, &["35", "1"]);
            let (name, record, requests) = (example.name, server.run(), server.requests());
            assert_eq!(server.problems(), [""; 0], "{name}");
            assert_subset(name, &requests, &theirs);
            assert_eq!(stages(&requests), stages(&theirs), "{name}");
            assert_eq!(record.exit_code, Some(0), "{name}");
            // The curve is what the training printed.
            let curve: Vec<_> = record.history.iter().map(|text| line(text)).collect();
            let printed = losses(&run);
            assert_eq!((curve.len(), printed.len()), (35, 35), "{name}");
            assert!(printed[34] < printed[0] / 4.0, "{name}: {printed:?}");
            for (step, (line, loss)) in curve.iter().zip(&printed).enumerate() {
                assert_eq!(line["_step"], step, "{name}");
                let sent = line["loss"].as_f64().unwrap();
                assert!((sent - loss).abs() <= loss.abs() * 1e-3, "{name}: {line}");
            }
            let url = server.url();
            let page = format!("{url}/{ENTITY}/line/runs/");
            assert!(run.stderr.contains(&page), "{name}: {}", run.stderr);
        }
    });
}

/// Without uploads for 30 s an empty object is sent.
#[test]
fn a_run_without_uploads_is_kept_alive_as_by_wandb_core() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    // More than the pause, for a program that starts slowly.
    let arguments = ["450", "60"];
    let sdk_server = Server::new(Rules::default());
    let theirs = std::thread::scope(|threads| {
        let more = [&arguments[..], &["0", "0.5"]].concat();
        let (python, server) = (&python, &sdk_server);
        let sdk = threads.spawn(move || sdk_run(python, server, &[], &more).0);
        for_each(|example| {
            let server = Server::new(Rules::default());
            train(example, &server.url(), &[], &arguments);
            let stages = stages(&server.requests());
            let expected = [Kind::Upsert, Kind::Lines, Kind::Heartbeat, Kind::End];
            assert_eq!(stages, expected, "{}", example.name);
        });
        sdk.join().unwrap()
    });
    let heartbeat = theirs.iter().find(|seen| kind(seen) == Kind::Heartbeat);
    let heartbeat = heartbeat.unwrap_or_else(|| panic!("{:?}", order(&theirs)));
    assert_eq!(heartbeat.body, b"{}");
}

#[test]
fn failed_requests_are_repeated_as_wandb_core_repeats_them() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    let server = Server::new(troubled());
    let (theirs, record) = sdk_run(&python, &server, &[], &["20", "1", "0", "0.5"]);
    assert_eq!(record.exit_code, Some(0));
    assert!(upserts(&theirs) >= 4, "{:?}", order(&theirs));
    // 2 s, then twice as long, except where the server asks for another pause.
    let least = [2.0, 4.0, 1.0].map(|seconds| 0.9 * seconds);
    let waits = |pauses: &[f64]| {
        let long_enough = |(pause, least): (&f64, f64)| *pause >= least;
        pauses.len() == 3 && pauses.iter().zip(least).all(long_enough)
    };
    let pauses_of = |requests: &[Seen]| pauses(&first_upload(requests));
    assert!(waits(&pauses_of(&theirs)), "{:?}", order(&theirs));
    for_each(|example| {
        let server = Server::new(troubled());
        train(example, &server.url(), &[], &["220", "1"]);
        let (name, ours) = (example.name, server.requests());
        assert_eq!(server.problems(), [""; 0], "{name}");
        assert_eq!(server.run().history.len(), 220, "{name}");
        assert_eq!(server.run().exit_code, Some(0), "{name}");
        assert_eq!(upserts(&ours), 4, "{name}: {:?}", order(&ours));
        let pauses = pauses_of(&ours);
        assert!(waits(&pauses), "{name}: {pauses:?} in {:?}", order(&ours));
    });
}

/// 404 and 409 end an upload for both.
#[test]
fn what_wandb_core_gives_up_is_given_up() {
    let Some(python) = support::sdk_python() else {
        return;
    };
    for status in [404, 409] {
        let rules = || Rules {
            stream: vec![Reply::new(status, ""); 50],
            ..Rules::default()
        };
        let uploads = |requests: &[Seen]| {
            let with_lines = |seen: &&Seen| !lines(&body(seen)).is_empty();
            requests.iter().filter(with_lines).count()
        };
        let server = Server::new(rules());
        let (theirs, _) = sdk_run(&python, &server, &[], &["20", "0.5", "0", "0.5"]);
        assert_eq!(uploads(&theirs), 1, "{:?}", order(&theirs));
        for_each(|example| {
            let server = Server::new(rules());
            let run = train(example, &server.url(), &[], &["20", "0.5"]);
            let (name, ours) = (example.name, server.requests());
            assert_eq!(stages(&ours), [Kind::Upsert, Kind::Lines], "{name}");
            assert_eq!(uploads(&ours), 1, "{name}");
            let sentence = format!("the server answered HTTP {status}");
            assert!(run.stderr.contains(&sentence), "{name}: {}", run.stderr);
            assert_eq!(losses(&run).len(), 20, "{name}");
        });
    }
}
