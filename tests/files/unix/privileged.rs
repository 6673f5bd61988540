//! A program with more rights than its caller does not trust what the caller passes to
//! it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use crate::support;
use crate::support::{Home, KEY_1, KEY_2, KEY_3, NETRC, Run, tool};
use crate::unix::{STRANGER, is_root, mode};

/// How a program gets more rights than its caller.
#[derive(Debug, Clone, Copy)]
enum Rights {
    SetUserId,
    SetGroupId,
    Capability,
}

/// A copy of a program with more rights for everybody, in a home that the caller
/// owns. None where the system gives it no such rights, which is said.
fn raised(home: &Home, program: &str, rights: Rights) -> Option<PathBuf> {
    if !is_root() {
        support::skip("a program with more rights than its caller needs root");
        return None;
    }
    let copy = home.path("raised");
    Run::ok(home.command("cp").arg(program).arg(&copy));
    mode(home.base(), 0o755);
    match rights {
        Rights::SetUserId => mode(&copy, 0o4755),
        Rights::SetGroupId => mode(&copy, 0o2755),
        Rights::Capability => {
            mode(&copy, 0o755);
            let mut command = home.command(tool("setcap")?);
            let run = Run::of(command.arg("cap_net_bind_service=ep").arg(&copy));
            if run.code != Some(0) {
                support::skip(&format!("file capabilities: {}", run.stderr));
                return None;
            }
        }
    }
    Some(copy)
}

/// Whether the file system and the container allow set-user-ID programs.
fn is_supported() -> bool {
    let home = Home::new();
    let id = tool("id").and_then(|id| raised(&home, id.to_str()?, Rights::SetUserId));
    let Some(id) = id else {
        return false;
    };
    let run = Run::of(home.command(id).arg("-u").uid(STRANGER).gid(STRANGER));
    let is_raised = run.stdout == "0\n";
    if !is_raised {
        support::skip("set-user-ID programs have no effect here");
    }
    is_raised
}

#[test]
fn a_privileged_program_ignores_the_environment_and_the_workspace() {
    if !is_supported() {
        return;
    }
    for rights in [Rights::SetUserId, Rights::SetGroupId, Rights::Capability] {
        ignores_its_caller(rights);
    }
}

fn ignores_its_caller(rights: Rights) {
    let home = Home::new();
    let Some(program) = raised(&home, support::wandb_login_path(), rights) else {
        return;
    };
    let strange = "machine api.wandb.ai login user password ";
    let netrc = home.write(NETRC, format!("{strange}{KEY_2}\n"));
    home.write("config/settings", format!("[default]\napi_key = {KEY_3}\n"));
    home.write(
        "cwd/wandb/settings",
        format!("[default]\napi_key = {KEY_1}\n"),
    );
    home.write("key", KEY_1);
    let config = home.path("config");
    let key = home.path("key");
    let path = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    crate::unix::give(&home.home(), STRANGER);
    for (name, value) in [
        ("WANDB_API_KEY", KEY_1.to_owned()),
        ("WANDB_API_KEY_FILE", path(&key)),
        ("WANDB_IDENTITY_TOKEN_FILE", path(&key)),
        ("WANDB_BASE_URL", "https://evil.example".to_owned()),
        ("WANDB_CONFIG_DIR", path(&config)),
        ("NETRC", path(&netrc)),
        ("HOME", path(&home.home())),
    ] {
        let mut command = home.command(&program);
        command.args(["token"]).env(name, &value);
        let run = Run::of(command.uid(STRANGER).gid(STRANGER));
        assert!(
            !run.stdout.contains(KEY_1) && run.code != Some(0),
            "{rights:?} {name}: {}",
            run.stdout
        );
        assert!(
            run.stderr.contains("set-user-ID"),
            "{rights:?} {name}: {}",
            run.stderr
        );
        assert!(
            !run.stderr.contains("evil.example"),
            "{name}: {}",
            run.stderr
        );
        // Run by root, the copy has no more rights than its caller.
        if name == "WANDB_API_KEY" {
            let run = Run::ok(home.command(&program).args(["token"]).env(name, &value));
            assert_eq!(run.stdout, format!("{KEY_1}\n"));
            assert!(!run.stderr.contains("set-user-ID"), "{}", run.stderr);
        }
    }
    assert!(fs::metadata(&netrc).is_ok());
}
