//! A client that is being measured: processor time, memory, context switches; and that it ends, whatever happens.

use super::machine::value;
use crate::deadline::{Deadline, wait_until};
use crate::process::Process;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid as NixPid;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a client may take for its farewell, in seconds.
const FAREWELL: u64 = 60;

/// A client counts as resting when it takes less than this part of a core ...
const RESTING: f64 = 0.03;
/// ... for so long.
const RESTED: Duration = Duration::from_millis(500);

/// The processes that have to be ended.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A started client. Killed when dropped.
#[derive(Debug)]
pub(super) struct Running {
    /// `None` only while it is dropped.
    process: Option<Process>,
    id: u32,
    /// When it was started.
    pub(super) began: Instant,
    before: Usage,
}

/// What processes took from their start to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// User and system time, in seconds.
    pub(super) processor: f64,
    /// User time alone.
    pub(super) user: f64,
    /// Voluntary or not.
    pub(super) switches: i64,
}

impl Usage {
    /// Of all children that have ended and were waited for.
    fn of_children() -> Self {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("a process may ask about itself");
        let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
        let user = seconds(usage.user_time());
        Self {
            processor: user + seconds(usage.system_time()),
            user,
            switches: usage.voluntary_context_switches() + usage.involuntary_context_switches(),
        }
    }
}

impl Running {
    /// Starts a client. While it is there no other child may end: their times would be counted as its own.
    pub(super) fn start(name: &str, command: Command) -> Self {
        let before = Usage::of_children();
        let began = Instant::now();
        let process = Process::spawn(name, command);
        let id = process.id();
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Self { process: Some(process), id, began, before }
    }

    /// The process itself.
    pub(super) const fn process(&self) -> &Process {
        self.process.as_ref().expect("it is there until it is dropped")
    }

    /// Processor time so far, of all its threads, in seconds.
    pub(super) fn processor(&self) -> f64 {
        let clock = clock_getcpuclockid(NixPid::from_raw(self.id.cast_signed()));
        let time = clock.and_then(|clock| clock.now());
        Duration::from(time.unwrap_or_else(|e| panic!("it has no clock any more: {e}"))).as_secs_f64()
    }

    /// Memory of its own, without files, in KiB.
    pub(super) fn anonymous(&self) -> f64 {
        let text = value(&format!("/proc/{}/status", self.id), "RssAnon").expect("it is running");
        text.trim_end_matches(" kB").parse().expect("a number of KiB")
    }

    /// The most memory that it had, in MiB.
    pub(super) fn peak(&self) -> f64 {
        let now = value(&format!("/proc/{}/status", self.id), "VmHWM").unwrap_or_default();
        let now = now.trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib << 10);
        now.max(self.process().peak_memory()) as f64 / f64::from(1 << 20)
    }

    /// Waits until it hardly does anything, or for half a minute.
    pub(super) fn rest(&self) {
        let (mut since, mut then) = (Instant::now(), self.processor());
        wait_until(Deadline::seconds(30), || {
            let time = since.elapsed();
            if time < RESTED {
                return None;
            }
            let now = self.processor();
            let rests = (now - then) / time.as_secs_f64() < RESTING;
            (since, then) = (Instant::now(), now);
            rests.then_some(())
        });
    }

    /// Waits until it ends by itself.
    pub(super) fn wait_exit(&mut self, deadline: Deadline) -> ExitStatus {
        self.process.as_mut().expect("it is there until it is dropped").wait_exit(deadline)
    }

    /// Asks it to end if it has not, and says what it took in all.
    pub(super) fn end(mut self, signal: Signal) -> Usage {
        let process = self.process.as_mut().expect("it is there until it is dropped");
        process.signal(signal);
        process.wait_exit(Deadline::seconds(FAREWELL));
        let after = Usage::of_children();
        Usage {
            processor: after.processor - self.before.processor,
            user: after.user - self.before.user,
            switches: after.switches - self.before.switches,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.process.take());
        running.remove(&self.id);
    }
}

/// From now on a signal that ends this program ends first what it started, and removes these directories.
pub(super) fn end_all_on_signal(dirs: Vec<PathBuf>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).expect("signals");
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        // Held to the end, so that none is waited for, and its number given to another, meanwhile.
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        for id in running.iter() {
            let pid = Pid::from_raw(id.cast_signed()).expect("the number of a process");
            // That it has just ended is as well.
            let _ = kill_process(pid, Signal::KILL);
        }
        for dir in dirs {
            let _ = std::fs::remove_dir_all(dir);
        }
        std::process::exit(128 + signal);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_measured_and_ends_when_asked() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo worked; exec tail -f /dev/null",
        ]);
        let running = Running::start("worker", command);
        running.process().wait_for_text("worked", Deadline::seconds(60));
        let so_far = running.processor();
        assert!(so_far > 0.0);
        running.rest();
        assert!(running.anonymous() > 0.0);
        let usage = running.end(Signal::TERM);
        assert!(usage.processor > so_far / 2.0, "{usage:?} in all, {so_far} s before");
        assert!(usage.switches > 0);
    }
}
