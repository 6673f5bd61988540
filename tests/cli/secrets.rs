//! Mounted secrets: `WANDB_API_KEY_FILE`, as Docker, Kubernetes, systemd and
//! shells make them.

use std::fs;

use crate::support::{Home, KEY_1, KEY_2, NETRC, NULL_DEVICE, Run};

/// What `token` prints with the secret at a path.
pub fn token(home: &Home, path: &str) -> Run {
    Run::of(home.wandb_login(&["token"]).env("WANDB_API_KEY_FILE", path))
}

#[test]
fn white_space_at_the_end_is_no_news_and_at_the_beginning_it_is() {
    for (end, beginning) in [
        ("", ""),
        ("\n", ""),
        ("\r\n", ""),
        (" \t\n\n", ""),
        ("\n", " "),
        ("", "\n"),
    ] {
        let home = Home::new();
        let path = home.write("home/secret", format!("{beginning}{KEY_1}{end}"));
        let path = path.to_str().expect("UTF-8");
        assert_eq!(token(&home, path).stdout, format!("{KEY_1}\n"), "{end:?}");
        let login = Run::ok(home.wandb_login(&[]).env("WANDB_API_KEY_FILE", path));
        assert_eq!(
            login.stderr.contains("white space"),
            !beginning.is_empty(),
            "{}",
            login.stderr
        );
        // A mounted secret is read where it is: nothing is stored.
        assert_eq!(fs::read_dir(home.home()).expect("home").count(), 1);
    }
}

#[test]
fn size_and_kind_are_bounded() {
    let home = Home::new();
    let longest = format!("{}.b.c", "a".repeat(64 * 1024 - 4));
    let good = home.write("home/longest", &longest);
    assert_eq!(
        token(&home, good.to_str().expect("UTF-8")).stdout,
        format!("{longest}\n")
    );
    home.write("home/longer", format!("{longest}\n"));
    home.write("home/empty", "");
    fs::create_dir(home.path("home/directory")).expect("directory");
    for (name, problem) in [
        ("longer", "is larger than 64 KiB"),
        ("empty", "API key is empty."),
        ("directory", "is a directory, not a file"),
        ("missing", "does not exist"),
        ("directory/missing", "does not exist"),
    ] {
        let path = home.path(&format!("home/{name}"));
        let path = path.to_str().expect("UTF-8");
        let run = token(&home, path);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        let names = run.stderr.contains(path) && run.stderr.contains("WANDB_API_KEY_FILE");
        assert!(
            names && run.stderr.contains(problem),
            "{name}: {}",
            run.stderr
        );
    }
    let run = token(&home, NULL_DEVICE);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("API key is empty."), "{}", run.stderr);
}

/// An unreadable secret is an error, not a reason to look elsewhere.
#[test]
fn there_is_no_falling_through() {
    let home = Home::new();
    home.write(
        NETRC,
        format!("machine api.wandb.ai login user password {KEY_2}\n"),
    );
    let run = token(&home, "missing");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
}
