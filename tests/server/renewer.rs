//! The renewer: one exchange for each token that ends, the old token while it is
//! valid, and another credential after the server has refused one.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wandb_login::{Error, Options, Renewer, RenewerOptions, Session};

use crate::stub::{Reply, Stub};
use crate::support::{Home, KEY_1, KEY_2, NETRC};
use crate::{entries, login};

fn grants(token: &str) -> Reply {
    let body = format!("{{\"access_token\":\"{token}\",\"expires_in\":3600}}");
    Reply::new(200, body)
}

/// A point in the life of a token of an hour.
#[derive(Clone, Copy)]
enum Age {
    New,
    /// It is still valid, and to be renewed.
    Due,
    Ended,
}

/// A home with an identity token, and a server.
struct Scene {
    home: Home,
    server: Stub,
    url: String,
    file: String,
}

impl Scene {
    fn new(script: impl Into<Vec<Reply>>) -> Scene {
        let (home, server) = (Home::new(), Stub::http(script));
        let file = home.write("token", "eyJh.eyJz.c2ln\n");
        Scene {
            url: server.url("127.0.0.1"),
            file: file.display().to_string(),
            home,
            server,
        }
    }

    fn variables(&self) -> [(&str, &str); 2] {
        [
            ("WANDB_BASE_URL", &self.url),
            ("WANDB_IDENTITY_TOKEN_FILE", &self.file),
        ]
    }

    /// A session with the token "first". An import sets its age, so that no test
    /// waits for a token to end.
    fn session(&self, age: Age) -> Session {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let left = match age {
            Age::New => 3600,
            Age::Due => 200,
            Age::Ended => -5,
        };
        let end = since.as_secs() as i64 + left;
        let (url, start) = (&self.url, end - 3600);
        let file = self.file.replace('\\', r"\\");
        let text = format!(
            "wandb-login-session 1\nbase_url {url}\napp_url {url}\nsource identity_token\n\
             access_token first\nexpires_at {end}\nissued_at {start}\n\
             identity_token_file {file}\n"
        );
        Session::import(text.as_bytes()).unwrap()
    }

    fn renewer(&self, session: &Session) -> Renewer {
        let mut options = RenewerOptions::default();
        options.environment = Some(entries(&self.home, &self.variables()));
        options.working_directory = Some(self.home.cwd());
        Renewer::new(session, options)
    }

    fn exchanges(&self) -> usize {
        let seen = self.server.seen();
        seen.iter().filter(|r| r.target == "/oidc/token").count()
    }
}

fn token(session: &Session) -> String {
    String::from_utf8_lossy(session.authorization().as_bytes()).into_owned()
}

#[test]
fn a_new_token_is_not_renewed() {
    let scene = Scene::new([grants("second")]);
    let renewer = scene.renewer(&scene.session(Age::New));
    for _ in 0..3 {
        assert_eq!(token(&renewer.get().unwrap()), "Bearer first");
    }
    assert_eq!(scene.exchanges(), 0);
}

#[test]
fn a_token_is_renewed_before_it_ends_with_one_exchange_for_all_threads() {
    let scene = Scene::new([grants("second"), grants("third")]);
    let renewer = scene.renewer(&scene.session(Age::Due));
    std::thread::scope(|threads| {
        for _ in 0..64 {
            let renewer = renewer.clone();
            // A thread gets the old token or the new one, and neither has ended.
            threads.spawn(move || {
                let token = token(&renewer.get().unwrap());
                assert!(["Bearer first", "Bearer second"].contains(&token.as_str()));
            });
        }
    });
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 1);
}

#[test]
fn two_processes_share_one_exchange_through_the_cache() {
    let scene = Scene::new([grants("second"), grants("third")]);
    let session = scene.session(Age::Due);
    let (one, other) = (scene.renewer(&session), scene.renewer(&session));
    assert_eq!(token(&one.get().unwrap()), "Bearer second");
    assert_eq!(token(&other.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 1);
}

#[test]
fn a_failure_before_the_end_is_no_error_and_is_repeated_after_a_pause() {
    let scene = Scene::new([Reply::new(503, "{}"), grants("second")]);
    let renewer = scene.renewer(&scene.session(Age::Due));
    assert_eq!(token(&renewer.get().unwrap()), "Bearer first");
    assert_eq!(
        scene.exchanges(),
        1,
        "no retry while the old token is valid"
    );
    sleep(Duration::from_millis(1100));
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 2);
}

#[test]
fn after_the_end_a_failure_is_an_error_until_the_server_answers() {
    let refusal = Reply::new(400, r#"{"error":"invalid_grant"}"#);
    let scene = Scene::new([refusal, grants("second")]);
    let renewer = scene.renewer(&scene.session(Age::Ended));
    assert!(renewer.get().is_err());
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
}

#[test]
fn an_ended_token_whose_identity_file_is_gone_is_an_error_that_names_the_file() {
    let scene = Scene::new([grants("second")]);
    let renewer = scene.renewer(&scene.session(Age::Ended));
    std::fs::remove_file(&scene.file).unwrap();
    let error = renewer.get().unwrap_err();
    assert!(error.to_string().contains(&scene.file), "{error}");
}

#[test]
fn a_refused_token_is_replaced_at_once() {
    let scene = Scene::new([grants("second"), grants("third")]);
    let session = scene.session(Age::New);
    let renewer = scene.renewer(&session);
    renewer.refused(&session);
    let second = renewer.get().unwrap();
    assert_eq!(token(&second), "Bearer second");
    // A late report about the old token has no effect.
    renewer.refused(&session);
    assert_eq!(token(&renewer.get().unwrap()), "Bearer second");
    assert_eq!(scene.exchanges(), 1);
}

#[test]
fn a_refused_key_is_replaced_by_another_configured_key_or_rejected() {
    let server = Stub::http([Reply::viewer()]);
    let (home, url) = (Home::new(), server.url("127.0.0.1"));
    let netrc = |key: &str| {
        let netloc = url.trim_start_matches("http://");
        format!("machine {netloc}\n  login user\n  password {key}\n")
    };
    home.write(NETRC, netrc(KEY_1));
    let variables = [("WANDB_BASE_URL", url.as_str())];
    let session = login(&home, &variables, Options::default()).unwrap();
    let mut options = RenewerOptions::default();
    options.environment = Some(entries(&home, &variables));
    options.working_directory = Some(home.cwd());
    let renewer = Renewer::new(&session, options);
    assert_eq!(
        renewer.get().unwrap().authorization(),
        session.authorization()
    );

    renewer.refused(&session);
    assert!(matches!(renewer.get(), Err(Error::Rejected(_))));
    home.write(NETRC, netrc(KEY_2));
    sleep(Duration::from_millis(1100));
    let renewed = renewer.get().unwrap();
    assert_eq!(renewed.api_key().unwrap().as_bytes(), KEY_2.as_bytes());
    assert_eq!(server.connections(), 0, "a key needs no request");
}
