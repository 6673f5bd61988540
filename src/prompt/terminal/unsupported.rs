//! Where there is no terminal of the Unix kind. The functions of `unix.rs`, for
//! a `Tty` that cannot exist.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::line::ControlChars;
use super::{Obstacle, Refusal, Stop};

pub(super) fn obstacle() -> Option<Obstacle> {
    Some(Obstacle::Unsupported)
}

#[derive(Clone, Copy)]
pub(super) enum Who {
    Group,
}

pub(super) struct Tty(Infallible);

impl Tty {
    pub(super) fn open() -> Result<Tty, Refusal> {
        Err(Refusal::Obstacle(Obstacle::Unsupported))
    }

    pub(super) fn keys(&self) -> &ControlChars {
        match self.0 {}
    }

    pub(super) fn hide(&mut self) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn stop(&mut self, _: Who) {
        match self.0 {}
    }

    pub(super) fn was_interrupted(&mut self) -> Result<bool, Stop> {
        match self.0 {}
    }

    pub(super) fn read(&mut self, _: &mut [u8], _: Duration) -> Result<usize, Stop> {
        match self.0 {}
    }

    pub(super) fn write(&mut self, _: &[u8]) -> Result<usize, Stop> {
        match self.0 {}
    }

    pub(super) fn wait_writable(&mut self, _: Duration) -> Result<(), Stop> {
        match self.0 {}
    }
}
