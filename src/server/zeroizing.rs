//! Secrets on their way to the server: what passes through the buffers of the HTTP
//! client is wiped as soon as it is sent or read.

use std::fmt;

use ureq::Error;
use ureq::http::HeaderValue;
use ureq::http::header::InvalidHeaderValue;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use zeroize::Zeroize;

use crate::util::secret::WipedBytes;

/// A header's value that is shown in no text and wiped with its last copy.
pub(super) fn sensitive(value: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    let owner = WipedBytes::new(value.to_vec());
    let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from_owner(owner))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A connection that keeps nothing in its buffers.
pub(super) struct Wiped(pub Box<dyn Transport>);

impl Wiped {
    fn wipe_input(&mut self) {
        self.0.buffers().input_append_buf().zeroize();
    }
}

impl Transport for Wiped {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let sent = self.0.transmit_output(amount, timeout);
        self.0.buffers().output()[..amount].zeroize();
        // A request's body passes through the free part of the input.
        self.wipe_input();
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.0.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        let buffers = self.0.buffers();
        // Only what is free can be reached: so all of it is.
        buffers.input_consume(buffers.input().len());
        self.wipe_input();
    }
}

impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wiped")
    }
}
