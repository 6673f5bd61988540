//! System calls that fail each time, by a seccomp filter: as a sandbox, a container
//! runtime or an odd file system refuses them.

use std::io;

use libc::{EIO, ENOSPC, ENOSYS, EPERM};

use crate::crashes::FILE_CALLS;
use crate::preload::Preload;
use crate::scenario::{logins_and_logout, token_exchanges, token_server};

/// The errors of sandboxes and of broken disks, which any call can return.
const ERRORS: [i32; 4] = [EIO, EPERM, ENOSYS, ENOSPC];

#[test]
fn a_system_call_that_always_fails_is_named_and_loses_no_data() {
    let Some(seccomp) = Preload::build("seccomp") else {
        return;
    };
    let server = token_server();
    let exchanges = token_exchanges(&server.url("127.0.0.1"));
    let mut failures = 0;
    for scenario in logins_and_logout().iter().chain(&exchanges) {
        let new = scenario.outcome();
        for (name, number, _) in FILE_CALLS {
            for error in ERRORS {
                let fault = format!("{name} fails with {error}");
                let variables = [
                    format!("SECCOMP_CALL={number}"),
                    format!("SECCOMP_ERROR={error}"),
                ];
                let starter = seccomp.starter(&variables);
                let starter: Vec<&str> = starter.iter().map(String::as_str).collect();
                let survivor = scenario.survives(&starter, &fault, &new);
                let run = &survivor.run;
                let known = [Some(0), Some(1)].contains(&run.code);
                assert!(known, "{fault}: {:?} {}", run.code, run.stderr);
                // Without `write`, it has no way to say so.
                let named = run
                    .stderr
                    .contains(&io::Error::from_raw_os_error(error).to_string())
                    || run.stderr.contains("permission denied");
                let fine = survivor.changed || named || name == "write";
                assert!(fine, "{fault}: {}", run.stderr);
                failures += 1;
            }
        }
    }
    eprintln!("logins with {failures} calls refused: 0 files damaged, 0 left over");
}
