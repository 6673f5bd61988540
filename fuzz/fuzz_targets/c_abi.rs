//! The C boundary: option structs of any size and content, environment blocks,
//! callbacks that return anything, files with any content.
//!
//! Runs in its own home directory, under `/dev/shm` if that exists. Options that
//! would contact a server are not used.
#![no_main]

mod fixed;

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::fs;
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use wandb_login::ffi::*;

/// Variables that are set to anything; none of them names a file to write or
/// leads to a request.
const NAMES: &[&str] = &[
    "WANDB_API_KEY",
    "WANDB_API_KEY_FILE",
    "WANDB_BASE_URL",
    "WANDB_APP_URL",
    "WANDB_MODE",
    "WANDB_ENTITY",
    "WANDB_SILENT",
    "WANDB_QUIET",
    "WANDB_LOGIN_TIMEOUT",
    "WANDB_HTTP_TIMEOUT",
    "WANDB_RELOGIN",
    "WANDB_FORCE",
    "RANK",
    "WORLD_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "NO_COLOR",
    "HTTPS_PROXY",
    "",
];

/// This process's home directory. The path is the same in each run: it is in the
/// fuzzer's dictionary.
static HOME: LazyLock<PathBuf> = LazyLock::new(|| {
    let shm = Path::new("/dev/shm");
    let base = if shm.is_dir() {
        shm.to_owned()
    } else {
        std::env::temp_dir()
    };
    for number in 0.. {
        let home = base.join(format!("wandb-login-fuzz-{number}"));
        fs::create_dir_all(&home).expect("a home");
        let lock = fs::File::create(home.join("lock")).expect("a lock file");
        if lock.try_lock().is_err() {
            continue; // used by another fuzzer
        }
        std::mem::forget(lock); // held until the process ends
        let _ = fs::remove_file(home.join(".netrc"));
        for (name, below) in [(".config", "wandb"), ("cwd", "wandb")] {
            let folder = home.join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join(below)).expect("a folder in our home");
        }
        return home;
    }
    unreachable!()
});

/// What the prompt callback returns.
struct Caller {
    answers: RefCell<Vec<(i32, Vec<u8>)>>,
}

unsafe extern "C" fn prompt(
    data: *mut c_void,
    request: *const wandb_login_prompt_request,
    buffer: *mut c_char,
    size: usize,
) -> i32 {
    let (caller, request) = unsafe { (&*data.cast::<Caller>(), &*request) };
    assert_eq!(request.struct_size, size_of::<wandb_login_prompt_request>());
    for text in [
        request.server,
        request.server_source,
        request.authorize_url,
        request.signup_url,
    ] {
        one_line(unsafe { CStr::from_ptr(text) });
    }
    assert!(size >= 65_537);
    let Some((answer, text)) = caller.answers.borrow_mut().pop() else {
        return -1;
    };
    // Without a terminating NUL, as a faulty callback would.
    let length = text.len().min(size);
    unsafe {
        buffer
            .cast::<u8>()
            .copy_from_nonoverlapping(text.as_ptr(), length)
    };
    answer
}

unsafe extern "C" fn log(_: *mut c_void, level: i32, line: *const c_char) {
    assert!((1..=3).contains(&level));
    one_line(unsafe { CStr::from_ptr(line) });
}

unsafe extern "C" fn backend(_: *mut c_void, session: *mut wandb_login_session) {
    unsafe { wandb_login_session_free(wandb_login_session_retain(session)) };
}

unsafe extern "C" fn cancel(_: *mut c_void) -> i32 {
    0
}

/// Override the functions of the C library: no call may contact a server.
#[unsafe(no_mangle)]
extern "C" fn getaddrinfo() -> i32 {
    panic!("a host name was resolved")
}

#[unsafe(no_mangle)]
extern "C" fn socket() -> i32 {
    panic!("a socket was opened")
}

fn one_line(text: &CStr) {
    let text = text.to_str().expect("UTF-8");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

fn text(u: &mut Unstructured) -> Result<CString> {
    let bytes: &[u8] = u.arbitrary()?;
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    Ok(CString::new(&bytes[..end]).unwrap_or_default())
}

fn maybe(u: &mut Unstructured) -> Result<Option<CString>> {
    Ok(if u.arbitrary()? { Some(text(u)?) } else { None })
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

fn file(u: &mut Unstructured, name: &str) -> Result<()> {
    let path = HOME.join(name);
    if u.arbitrary()? {
        let bytes: &[u8] = u.arbitrary()?;
        fs::write(path, bytes).expect("a file in our home");
    } else {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

fn run(u: &mut Unstructured) -> Result<()> {
    for name in [".netrc", ".config/wandb/settings", "cwd/wandb/settings"] {
        file(u, name)?;
    }
    let mut entries = vec![CString::new(format!("HOME={}", HOME.display())).expect("no NUL")];
    for _ in 0..u.int_in_range(0..=6)? {
        let name = *u.choose(NAMES)?;
        let value = text(u)?.into_bytes();
        let entry = if name.is_empty() && value.contains(&b'=') {
            continue;
        } else if name.is_empty() {
            value
        } else {
            [name.as_bytes(), b"=", &value].concat()
        };
        entries.push(CString::new(entry).expect("no NUL"));
    }
    let block: Vec<*const c_char> = entries
        .iter()
        .map(|entry| entry.as_ptr())
        .chain([null()])
        .collect();
    let directory = CString::new(HOME.join("cwd").display().to_string()).expect("no NUL");
    let (api_key, host, referrer) = (maybe(u)?, maybe(u)?, maybe(u)?);
    let exported = text(u)?;
    let mut session = null_mut();
    let imported = unsafe { wandb_login_session_import(exported.as_ptr(), &mut session) };
    assert_eq!(imported == WANDB_LOGIN_STATUS_OK, !session.is_null());
    let mut error = vec![0x55_u8; u.int_in_range(0..=600)?];
    let asks: bool = u.arbitrary()?;
    let anonymous: i32 = if u.ratio(15, 16)? {
        u.int_in_range(0..=1)?
    } else {
        u.arbitrary()?
    };
    let anonymous = if anonymous == WANDB_LOGIN_ANONYMOUS_MUST {
        0
    } else {
        anonymous
    };
    let mut caller = Caller {
        answers: RefCell::default(),
    };
    for _ in 0..u.int_in_range(0..=3)? {
        // Never the terminal, which the fuzzer may have. An anonymous key would
        // come from a server, so it is only requested where it is not allowed.
        let answer = match *u.choose(&[0, 1, 3, 7, -1])? {
            WANDB_LOGIN_PROMPT_ANONYMOUS if anonymous != 0 => -1,
            answer => answer,
        };
        let bytes: &[u8] = u.arbitrary()?;
        caller.answers.get_mut().push((answer, bytes.to_vec()));
    }
    let mut flags: u32 = u.arbitrary()?;
    if u.ratio(15, 16)? {
        flags &= 1023;
    }
    flags &= !WANDB_LOGIN_VERIFY;
    flags |= WANDB_LOGIN_NO_SAVE * u32::from(u.ratio(3, 4)?);
    flags |= WANDB_LOGIN_NO_PROMPT * u32::from(!asks);
    let options = wandb_login_options {
        struct_size: 0,
        api_key: pointer(&api_key),
        host: pointer(&host),
        referrer: pointer(&referrer),
        flags,
        anonymous,
        prompt_timeout_ms: u.arbitrary()?,
        http_timeout_ms: u.arbitrary()?,
        prompt_fn: asks.then_some(prompt),
        prompt_user_data: (&raw mut caller).cast(),
        log_fn: Some(log),
        log_user_data: null_mut(),
        backend_fn: Some(backend),
        backend_user_data: null_mut(),
        cancel_fn: Some(cancel),
        cancel_user_data: null_mut(),
        session,
        environment: block.as_ptr(),
        working_directory: directory.as_ptr(),
        error_buf: error.as_mut_ptr().cast(),
        error_buf_size: error.len(),
    };
    // The allocation ends where `struct_size` says, so that a sanitizer detects
    // reads after it.
    let known = size_of::<wandb_login_options>();
    let size = if u.ratio(7, 8)? {
        known
    } else {
        u.int_in_range(8..=5000)?
    };
    let mut words = vec![0_u64; size.div_ceil(8)].into_boxed_slice();
    let given = words.as_mut_ptr().cast::<wandb_login_options>();
    unsafe {
        given
            .cast::<u8>()
            .copy_from_nonoverlapping((&raw const options).cast(), size.min(known));
        given.cast::<usize>().write(size);
        if size > known && u.arbitrary()? {
            given.cast::<u8>().add(size - 1).write(u.arbitrary()?);
        }
        call(
            u,
            given,
            session,
            if size >= known { &mut error } else { &mut [] },
        )?;
        wandb_login_session_free(session);
    }
    Ok(())
}

/// Checks the error buffer after a call.
fn check_error(status: i32, error: &[u8]) {
    let Some(end) = error.iter().position(|&byte| byte == 0) else {
        assert!(
            error.is_empty() || error.iter().all(|&byte| byte == 0x55),
            "no NUL"
        );
        return;
    };
    let text = std::str::from_utf8(&error[..end]).expect("truncated at a character boundary");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(status != WANDB_LOGIN_STATUS_OK || text.is_empty());
    assert_ne!(status, WANDB_LOGIN_STATUS_ERR_INTERNAL, "{text}");
}

unsafe fn call(
    u: &mut Unstructured,
    options: *const wandb_login_options,
    old: *mut wandb_login_session,
    error: &mut [u8],
) -> Result<()> {
    for _ in 0..u.int_in_range(1..=3)? {
        let mut session = null_mut();
        let mut report = null_mut();
        let status = unsafe {
            match u.int_in_range(0..=6)? {
                0 | 1 => wandb_login(options, &mut session),
                2 => wandb_prompt_api_key(options, &mut session),
                3 => wandb_login_check(options),
                4 => wandb_login_forget(options),
                5 => wandb_login_explain(options, u.int_in_range(-1..=2)?, &mut report),
                // An identity token would be exchanged with a server.
                _ if wandb_login_session_api_key(old).is_null() => continue,
                _ => wandb_login_session_refresh(old, options, &mut session),
            }
        };
        check_error(status, error);
        if status != WANDB_LOGIN_STATUS_OK {
            assert!(session.is_null() && report.is_null());
        }
        unsafe {
            if !report.is_null() {
                CStr::from_ptr(report).to_str().expect("UTF-8");
                wandb_login_string_free(report);
            }
            read(session);
            wandb_login_session_free(session);
        }
    }
    Ok(())
}

/// Calls every getter of a session, exports it and imports it again.
unsafe fn read(session: *mut wandb_login_session) {
    unsafe {
        for text in [
            wandb_login_session_api_key(session),
            wandb_login_session_authorization(session),
            wandb_login_session_base_url(session),
            wandb_login_session_app_url(session),
            wandb_login_session_username(session),
            wandb_login_session_email(session),
            wandb_login_session_entity(session),
            wandb_login_session_display(session),
        ] {
            if !text.is_null() {
                one_line(CStr::from_ptr(text));
            }
        }
        for mut list in [
            wandb_login_session_teams(session),
            wandb_login_session_environ(session),
        ] {
            while !list.is_null() && !(*list).is_null() {
                assert!(CStr::from_ptr(*list).to_str().is_ok());
                list = list.add(1);
            }
        }
        let mut text = null_mut();
        let status = wandb_login_session_export(session, &mut text);
        assert_eq!(status == WANDB_LOGIN_STATUS_OK, !session.is_null());
        if !session.is_null() {
            let mut again = null_mut();
            assert_eq!(
                wandb_login_session_import(text, &mut again),
                WANDB_LOGIN_STATUS_OK
            );
            wandb_login_session_free(again);
        }
        wandb_login_string_free(text);
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // An error means too few bytes for a complete call.
    let _ = run(&mut Unstructured::new(data));
});
