//! What a login says on its way: lines for a human, never a secret.

/// How much a line matters. The numbers are those of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something needs the user's attention.
    Warn = 2,
    /// What was done.
    Info = 3,
}

/// Something worth a warning, at a line (from 1) of the text it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub line: usize,
    pub text: String,
}
