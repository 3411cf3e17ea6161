//! Threads for what blocks: disk operations, and names to look up.

use crate::error::SessionError;
use crate::net::net_error;
use crate::store::{Scratch, Store};
use peerless_core::{DiskError, DiskErrorKind, DiskOp, DiskResult, DiskTask, Input, JobId, ResolveError};
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What is called when there is something to collect. From any thread; must not block.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// Threads that look up names; a lookup can take half a minute.
const RESOLVERS: usize = 2;

/// The threads of a session. Answers are collected by [`drain`](Workers::drain).
///
/// Dropping it waits for the disk operations that are under way, drops those that have not begun, and waits
/// for no name.
#[derive(Debug)]
pub struct Workers {
    disk: Arc<Queue<DiskOp>>,
    names: Arc<Queue<Box<str>>>,
    done: Arc<Done>,
    disk_threads: Vec<JoinHandle<()>>,
    resolvers: usize,
}

impl Workers {
    /// Starts `threads` (at least one) for disk operations on `store`. `notify` is called once for each
    /// batch of answers: not again before [`drain`](Workers::drain).
    pub fn new(store: Arc<Store>, threads: usize, notify: Notify) -> Result<Self, SessionError> {
        let mut workers = Self {
            disk: Arc::default(),
            names: Arc::default(),
            done: Arc::new(Done { answers: Mutex::default(), told: AtomicBool::new(false), notify }),
            disk_threads: Vec::new(),
            resolvers: 0,
        };
        for n in 0..threads.max(1) {
            let (queue, store, done) = (workers.disk.clone(), store.clone(), workers.done.clone());
            let thread = spawn(format!("disk-{n}"), move || run_disk(&queue, &store, &done))
                .map_err(|e| SessionError::NoThread(net_error(&e)))?;
            workers.disk_threads.push(thread);
        }
        Ok(workers)
    }

    /// Carries out a disk operation; the answer is an [`Input::DiskDone`].
    pub fn disk(&mut self, job: JobId, op: DiskOp) {
        self.disk.push(job, op);
    }

    /// Looks up a host's addresses; the answer is an [`Input::Resolved`].
    pub fn resolve(&mut self, job: JobId, host: Box<str>) {
        self.names.push(job, host);
        if self.resolvers == RESOLVERS || self.names.has_idle() {
            return;
        }
        let (queue, done) = (self.names.clone(), self.done.clone());
        match spawn(format!("names-{}", self.resolvers), move || run_names(&queue, &done)) {
            Ok(_) => self.resolvers += 1,
            Err(_) if self.resolvers > 0 => {}
            Err(e) => {
                if self.names.remove(job, |_| true) {
                    let result = Err(ResolveError::Failed(e.to_string().into()));
                    self.done.push(Input::Resolved { job, result });
                }
            }
        }
    }

    /// Drops a job that has not begun and changes nothing on the disk; it is not answered. Any other is
    /// carried out and answered.
    pub fn cancel(&mut self, job: JobId) {
        let harmless = |op: &DiskOp| {
            matches!(
                op.task,
                DiskTask::Read { .. }
                    | DiskTask::Digest { .. }
                    | DiskTask::Survey { .. }
                    | DiskTask::LoadJournal { .. }
            )
        };
        if !self.names.remove(job, |_| true) {
            self.disk.remove(job, harmless);
        }
    }

    /// Adds all answers that have come since the last call to `into`.
    pub fn drain(&mut self, into: &mut Vec<Input>) {
        // The flag is cleared first: an answer that comes in between is told of again, never forgotten.
        self.done.told.store(false, Ordering::SeqCst);
        into.append(&mut lock(&self.done.answers));
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.disk.close();
        self.names.close();
        for thread in self.disk_threads.drain(..) {
            // A worker catches the panics of its operations; there is nothing to learn from one here.
            let _ = thread.join();
        }
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(run)
}

fn run_disk(queue: &Queue<DiskOp>, store: &Store, done: &Done) {
    let mut scratch = Scratch::default();
    while let Some((job, op)) = queue.pop() {
        let action = op.task.verb();
        let result = catch_unwind(AssertUnwindSafe(|| store.execute(op, &mut scratch)));
        let result = result.unwrap_or_else(|_| panicked(action));
        done.push(Input::DiskDone { job, result });
    }
}

fn panicked(action: &'static str) -> DiskResult {
    let kind = DiskErrorKind::Other { code: 0, text: "the operation panicked; this is a bug".into() };
    Err(DiskError { action, path: "the torrent's files".into(), kind })
}

fn run_names(queue: &Queue<Box<str>>, done: &Done) {
    while let Some((job, host)) = queue.pop() {
        done.push(Input::Resolved { job, result: lookup(&host) });
    }
}

fn lookup(host: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in (host, 0).to_socket_addrs().map_err(|e| resolve_error(&e))? {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) }
}

/// `std` keeps the resolver's number to itself: only its words tell "no such name" from "ask again".
fn resolve_error(error: &std::io::Error) -> ResolveError {
    const NO_SUCH_NAME: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "nodename nor servname provided",
        "Name does not resolve",
        "no address associated with name",
    ];
    let text = error.to_string();
    if NO_SUCH_NAME.iter().any(|words| text.contains(words)) {
        return ResolveError::NotFound;
    }
    let text = text.rsplit("failed to lookup address information: ").next().unwrap_or(&text);
    ResolveError::Failed(text.into())
}

/// Jobs that wait for a thread.
struct Queue<T> {
    state: Mutex<Waiting<T>>,
    changed: Condvar,
}

struct Waiting<T> {
    jobs: VecDeque<(JobId, T)>,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

impl<T> Queue<T> {
    fn push(&self, job: JobId, what: T) {
        lock(&self.state).jobs.push_back((job, what));
        self.changed.notify_one();
    }

    /// The next job; `None` once the queue is closed.
    fn pop(&self) -> Option<(JobId, T)> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.jobs.pop_front() {
                return Some(next);
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Takes a waiting job out, if `may` allows it. Says whether it did.
    fn remove(&self, job: JobId, may: impl Fn(&T) -> bool) -> bool {
        let mut state = lock(&self.state);
        let Some(at) = state.jobs.iter().position(|(id, what)| *id == job && may(what)) else { return false };
        state.jobs.remove(at);
        true
    }

    /// Whether as many threads are idle as jobs wait.
    fn has_idle(&self) -> bool {
        let state = lock(&self.state);
        state.idle >= state.jobs.len()
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.jobs.clear();
        self.changed.notify_all();
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = Waiting { jobs: VecDeque::new(), idle: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} waiting)", lock(&self.state).jobs.len())
    }
}

/// Answers that wait to be collected.
struct Done {
    answers: Mutex<Vec<Input>>,
    told: AtomicBool,
    notify: Notify,
}

impl Done {
    fn push(&self, answer: Input) {
        lock(&self.answers).push(answer);
        if !self.told.swap(true, Ordering::SeqCst) {
            (self.notify)();
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Done({} answers)", lock(&self.answers).len())
    }
}

/// A panic while a lock was held leaves nothing half done here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
