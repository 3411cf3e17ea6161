//! Ctrl-c and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use crate::exit::{Exit, Failure, reason};
use crate::report::Report;
use peerless_runtime::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

static STATE: Mutex<State> = Mutex::new(State { seen: None, waker: None, litter: None });

struct State {
    /// The first signal that came.
    seen: Option<Exit>,
    /// Whoever is able to stop cleanly.
    waker: Option<Waker>,
    /// A temporary directory that nobody will miss.
    litter: Option<TempDir>,
}

/// Starts to listen for signals, on a thread of its own.
pub(crate) fn install() -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Bug, format!("limit: cannot handle signals: {}", reason(&error)))
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let listen = move || {
        for signal in &mut signals {
            arrived(if signal == SIGINT { Exit::Interrupted } else { Exit::Terminated });
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
    Ok(())
}

/// From now on the first signal wakes a session, which then asks [`seen`], instead of ending the process.
pub(crate) fn stop_cleanly(waker: Waker) {
    lock().waker = Some(waker);
}

/// The session is over: a signal ends the process again.
pub(crate) fn stop_at_once() {
    lock().waker = None;
}

/// The signal that came, if one did.
pub(crate) fn seen() -> Option<Exit> {
    lock().seen
}

/// A temporary directory that is gone after this is dropped, and also where a signal ends the process.
pub(crate) struct Litter(PathBuf);

impl Litter {
    /// Makes the directory. No signal comes between that and the promise to delete it.
    pub(crate) fn make(prefix: &str) -> std::io::Result<Self> {
        let mut state = lock();
        let dir = tempfile::Builder::new().prefix(prefix).tempdir()?;
        let path = dir.path().to_owned();
        state.litter = Some(dir);
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Litter {
    fn drop(&mut self) {
        remove(&mut lock());
    }
}

/// Deletes the litter, though threads that are about to end may still add to it.
fn remove(state: &mut State) {
    let Some(dir) = state.litter.take() else { return };
    let end = Instant::now() + Duration::from_secs(1);
    while std::fs::remove_dir_all(dir.path()).is_err() && dir.path().exists() && Instant::now() < end {
        std::thread::yield_now();
    }
}

fn arrived(exit: Exit) {
    let mut state = lock();
    if state.seen.is_none()
        && let Some(waker) = &state.waker
    {
        let waker = waker.clone();
        state.seen = Some(exit);
        drop(state);
        waker.wake();
        return;
    }
    remove(&mut state);
    let error = Some("interrupted: stopped at once".to_owned());
    let _ = Report { exit, error, ..Report::complete() }.finish();
    std::process::exit(i32::from(exit.code()));
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
