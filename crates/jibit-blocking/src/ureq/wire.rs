//! Whether a byte of a request has been handed to a connection.
//!
//! ureq's errors do not tell: a reset may come while it connects or while it
//! waits for the answer. So the outermost connection notes what passes it. The
//! note is the thread's, since ureq connects and sends on the thread that calls.

use std::cell::Cell;

use ureq::{
    Error,
    unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
};

thread_local! {
    static LEFT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `send` and tells whether a byte may have left meanwhile.
pub(super) fn watch<T>(send: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(false);
    let sent = send();
    (sent, LEFT.get())
}

/// The last link of a chain of connectors.
#[derive(Debug)]
pub(super) struct Watched;

impl<In: Transport> Connector<In> for Watched {
    type Out = Noted<In>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        connected: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(connected.map(Noted))
    }
}

/// A connection that notes when something is sent on it.
#[derive(Debug)]
pub(super) struct Noted<T>(T);

impl<T: Transport> Transport for Noted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        LEFT.set(true);
        self.0.transmit_output(amount, timeout)
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
