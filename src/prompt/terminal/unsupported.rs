//! Platforms without a Unix terminal: the interface of `unix.rs`, with a `Tty`
//! that cannot be created.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::control_chars::ControlChars;
use super::{OpenError, ReadError, Unavailable};

pub(super) fn unavailable() -> Option<Unavailable> {
    Some(Unavailable::Unsupported)
}

#[derive(Clone, Copy)]
pub(super) enum StopScope {
    Group,
}

pub(super) struct Tty(Infallible);

impl Tty {
    pub(super) fn open() -> Result<Tty, OpenError> {
        Err(OpenError::Unavailable(Unavailable::Unsupported))
    }

    pub(super) fn control_chars(&self) -> &ControlChars {
        match self.0 {}
    }

    pub(super) fn columns(&self) -> Option<usize> {
        match self.0 {}
    }

    pub(super) fn hide(&mut self) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn stop(&mut self, _: StopScope) {
        match self.0 {}
    }

    pub(super) fn was_interrupted(&mut self) -> Result<bool, ReadError> {
        match self.0 {}
    }

    pub(super) fn read(&mut self, _: &mut [u8], _: Duration) -> Result<usize, ReadError> {
        match self.0 {}
    }

    pub(super) fn write(&mut self, _: &[u8]) -> Result<usize, ReadError> {
        match self.0 {}
    }

    pub(super) fn wait_writable(&mut self, _: Duration) -> Result<(), ReadError> {
        match self.0 {}
    }
}
