//! Prompts on a pseudo-console: a child process prompts, and the test types.

use std::ffi::{OsStr, c_void};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Console::*;
use windows_sys::Win32::System::Pipes::CreatePipe;
use windows_sys::Win32::System::Threading::*;

use super::super::{Entry, OpenError, ReadError, Terminal, Wait};
use super::*;
use crate::util::{console, this_test};

/// The scene that a child process plays, and the folder for what it reports.
const SCENE: &str = "CONSOLE_TEST_SCENE";
const FOLDER: &str = "CONSOLE_TEST_FOLDER";

/// No test takes as long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A key that must never be shown.
const KEY: &str = "hidden-key-0123456789";

const PROMPT: &str = "Enter it: ";

/// Held while there is a pseudo-console: making one opens handles for a moment that every
/// new process inherits, and an inherited pipe of another console has no end.
static CONSOLE: Mutex<()> = Mutex::new(());

/// A pseudo-console, and a process on it.
struct Scene {
    _alone: MutexGuard<'static, ()>,
    folder: PathBuf,
    console: HPCON,
    process: OwnedHandle,
    keyboard: File,
    screen: thread::JoinHandle<Vec<u8>>,
}

impl Scene {
    fn start(scene: &str) -> Scene {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let alone = CONSOLE.lock().unwrap_or_else(PoisonError::into_inner);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wandb-login-console-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let (input, keyboard) = pipe();
        let (mut output, screen) = pipe();
        let console = new_console(&input, &screen);
        let process = start(console, scene, &folder);
        drop((input, screen));
        Scene {
            _alone: alone,
            folder,
            console,
            process,
            keyboard,
            screen: thread::spawn(move || {
                let mut shown = Vec::new();
                // A closed console is the end.
                let _ = output.read_to_end(&mut shown);
                shown
            }),
        }
    }

    /// Waits until the child says that it is so far.
    fn wait_for(&self, mark: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.folder.join(mark).exists() {
            assert!(Instant::now() < until, "{mark}: {:?}", self.outcome());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn outcome(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("outcome")).ok()
    }

    /// The outcome and what the console showed, when the child has ended.
    fn end(self) -> (String, String) {
        let millis = PATIENCE.as_millis() as u32;
        // SAFETY: the handle is open for the call.
        let ended = unsafe { WaitForSingleObject(self.process.as_raw_handle(), millis) };
        assert_eq!(ended, WAIT_OBJECT_0, "the child ends");
        let outcome = self.outcome().unwrap_or_default();
        // SAFETY: the console is open, and not used after this.
        unsafe { ClosePseudoConsole(self.console) };
        drop(self.keyboard);
        let shown = self.screen.join().unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
        (outcome, without_escapes(&shown))
    }
}

/// Wine sometimes does not start the program behind a pseudo-console: tries again.
fn new_console(input: &File, screen: &File) -> HPCON {
    let mut console: HPCON = 0;
    let size = COORD { X: 80, Y: 25 };
    let (read, write) = (input.as_raw_handle(), screen.as_raw_handle());
    let until = Instant::now() + PATIENCE;
    loop {
        // SAFETY: both handles are open, and the pointer is live.
        let made = unsafe { CreatePseudoConsole(size, read, write, 0, &mut console) };
        if made == 0 {
            return console;
        }
        assert!(Instant::now() < until, "no pseudo-console: {made:#x}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The reading and the writing end.
fn pipe() -> (File, File) {
    let (mut read, mut write) = (null_mut(), null_mut());
    // SAFETY: the pointers are live; both handles are new, and owned here only.
    unsafe {
        assert_ne!(CreatePipe(&mut read, &mut write, null(), 0), 0);
        (File::from_raw_handle(read), File::from_raw_handle(write))
    }
}

/// Starts this test program again, on a pseudo-console, to play a scene.
fn start(console: HPCON, scene: &str, folder: &Path) -> OwnedHandle {
    let program = this_test::command(&[], "prompt::terminal::windows::tests::plays_a_scene");
    let words = [program.get_program()]
        .into_iter()
        .chain(program.get_args());
    let words: Vec<String> = words
        .map(|word| format!("\"{}\"", word.display()))
        .collect();
    let command = words.join(" ");
    let mut command: Vec<u16> = command.encode_utf16().chain([0]).collect();
    let environment = environment(scene, folder);
    let mut size = 0;
    // SAFETY: asks for the size of a list of one attribute.
    unsafe { InitializeProcThreadAttributeList(null_mut(), 1, 0, &mut size) };
    let mut attributes = vec![0_u64; size.div_ceil(8)];
    let list: LPPROC_THREAD_ATTRIBUTE_LIST = attributes.as_mut_ptr().cast();
    // SAFETY: all zeros is a valid value of both structures.
    let (mut startup, mut process): (STARTUPINFOEXW, PROCESS_INFORMATION) =
        unsafe { std::mem::zeroed() };
    startup.StartupInfo.cb = size_of::<STARTUPINFOEXW>() as u32;
    startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES; // none: those of the console
    startup.lpAttributeList = list;
    let what = PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE as usize;
    let flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
    // SAFETY: the list has the size that was asked for, and the texts end with zero.
    // All of them outlive the calls; the handles are new, and owned here only.
    unsafe {
        assert_ne!(InitializeProcThreadAttributeList(list, 1, 0, &mut size), 0);
        let value = console as *const c_void;
        let set =
            UpdateProcThreadAttribute(list, 0, what, value, size_of::<HPCON>(), null_mut(), null());
        assert_ne!(set, 0);
        let started = CreateProcessW(
            null(),
            command.as_mut_ptr(),
            null(),
            null(),
            0,
            flags,
            environment.as_ptr().cast(),
            null(),
            (&raw const startup).cast(),
            &mut process,
        );
        assert_ne!(started, 0, "{}", io::Error::last_os_error());
        DeleteProcThreadAttributeList(list);
        drop(OwnedHandle::from_raw_handle(process.hThread));
        OwnedHandle::from_raw_handle(process.hProcess)
    }
}

fn environment(scene: &str, folder: &Path) -> Vec<u16> {
    let own = [(SCENE.into(), scene.into()), (FOLDER.into(), folder.into())];
    let mut block = Vec::new();
    for (name, value) in std::env::vars_os().chain(own) {
        block.extend(name.encode_wide());
        block.extend(OsStr::new("=").encode_wide());
        block.extend(value.encode_wide());
        block.push(0);
    }
    block.push(0);
    block
}

/// The text that a console shows, without the sequences that place it.
fn without_escapes(shown: &[u8]) -> String {
    let shown = String::from_utf8_lossy(shown);
    let mut text = String::new();
    let mut rest = shown.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.as_str().starts_with(']') => {
                rest.find(|&c| c == '\u{7}');
            }
            '\u{1b}' => {
                rest.find(char::is_ascii_alphabetic);
            }
            c => text.push(c),
        }
    }
    text
}

/// The scene of a child process. In the test run itself there is none.
#[test]
fn plays_a_scene() {
    let Ok(scene) = std::env::var(SCENE) else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let mark = |name: &str| fs::write(folder.join(name), "").unwrap();
    use_console();
    let outcome = play(&scene, &mark);
    fs::write(folder.join("outcome"), outcome).unwrap();
}

/// Makes the console the standard input and error: not every system does.
fn use_console() {
    for (stream, name) in [(STD_INPUT_HANDLE, "CONIN$"), (STD_ERROR_HANDLE, "CONOUT$")] {
        let handle = open(name).unwrap().into_raw_handle();
        // SAFETY: the handle is open until the process ends.
        unsafe { SetStdHandle(stream, handle) };
    }
}

fn modes() -> [CONSOLE_MODE; 2] {
    ["CONIN$", "CONOUT$"].map(|name| mode(open(name).unwrap().as_raw_handle()).unwrap())
}

fn play(scene: &str, mark: &dyn Fn(&str)) -> String {
    let before = modes();
    if scene == "colors" {
        let shows = console::shows_colors();
        console::write_stderr(b"\x1b[31mred\x1b[0m\n").unwrap();
        return format!("colors {shows}, given back {}", modes() == before);
    }
    if scene == "early" {
        mark("early");
        let mut count = 0;
        while count < 3 {
            let input = open("CONIN$").unwrap();
            // SAFETY: the handle is open, and the pointer is live.
            unsafe { GetNumberOfConsoleInputEvents(input.as_raw_handle(), &mut count) };
            thread::sleep(Duration::from_millis(10));
        }
    }
    let mut terminal = match Terminal::open(false) {
        Ok(terminal) => terminal,
        Err(error) => return format!("{error:?}"),
    };
    if scene == "busy" {
        let second = thread::spawn(|| matches!(Terminal::open(false), Err(OpenError::Busy)));
        return format!("busy {}", second.join().unwrap());
    }
    let outcome = prompt(&mut terminal, scene, mark);
    drop(terminal);
    assert_eq!(modes(), before, "the console is given back");
    outcome
}

/// Prompts for a line, and says how that ended.
fn prompt(terminal: &mut Terminal, scene: &str, mark: &dyn Fn(&str)) -> String {
    let begun = Instant::now();
    let event = AtomicBool::new(false);
    let cancel = || {
        let hidden = modes()[0] & ENABLE_ECHO_INPUT == 0;
        if scene == "break" && !event.swap(true, Ordering::Relaxed) {
            // As the system calls the handlers: the last one first.
            thread::spawn(|| {
                handler::on_event(CTRL_BREAK_EVENT);
                swallow();
            });
        } else if hidden && (scene != "break" || SWALLOWED.load(Ordering::SeqCst)) {
            mark("hidden");
        }
        if hidden && scene == "ctrl-c" && !event.swap(true, Ordering::Relaxed) {
            press_ctrl_c();
        }
        scene == "cancel" && begun.elapsed() > Duration::from_millis(200)
    };
    let limit = match scene {
        "timeout" => Duration::from_millis(300),
        _ => PATIENCE,
    };
    let wait = Wait {
        until: Some(begun + limit),
        cancel: &cancel,
    };
    let visible = scene == "visible";
    match terminal.read_line(PROMPT, visible, &wait) {
        Ok(Entry::Line(line)) => format!("line {}", String::from_utf8_lossy(&line)),
        Ok(Entry::TooLong(length)) => format!("too long {length}"),
        Err(ReadError::Failed(error)) => format!("failed: {error}"),
        Err(error) => format!("{error:?}"),
    }
}

/// Puts Ctrl-C into the input of the console, after another key. Pseudo-consoles of
/// some systems take the character for the end of their own input.
fn press_ctrl_c() {
    let input = open("CONIN$").unwrap();
    let events = [key(97, 1, 65), key(3, 1, 67)];
    let mut count = 0;
    // SAFETY: the handle is open, and the array as long as stated.
    let written =
        unsafe { WriteConsoleInputW(input.as_raw_handle(), events.as_ptr(), 2, &mut count) };
    assert_ne!(written, 0);
}

/// The event of a key that is pressed or released.
fn key(unit: u16, down: i32, code: u16) -> INPUT_RECORD {
    // SAFETY: all zeros is a valid value.
    let mut event: INPUT_RECORD = unsafe { std::mem::zeroed() };
    event.EventType = KEY_EVENT as u16;
    event.Event.KeyEvent.bKeyDown = down;
    event.Event.KeyEvent.wRepeatCount = 1;
    event.Event.KeyEvent.wVirtualKeyCode = code;
    event.Event.KeyEvent.uChar.UnicodeChar = unit;
    event
}

/// Whether the handler of the host program has seen the event, with a console that
/// shows input again.
static SWALLOWED: AtomicBool = AtomicBool::new(false);

fn swallow() {
    let shown = modes()[0] & ENABLE_ECHO_INPUT != 0;
    SWALLOWED.store(shown, Ordering::SeqCst);
}

/// Plays a scene, types when the console is hidden, and returns the outcome and what
/// was shown.
fn scene(scene: &str, keys: &str) -> (String, String) {
    let mut played = Scene::start(scene);
    if !keys.is_empty() {
        played.wait_for("hidden");
        played.type_in(keys);
    }
    played.end()
}

#[test]
fn a_hidden_line_is_read_and_not_shown() {
    let (outcome, shown) = scene("line", &format!("{KEY}\r"));
    assert_eq!(outcome, format!("line {KEY}"));
    assert!(shown.contains(PROMPT.trim_end()), "{shown:?}");
    assert!(!shown.contains("hidden-key"), "{shown:?}");
}

#[test]
fn keys_do_what_they_say() {
    for (keys, expected) in [
        ("ab\u{8}c\r", "line ac"),
        ("old\u{15}new\r", "line new"),
        ("one two\u{17}three\r", "line one three"),
        ("\r", "line "),
        ("\u{1a}", "EndOfInput"),
        ("abc\u{1a}\u{1a}", "line abc"),
    ] {
        assert_eq!(scene("line", keys).0, expected, "{keys:?}");
    }
}

#[test]
fn ctrl_c_ends_the_prompt_and_not_the_process() {
    assert_eq!(scene("ctrl-c", "").0, "Interrupted");
}

#[test]
fn a_visible_line_shows_its_beginning_only() {
    let (outcome, shown) = scene("visible", &format!("{KEY}\r"));
    assert_eq!(outcome, format!("line {KEY}"));
    assert!(!shown.contains("hidden-key"), "{shown:?}");
    assert!(shown.contains("hid"), "{shown:?}");
}

#[test]
fn the_wait_ends_by_time_limit_and_by_cancelling() {
    assert_eq!(scene("timeout", "").0, "TimedOut");
    assert_eq!(scene("cancel", "").0, "Cancelled");
}

#[test]
fn a_console_shows_colors_and_is_given_back() {
    let (outcome, shown) = scene("colors", "");
    assert_eq!(outcome, "colors true, given back true");
    assert!(shown.contains("red"), "{shown:?}");
}

#[test]
fn one_prompt_of_a_process_is_open_at_a_time() {
    assert_eq!(scene("busy", "").0, "busy true");
}

#[test]
fn what_was_typed_before_the_prompt_is_discarded() {
    let mut played = Scene::start("early");
    played.wait_for("early");
    played.type_in("abc");
    played.wait_for("hidden");
    played.type_in("new\r");
    assert_eq!(played.end().0, "line new");
}

/// Ctrl-Break, which the host program survives.
#[test]
fn an_event_restores_the_console_and_the_prompt_starts_over() {
    assert_eq!(scene("break", "abc\r").0, "line abc");
}

#[test]
fn a_redirected_standard_input_is_no_console() {
    let folder = std::env::temp_dir().join(format!("wandb-login-null-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let test = "prompt::terminal::windows::tests::refuses_without_console";
    let status = this_test::command(&[], test)
        .env(SCENE, "none")
        .env(FOLDER, &folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let said = fs::read_to_string(folder.join("outcome")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(said, STDIN_NOT_TERMINAL.to_string());
}

/// The child of the test above.
#[test]
fn refuses_without_console() {
    if std::env::var(SCENE).as_deref() != Ok("none") {
        return;
    }
    let said = match Terminal::open(false) {
        Err(OpenError::Unavailable(reason)) => reason.to_string(),
        Err(error) => format!("{error:?}"),
        Ok(_) => "opened".into(),
    };
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    fs::write(folder.join("outcome"), said).unwrap();
}

#[test]
fn only_typed_keys_are_characters() {
    assert_eq!(character(&key(97, 1, 65)), (97, 1));
    assert_eq!(character(&key(97, 0, 65)), (0, 0), "a released key");
    assert_eq!(
        character(&key(0xe9, 0, 0x12)),
        (0xe9, 1),
        "Alt and a number"
    );
    assert_eq!(character(&key(0, 1, 0x25)), (0, 0), "an arrow");
}
