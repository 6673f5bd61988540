//! The limits of a call: deadline and cancellation.

use std::time::Instant;

/// When a call must end. `cancel` is polled on the calling thread, at least every
/// 100 ms.
pub(crate) struct Wait<'a> {
    pub deadline: Instant,
    pub cancel: &'a dyn Fn() -> bool,
}
