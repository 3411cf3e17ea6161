//! A client or tracker as a child process: what it says, line by line, how it ends, and that it does end.

use crate::deadline::{Deadline, wait_until};
use crate::terminal;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How many of the last lines are shown when a test fails.
const SHOWN: usize = 60;

/// How often the peak memory is read.
const SAMPLING: Duration = Duration::from_millis(20);

/// A running child process. Killed when dropped; if the test is failing then, its last lines are shown.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    peak: Arc<AtomicU64>,
}

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<Said>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<(Stream, String)>,
    /// How many of the two streams have ended.
    ended: u8,
}

impl Process {
    /// Starts `command` and reads all that it says. `name` is for the reports.
    pub fn spawn(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot start {name} ({command:?}): {e}"));
        let output = Arc::new(Output::default());
        read_lines(child.stdout.take().unwrap(), Stream::Out, Arc::clone(&output));
        read_lines(child.stderr.take().unwrap(), Stream::Err, Arc::clone(&output));
        Self::new(name, child, output)
    }

    /// Starts `command` on a terminal. What it writes there, escape codes included, is what
    /// [`stderr`](Self::stderr) gives; each drawing of a line that is drawn again is one line.
    pub fn spawn_on_terminal(name: &str, mut command: Command) -> Self {
        let (ours, theirs) = terminal::open();
        let stdio = || Stdio::from(theirs.try_clone().expect("a descriptor"));
        command.stdin(stdio()).stdout(stdio()).stderr(stdio()).env("TERM", "xterm");
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot start {name} ({command:?}): {e}"));
        // Nobody but the child may keep its side open, or there is no end.
        drop((command, theirs));
        let output = Arc::new(Output::default());
        output.lock().ended = 1;
        read_lines(ours, Stream::Err, Arc::clone(&output));
        Self::new(name, child, output)
    }

    fn new(name: &str, child: Child, output: Arc<Output>) -> Self {
        let peak = Arc::new(AtomicU64::new(0));
        sample_memory(child.id(), Arc::clone(&output), Arc::clone(&peak));
        Self { name: name.into(), child, output, peak }
    }

    /// Waits for the first line, among those said so far and to come, of which `pick` makes something.
    ///
    /// # Panics
    /// When the deadline passes or the process ends before; `what` tells the reader what was hoped for.
    pub fn wait_for<T>(&self, what: &str, deadline: Deadline, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let mut said = self.output.lock();
        let mut seen = 0;
        loop {
            while let Some((_, line)) = said.lines.get(seen) {
                if let Some(found) = pick(line) {
                    return found;
                }
                seen += 1;
            }
            if said.ended == 2 {
                drop(said);
                panic!("{} ended without {what}", self.name);
            }
            if deadline.passed() {
                drop(said);
                panic!("{}: no {what} in time", self.name);
            }
            said = self.output.changed.wait_timeout(said, deadline.left()).unwrap().0;
        }
    }

    /// Waits for a line that contains `text`, and returns it.
    ///
    /// # Panics
    /// As [`wait_for`](Self::wait_for).
    pub fn wait_for_text(&self, text: &str, deadline: Deadline) -> String {
        let what = format!("line with {text:?}");
        self.wait_for(&what, deadline, |line| line.contains(text).then(|| line.to_owned()))
    }

    /// Waits until the process has ended and all that it said is read.
    ///
    /// # Panics
    /// When the deadline passes before.
    pub fn wait_exit(&mut self, deadline: Deadline) -> ExitStatus {
        let mut said = self.output.lock();
        while said.ended < 2 && !deadline.passed() {
            said = self.output.changed.wait_timeout(said, deadline.left()).unwrap().0;
        }
        drop(said);
        let ended = wait_until(deadline, || self.child.try_wait().unwrap());
        ended.unwrap_or_else(|| panic!("{} did not end in time", self.name))
    }

    /// Sends a signal, unless the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.child.try_wait().unwrap().is_none() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal).unwrap_or_else(|e| panic!("cannot signal {}: {e}", self.name));
        }
    }

    /// Asks the process to end by `signal`, and waits for it.
    ///
    /// # Panics
    /// When it does not end within ten seconds.
    pub fn stop(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.wait_exit(Deadline::seconds(10))
    }

    /// What it has written to standard output so far, line by line.
    pub fn stdout(&self) -> Vec<String> {
        self.lines(Stream::Out)
    }

    /// What it has written to standard error so far, line by line.
    pub fn stderr(&self) -> Vec<String> {
        self.lines(Stream::Err)
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The largest resident memory so far, in bytes (`VmHWM`).
    pub fn peak_memory(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    fn lines(&self, stream: Stream) -> Vec<String> {
        let said = self.output.lock();
        said.lines.iter().filter(|(from, _)| *from == stream).map(|(_, line)| line.clone()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let killed = self.child.kill();
        if killed.is_ok() {
            // Cannot block for long: the process is dead or was just killed.
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let said = self.output.lock();
            // What is redrawn again and again, or says how far it is, would push out the rest.
            let last = said.lines.len().saturating_sub(1);
            let lines = said.lines.iter().enumerate();
            let told: Vec<_> = lines
                .filter(|(at, (_, line))| *at == last || !is_progress(line))
                .map(|(_, line)| line)
                .collect();
            let from = told.len().saturating_sub(SHOWN);
            eprintln!("---- the last lines of {} ----", self.name);
            for (stream, line) in &told[from..] {
                eprintln!("{} {line}", if *stream == Stream::Out { "|" } else { "!" });
            }
        }
    }
}

impl Output {
    /// The lines; also when a test has panicked while it held them, for its report needs them.
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether a line says how far something is: Transmission's, or one of our own JSON.
fn is_progress(line: &str) -> bool {
    line.starts_with("Progress: ")
        || line.contains(r#""type":"progress""#)
        || line.contains(r#""type":"piece_"#)
}

/// Reads lines on a thread of its own until the stream ends. A carriage return ends a line as well: that is
/// how progress is redrawn.
fn read_lines(mut from: impl Read + Send + 'static, stream: Stream, output: Arc<Output>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        let mut line = Vec::new();
        loop {
            let n = from.read(&mut buffer).unwrap_or(0);
            let mut said = output.lock();
            for byte in &buffer[..n] {
                if !matches!(byte, b'\n' | b'\r') {
                    line.push(*byte);
                } else if !line.is_empty() {
                    said.lines.push((stream, String::from_utf8_lossy(&line).into_owned()));
                    line.clear();
                }
            }
            if n == 0 {
                if !line.is_empty() {
                    said.lines.push((stream, String::from_utf8_lossy(&line).into_owned()));
                }
                said.ended += 1;
            }
            output.changed.notify_all();
            if n == 0 {
                return;
            }
        }
    });
}

/// Keeps reading the peak memory until the output ends. The kernel keeps the peak, so that only what happens
/// after the last look is missed.
fn sample_memory(pid: u32, output: Arc<Output>, peak: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        while output.lock().ended < 2 {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let kib = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            let kib = kib.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak.fetch_max(kib.unwrap_or(0) * 1024, Ordering::Relaxed);
            std::thread::sleep(SAMPLING);
        }
    });
}
