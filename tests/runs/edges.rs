//! The part that C programs copy, with unusual input and several threads, under the
//! thread sanitizer.

use crate::examples::edges;
use crate::server::{Rules, Server};
use crate::stub::Seen;
use crate::support::{Home, KEY_1, Run};

#[test]
fn unusual_names_and_numbers_arrive_as_they_are() {
    let Some(program) = edges() else { return };
    let server = Server::new(Rules::default());
    let home = Home::new();
    Run::ok(
        home.command(program)
            .env("WANDB_BASE_URL", server.url())
            .env("WANDB_API_KEY", KEY_1)
            .env("WANDB_PROJECT", "from the environment")
            .env("TSAN_OPTIONS", "halt_on_error=1"),
    );
    assert_eq!(server.problems(), [""; 0]);
    let record = server.run();
    assert_eq!(record.exit_code, Some(7));
    assert_eq!(record.history.len(), 800);
    let expected = [
        ("train/loss", 0.1),
        ("a \"quoted\" \\ name", 1e21),
        ("two\nlines\t\u{1}", -0.0),
        ("größe", 5e-324),
        ("largest", f64::MAX),
        ("third", 1.0 / 3.0),
        ("integer", 42.0),
        ("negative", -1.5e-7),
    ];
    for (step, text) in record.history.iter().enumerate() {
        let line: serde_json::Value = serde_json::from_str(text).expect(text);
        assert_eq!(line["_step"], step);
        for (name, value) in expected {
            let got = line[name].as_f64().map(f64::to_bits);
            assert_eq!(got, Some(value.to_bits()), "{name} in {text}");
        }
    }
    // What the program says goes before the environment. Names are escaped in paths.
    let uploads: Vec<Seen> = server.requests().split_off(1);
    let path = "/files/a%20team/from%20the%20program/edges/file_stream";
    assert!(
        uploads.iter().all(|seen| seen.target == path),
        "{uploads:?}"
    );
}
