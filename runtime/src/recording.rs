//! The file of a recording: written by a thread of its own, so that no disk makes the network wait.
//!
//! What was recorded waits in memory for a tenth of a second at most. So a process that is killed loses no more
//! than that, and the thread wakes up ten times a second at most, and not at all where nothing happens.

mod place;
#[cfg(test)]
mod tests;

pub use place::{check_recording, open_recording};

use crate::error::SessionError;
use crate::net::net_error;
use crate::settings::Recording;
use crate::workers::lock;
use peerless_core::NetError;
use peerless_core::record::Recorder;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long bytes wait for others to be written with them.
const PAUSE: Duration = Duration::from_millis(100);
/// So many bytes do not wait.
const MANY: usize = 1 << 20;
/// Bytes that may wait for a slow disk. Then the session waits too: whoever wants a recording wants it whole.
const MAX_WAITING: usize = 32 << 20;

/// How a recording stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingState {
    /// It goes on.
    Running,
    /// It is whole: the session is over.
    Ended,
    /// It reached [`Recording::limit`] and holds the session up to then.
    AtLimit,
    /// The file could not be written to; it holds the session up to then.
    Failed(NetError),
}

/// An open recording.
#[derive(Debug)]
pub(crate) struct RecordingFile {
    settings: Recording,
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

/// Where the session leaves bytes, and the thread fetches them.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    /// There is something to write, or nothing more will come.
    work: Condvar,
    /// There is room again.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    closed: bool,
    failed: Option<NetError>,
}

impl RecordingFile {
    /// Creates the file, or takes one over that is a recording, and starts the thread.
    ///
    /// # Errors
    /// [`SessionError`] where something else stands there, or it cannot be written.
    pub(crate) fn open(recording: &Recording) -> Result<Self, SessionError> {
        let file = open_recording(&recording.path)?;
        let desk = Arc::new(Desk::default());
        let for_thread = desk.clone();
        let thread = thread::Builder::new().name("recording".into()).spawn(move || run(file, &for_thread));
        let thread = thread.map_err(|e| SessionError::NoThread(net_error(&e)))?;
        Ok(Self { settings: recording.clone(), desk, thread: Some(thread) })
    }

    /// See [`Recording::keep_out_of`].
    pub(crate) fn keep_out_of(&self, target: &Path) -> Result<(), SessionError> {
        self.settings.keep_out_of(target)
    }

    /// Takes what was recorded.
    pub(crate) fn take(&self, recorder: &mut Recorder) {
        if recorder.is_empty() {
            return;
        }
        let mut state = lock(&self.desk.state);
        while state.waiting.len() >= MAX_WAITING && state.failed.is_none() {
            state = self.desk.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let before = state.waiting.len();
        recorder.drain_into(&mut state.waiting);
        if state.failed.is_some() {
            state.waiting.clear();
        }
        let now = state.waiting.len();
        drop(state);
        if (before == 0 && now > 0) || (before < MANY && now >= MANY) {
            self.desk.work.notify_one();
        }
    }

    /// Why the file could not be written to, if so.
    pub(crate) fn failure(&self) -> Option<NetError> {
        lock(&self.desk.state).failed.clone()
    }
}

impl Drop for RecordingFile {
    /// Waits until all is written.
    fn drop(&mut self) {
        lock(&self.desk.state).closed = true;
        self.desk.work.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic; and there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// The thread.
fn run(mut file: File, desk: &Desk) {
    let mut bytes = Vec::new();
    while desk.fetch(&mut bytes) {
        if let Err(error) = file.write_all(&bytes) {
            let mut state = lock(&desk.state);
            state.failed = Some(net_error(&error));
            state.waiting = Vec::new();
            drop(state);
            desk.room.notify_all();
            return;
        }
        bytes.clear();
    }
    // It stays in the page cache where it cannot be synced: no recording is worth more than that.
    let _ = file.sync_data();
}

impl Desk {
    /// Waits for bytes, and a little longer for more of them. Whether there are any: otherwise nothing more will come.
    fn fetch(&self, bytes: &mut Vec<u8>) -> bool {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let few = |state: &mut State| state.waiting.len() < MANY && !state.closed;
        let state = self.work.wait_while(lock(&self.state), idle).unwrap_or_else(PoisonError::into_inner);
        let waited = self.work.wait_timeout_while(state, PAUSE, few);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, bytes);
        drop(state);
        self.room.notify_all();
        !bytes.is_empty()
    }
}
