//! Ctrl-c and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use crate::exit::{Exit, Failure, reason};
use crate::report::Report;
use peerless_runtime::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

static STATE: Mutex<State> = Mutex::new(State { seen: None, waker: None, litter: None });

struct State {
    /// The first signal that came.
    seen: Option<Exit>,
    /// Whoever is able to stop cleanly.
    waker: Option<Waker>,
    /// A temporary directory that nobody will miss.
    litter: Option<PathBuf>,
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

/// Names a temporary directory to delete where a signal ends the process; `None`: no more.
pub(crate) fn set_litter(path: Option<PathBuf>) {
    lock().litter = path;
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
    if let Some(path) = &state.litter {
        let _ = std::fs::remove_dir_all(path);
    }
    let error = Some("interrupted: stopped at once".to_owned());
    let _ = Report { exit, error, ..Report::complete() }.finish();
    std::process::exit(i32::from(exit.code()));
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
