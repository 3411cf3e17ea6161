//! Where tasks leave what they have to report, and the buffer that they read into.

use peerless_core::Input;
use peerless_runtime::ReceiveBuffer;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a task has to say.
#[derive(Debug)]
pub(crate) enum Report {
    /// Something for the engine.
    Input(Input),
    /// Somebody connected.
    Accepted(TcpStream, SocketAddr),
}

/// Shared by the session and its tasks. They run in turn, so nobody ever waits for the lock.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) reports: Vec<Report>,
    pub(crate) buffer: ReceiveBuffer,
}

impl Desk {
    pub(crate) fn report(&mut self, input: Input) {
        self.reports.push(Report::Input(input));
    }
}

/// Takes a lock. A panic while it was held leaves nothing half done here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
