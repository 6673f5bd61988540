//! How long a call may take.

use std::time::Instant;

/// How long to wait, and who may end the wait early. `cancel` is asked on the
/// calling thread, at least every 100 ms.
pub(crate) struct Wait<'a> {
    pub deadline: Instant,
    pub cancel: &'a dyn Fn() -> bool,
}
