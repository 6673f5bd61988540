//! The modes of W&B.

use wandb_login::{Error, Login, Options, PromptAnswer, PromptRequest, Secret};

use crate::support::{Home, KEY_1, KEY_2, Run};
use crate::{Around, NETRC, SERVER, SETTINGS, no_prompt};

#[test]
fn modes_in_the_library() {
    for (mode, away) in [
        ("online", false),
        ("run", false),
        ("shared", false),
        ("", false),
        ("offline", true),
        ("dryrun", true),
        ("disabled", true),
    ] {
        for of_settings in [false, true] {
            if of_settings && mode.is_empty() {
                continue;
            }
            let around = Around::new(&[("WANDB_MODE", if of_settings { "" } else { mode })]);
            if of_settings {
                around
                    .home
                    .write(SETTINGS, format!("[default]\nmode = {mode}\n"));
            }
            let done = around.login(no_prompt().api_key(KEY_1));
            match away {
                true => assert!(matches!(done, Ok(Login::Offline)), "{mode}: {done:?}"),
                false => assert!(matches!(done, Ok(Login::Session(_))), "{mode}: {done:?}"),
            }
            assert_eq!(around.home.text(NETRC).is_none(), away, "{mode}");
            assert_eq!(
                around.log().contains("the API key was not used"),
                away,
                "{mode}: {}",
                around.log()
            );
            let prompt = |_: &PromptRequest<'_>| PromptAnswer::Key(Secret::new(KEY_2.as_bytes()));
            let ask = Options::new().prompt(&prompt).host(SERVER);
            let done = around.call(ask, wandb_login::prompt_api_key);
            assert_eq!(matches!(done, Ok(Login::Offline)), away, "{mode}: {done:?}");
        }
    }
    for bogus in ["bogus", "OFFLINE", " online"] {
        let around = Around::new(&[("WANDB_MODE", bogus)]);
        let error = around.login(no_prompt()).expect_err(bogus);
        assert!(
            matches!(&error, Error::Credentials(told) if told.contains("WANDB_MODE")),
            "{error:?}"
        );
    }
}

#[test]
fn modes_on_the_command_line() {
    for (mode, stored) in [
        ("online", true),
        ("run", true),
        ("shared", true),
        ("", true),
        ("offline", true),
        ("dryrun", true),
        ("disabled", false),
    ] {
        let home = Home::new();
        let run = Run::ok(
            home.wandb_login(&["login", "--host", SERVER, KEY_1])
                .env("WANDB_MODE", mode),
        );
        assert_eq!(home.text(NETRC).is_some(), stored, "{mode}: {}", run.stderr);
        assert_eq!(home.text(SETTINGS).is_some(), stored, "{mode}");
        assert_eq!(
            run.stderr.contains("nothing was done"),
            !stored,
            "{mode}: {}",
            run.stderr
        );
    }
    let home = Home::new();
    let run = Run::of(
        home.wandb_login(&["login", "--host", SERVER, KEY_1])
            .env("WANDB_MODE", "bogus"),
    );
    assert_eq!(
        (run.code, home.text(NETRC)),
        (Some(1), None),
        "{}",
        run.stderr
    );
}
