//! The interface of `streams.rs` for Windows, where a closed standard stream
//! needs no protection: a new file never becomes a standard stream.

/// Reserves nothing.
pub(crate) struct StandardStreams;

impl StandardStreams {
    pub(crate) fn reserve() -> StandardStreams {
        StandardStreams
    }
}
