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
