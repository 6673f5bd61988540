//! Long trainings: access tokens that end.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::server::{Rules, Server};
use crate::support::Home;
use crate::{for_each, losses, trained};

/// A training for a minute with tokens of 8 seconds. One of them is refused.
#[test]
fn tokens_are_renewed_in_a_run_of_a_minute() {
    for_each(|example| {
        let server = Server::new(Rules {
            token_life: Duration::from_secs(8),
            refused: BTreeSet::from([4]),
            ..Rules::default()
        });
        let home = Home::new();
        let file = home
            .write("token", "eyJh.eyJz.c2ln\n")
            .display()
            .to_string();
        let url = server.url();
        let variables = [
            ("WANDB_BASE_URL", url.as_str()),
            ("WANDB_IDENTITY_TOKEN_FILE", &file),
            ("WANDB_PROJECT", "line"),
        ];
        let run = trained(
            example,
            &mut example.training(&home, &variables, &["600", "2"]),
        );
        let (name, requests) = (example.name, server.requests());
        assert_eq!(losses(&run).len(), 600, "{name}");
        assert_eq!(server.run().history.len(), 600, "{name}: {}", run.stderr);
        assert_eq!(server.run().exit_code, Some(0), "{name}");
        assert_eq!(server.problems(), [""; 0], "{name}");
        // A token is exchanged when a fifth of its life is left, at the next upload: 60 s
        // are 7 to 10 lives of 6.4 to 8.4 s. The refused one is replaced at once.
        let exchanges = server.exchanges();
        let seconds = (requests.last().unwrap().at - requests[0].at).as_secs_f64();
        let most = 2 + (seconds / 6.4) as usize;
        assert!(
            (7..=most).contains(&exchanges),
            "{name}: {exchanges} in {seconds} s"
        );
        // All ranks of a job hold the credential of the last renewal.
        let ends = run.stdout.lines().filter(|line| line.starts_with("rank "));
        let ends: BTreeSet<_> = ends.map(|line| line.rsplit(' ').next()).collect();
        assert!(ends.len() <= 1, "{name}: {}", run.stdout);
        println!(
            "{name}: {exchanges} exchanges, {} requests in {seconds:.0} s",
            requests.len()
        );
    });
}
