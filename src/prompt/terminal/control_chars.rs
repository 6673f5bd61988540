//! The control characters of the terminal, such as Ctrl-C and Ctrl-D.

/// The control characters of the terminal, as set by `stty`; 0 if disabled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ControlChars {
    pub interrupt: u8,
    pub quit: u8,
    pub suspend: u8,
    pub end: u8,
    pub erase: u8,
    pub kill: u8,
    pub word_erase: u8,
}

#[cfg(unix)]
impl ControlChars {
    /// Those of a terminal.
    pub(super) fn of(shown: &libc::termios) -> ControlChars {
        // A disabled control character is 0 on Linux and 255 on other systems.
        let key = |index: usize| match shown.c_cc[index] {
            0xff => 0,
            key => key,
        };
        ControlChars {
            interrupt: key(libc::VINTR),
            quit: key(libc::VQUIT),
            suspend: key(libc::VSUSP),
            end: key(libc::VEOF),
            erase: key(libc::VERASE),
            kill: key(libc::VKILL),
            word_erase: key(libc::VWERASE),
        }
    }
}
