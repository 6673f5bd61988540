//! W&B that fails: the training goes on, and says why in one sentence.

use std::time::{Duration, Instant};

use crate::compare::{Kind, kind, line, order};
use crate::server::{Rules, Server};
use crate::stub::Reply;
use crate::support::{Home, KEY_1, Run};
use crate::{for_each, losses, train, trained};

/// How often a sentence with this text is printed.
fn sentences(run: &Run, text: &str) -> usize {
    let ours = |line: &&str| line.starts_with("wandb_run: ") || line.starts_with("train: ");
    let ours = run.stderr.lines().filter(ours);
    ours.filter(|line| line.contains(text)).count()
}

#[test]
fn offline_nothing_is_sent() {
    for_each(|example| {
        let server = Server::new(Rules::default());
        let run = train(example, &server.url(), &[("WANDB_MODE", "offline")], &["5"]);
        assert_eq!(losses(&run).len(), 5, "{}", example.name);
        assert_eq!(server.stub.connections(), 0, "{}", example.name);
        assert_eq!(
            sentences(&run, "offline"),
            1,
            "{}: {}",
            example.name,
            run.stderr
        );
    });
}

/// A silent server delays a training by at most 10 seconds in all.
#[test]
fn a_silent_server_delays_the_end_only() {
    for_each(|example| {
        let silent = Server::new(Rules {
            silent: true,
            ..Rules::default()
        });
        let start = Instant::now();
        let run = train(example, &silent.url(), &[], &["5"]);
        let name = example.name;
        assert_eq!(losses(&run).len(), 5, "{name}");
        assert_eq!(
            sentences(&run, "does not answer"),
            1,
            "{name}: {}",
            run.stderr
        );
        println!(
            "{name}: {:.1} s with a silent server",
            start.elapsed().as_secs_f64()
        );
    });
}

#[test]
fn nan_and_infinities_are_logged_as_wandb_core_logs_them() {
    for_each(|example| {
        let server = Server::new(Rules::default());
        let run = train(example, &server.url(), &[], &["20", "1", "1e308"]);
        let (name, history) = (example.name, server.run().history);
        assert_eq!(history.len(), 20, "{name}");
        let values = |word: &str| {
            let member = format!("\"loss\":{word}");
            history.iter().filter(|line| line.contains(&member)).count()
        };
        assert!(values("NaN") > 10, "{name}: {history:?}");
        assert!(
            history.iter().all(|text| line(text)["loss"].is_number()),
            "{name}"
        );
        assert_eq!(
            sentences(&run, "not a finite number"),
            1,
            "{name}: {}",
            run.stderr
        );
    });
}

#[test]
fn a_project_name_that_wandb_refuses_is_named() {
    let long = "p".repeat(129);
    for_each(|example| {
        for (project, words) in [
            ("team/line", "\"/\""),
            ("line?", "\"?\""),
            (long.as_str(), "129 characters"),
        ] {
            let server = Server::new(Rules::default());
            let variables = [("WANDB_PROJECT", project)];
            let run = train(example, &server.url(), &variables, &["3"]);
            assert_eq!(
                sentences(&run, words),
                1,
                "{}: {}",
                example.name,
                run.stderr
            );
            assert_eq!(server.stub.connections(), 0, "{}", example.name);
        }
    });
}

/// The page of the run has a button; the training then ends with 1.
#[test]
fn a_stopped_run_ends_the_training() {
    for_each(|example| {
        let server = Server::new(Rules {
            stopped: true,
            ..Rules::default()
        });
        let url = server.url();
        let variables = [("WANDB_BASE_URL", url.as_str()), ("WANDB_API_KEY", KEY_1)];
        let arguments = ["300", "1"];
        let run = Run::of(&mut example.training(&Home::new(), &variables, &arguments));
        let name = example.name;
        assert_eq!(run.code, Some(1), "{name}: {}", run.stderr);
        assert_eq!(server.run().exit_code, Some(1), "{name}");
        assert!(losses(&run).len() < 300, "{name}");
        assert_eq!(server.run().history.len(), losses(&run).len(), "{name}");
        assert_eq!(sentences(&run, "stopped"), 1, "{name}: {}", run.stderr);
    });
}

/// A run that exists goes on behind its last line.
#[test]
fn a_run_with_history_is_continued() {
    for_each(|example| {
        let server = Server::new(Rules {
            history: vec!["{\"_step\":0,\"loss\":9}", "{\"_step\":1,\"loss\":8}"],
            ..Rules::default()
        });
        train(
            example,
            &server.url(),
            &[("WANDB_RUN_ID", "again001")],
            &["5", "1"],
        );
        let (name, history) = (example.name, server.run().history);
        assert_eq!(server.problems(), [""; 0], "{name}");
        assert_eq!(history.len(), 7, "{name}");
        for (step, text) in history.iter().enumerate() {
            assert_eq!(line(text)["_step"], step, "{name}: {text}");
        }
    });
}

/// A key that is refused in the middle of a run ends the run, as no other is configured.
#[test]
fn a_key_that_is_refused_in_the_middle_ends_the_run_only() {
    for_each(|example| {
        let server = Server::new(Rules {
            revoke: true,
            ..Rules::default()
        });
        let run = train(example, &server.url(), &[], &["60", "1"]);
        let (name, requests) = (example.name, server.requests());
        assert_eq!(losses(&run).len(), 60, "{name}");
        let uploads = requests.iter().filter(|seen| kind(seen) == Kind::Lines);
        assert_eq!(uploads.count(), 2, "{name}: {:?}", order(&requests));
        assert_eq!(
            sentences(&run, "nothing more is sent"),
            1,
            "{name}: {}",
            run.stderr
        );
        assert_eq!(server.run().exit_code, None, "{name}");
    });
}

/// The identity token is gone when the access token ends: the training ends well, and
/// the reason is said once.
#[test]
fn an_identity_file_that_is_gone_is_named() {
    for_each(|example| {
        let server = Server::new(Rules {
            token_life: Duration::from_secs(4),
            ..Rules::default()
        });
        let home = Home::new();
        let file = home.write("token", "eyJh.eyJz.c2ln\n");
        let (url, path) = (server.url(), file.display().to_string());
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &path),
        ];
        let mut training = example.training(&home, &variables, &["80", "1"]);
        let run = std::thread::scope(|threads| {
            threads.spawn(|| {
                // The file is needed until the run is on the server.
                while server.exchanges() == 0 {
                    std::thread::sleep(Duration::from_millis(20));
                }
                std::fs::remove_file(&file).unwrap();
            });
            trained(example, &mut training)
        });
        let name = example.name;
        assert_eq!(losses(&run).len(), 80, "{name}");
        // When the token ends, for the run and for an MPI job, and at the end of the training.
        let said = sentences(&run, &path);
        assert!((1..=3).contains(&said), "{name}: {}", run.stderr);
        assert_eq!(server.exchanges(), 1, "{name}");
    });
}

/// What the server says about a run is printed without control characters.
#[test]
fn the_server_refuses_to_make_a_run() {
    let message =
        r#"{"errors":[{"message":"team \u001b[31mred\u0007 \u00e9\ud83d\ude00 is full"}]}"#;
    for_each(|example| {
        for reply in [Reply::new(200, message), Reply::new(403, message)] {
            let server = Server::new(Rules {
                upsert: vec![reply],
                ..Rules::default()
            });
            let run = train(example, &server.url(), &[], &["5"]);
            let name = example.name;
            assert_eq!(sentences(&run, "is full"), 1, "{name}: {}", run.stderr);
            assert_eq!(sentences(&run, "é😀"), 1, "{name}: {}", run.stderr);
            assert!(!run.stderr.contains('\u{1b}'), "{name}: {}", run.stderr);
            assert_eq!(server.requests().len(), 1, "{name}");
        }
    });
}

/// The key does not follow a redirect.
#[test]
fn a_redirect_is_not_followed() {
    for_each(|example| {
        let other = Server::new(Rules::default());
        let redirect = Reply::new(307, "").header("Location", &other.url());
        let server = Server::new(Rules {
            upsert: vec![redirect],
            ..Rules::default()
        });
        let run = train(example, &server.url(), &[], &["5"]);
        assert_eq!(
            sentences(&run, "HTTP 307"),
            1,
            "{}: {}",
            example.name,
            run.stderr
        );
        assert_eq!(other.stub.connections(), 0, "{}", example.name);
    });
}

/// A server that asks for an hour of patience gets it, and the training ends without it.
#[test]
fn a_long_wait_that_the_server_asks_for_does_not_delay_the_end() {
    for_each(|example| {
        let server = Server::new(Rules {
            stream: vec![Reply::new(429, "").header("Retry-After", "3600"); 9],
            ..Rules::default()
        });
        let run = train(example, &server.url(), &[], &["20", "1"]);
        let (name, requests) = (example.name, server.requests());
        assert_eq!(sentences(&run, "HTTP 429"), 2, "{name}: {}", run.stderr);
        assert_eq!(sentences(&run, "not complete"), 1, "{name}: {}", run.stderr);
        let uploads = requests.iter().filter(|seen| kind(seen) == Kind::Lines);
        assert_eq!(uploads.count(), 1, "{name}: {:?}", order(&requests));
    });
}
