//! Threads for what blocks: disk operations, and names to look up.

mod queue;

pub use queue::Notify;
pub use queue::lock;

use crate::error::SessionError;
use crate::hash::hash_lanes;
use crate::net::net_error;
use crate::store::{Scratch, Store, goes_together};
use peerless_core::{DiskError, DiskErrorKind, DiskOp, DiskResult, DiskTask, Input, JobId, ResolveError};
use queue::{Done, Queue};
use std::convert::Infallible;
use std::net::{IpAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Threads that look up names; a lookup can take half a minute.
const RESOLVERS: usize = 2;
/// How long whoever drops the workers waits for operations that are under way.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// The threads of a session. Answers are collected by [`drain`](Workers::drain).
///
/// Dropping it waits half a second for the disk operations that are under way; one that takes longer goes on by itself
/// and is answered to nobody. It drops those that have not begun, and waits for no name.
#[derive(Debug)]
pub struct Workers {
    disk: Arc<Queue<Option<JobId>, Work>>,
    names: Arc<Queue<JobId, Box<str>>>,
    done: Arc<Done<Input>>,
    disk_threads: Vec<JoinHandle<()>>,
    /// Disconnected once all of `disk_threads` have ended.
    ended: Mutex<Receiver<Infallible>>,
    resolvers: usize,
}

/// What a worker does.
#[derive(Debug)]
enum Work {
    /// A disk operation, under the number of its job.
    Op(DiskOp),
    /// To close what nobody uses. Nobody waits for an answer.
    CloseIdle,
}

impl Workers {
    /// Starts `threads` (at least one) for disk operations on `store`. `notify` is called once for each
    /// batch of answers: not again before [`drain`](Workers::drain).
    pub fn new(store: Arc<Store>, threads: usize, notify: Notify) -> Result<Self, SessionError> {
        let (alive, ended) = mpsc::channel();
        let mut workers = Self {
            disk: Arc::default(),
            names: Arc::default(),
            done: Arc::new(Done::new(notify)),
            disk_threads: Vec::new(),
            ended: ended.into(),
            resolvers: 0,
        };
        for n in 0..threads.max(1) {
            let (queue, store, done) = (workers.disk.clone(), store.clone(), workers.done.clone());
            let alive = alive.clone();
            let run = move || {
                run_disk(&queue, &store, &done);
                drop(alive);
            };
            let thread =
                spawn(format!("disk-{n}"), run).map_err(|e| SessionError::NoThread(net_error(&e)))?;
            workers.disk_threads.push(thread);
        }
        Ok(workers)
    }

    /// Carries out a disk operation; the answer is an [`Input::DiskDone`].
    pub fn disk(&mut self, job: JobId, op: DiskOp) {
        self.disk.push(Some(job), Work::Op(op));
    }

    /// Closes the files that nobody uses, before anything else: there are no more descriptors.
    pub fn close_idle_files(&mut self) {
        self.disk.remove(&None, |_| true);
        self.disk.push_first(None, Work::CloseIdle);
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
                if self.names.remove(&job, |_| true) {
                    let result = Err(ResolveError::Failed(e.to_string().into()));
                    self.done.push(Input::Resolved { job, result });
                }
            }
        }
    }

    /// Drops a job that has not begun and changes nothing on the disk; it is not answered. Any other is
    /// carried out and answered.
    pub fn cancel(&mut self, job: JobId) {
        let harmless = |work: &Work| {
            matches!(
                work,
                Work::Op(DiskOp {
                    task: DiskTask::Read { .. }
                        | DiskTask::Digest { .. }
                        | DiskTask::Survey { .. }
                        | DiskTask::LoadJournal { .. },
                    ..
                })
            )
        };
        if !self.names.remove(&job, |_| true) {
            self.disk.remove(&Some(job), harmless);
        }
    }

    /// Adds all answers that have come since the last call to `into`.
    pub fn drain(&mut self, into: &mut Vec<Input>) {
        self.done.drain(into);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.disk.close();
        self.names.close();
        wait_for_end(self.disk_threads.drain(..), &lock(&self.ended), LAST_WAIT);
    }
}

/// Waits for so long until threads have ended; those that have not are left to themselves. Says whether all have.
fn wait_for_end(
    threads: impl Iterator<Item = JoinHandle<()>>,
    ended: &Receiver<Infallible>,
    limit: Duration,
) -> bool {
    let all = ended.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected);
    if all {
        // A worker catches the panics of its operations; there is nothing to learn from one here.
        threads.for_each(|thread| _ = thread.join());
    }
    all
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(run)
}

fn run_disk(queue: &Queue<Option<JobId>, Work>, store: &Store, done: &Done<Input>) {
    let mut scratch = Scratch::default();
    let alike = |one: &Work, other: &Work| match (one, other) {
        (Work::Op(one), Work::Op(other)) => goes_together(one, other),
        _ => false,
    };
    while let Some(work) = queue.pop_together(hash_lanes(), alike) {
        let mut jobs = Vec::with_capacity(work.len());
        let mut ops = Vec::with_capacity(work.len());
        for (job, what) in work {
            match (job, what) {
                (Some(job), Work::Op(op)) => {
                    jobs.push(job);
                    ops.push(op);
                }
                _ => Store::close_idle(),
            }
        }
        let actions: Vec<_> = ops.iter().map(|op| op.task.verb()).collect();
        let results = catch_unwind(AssertUnwindSafe(|| store.execute_together(ops, &mut scratch)));
        let results = results.unwrap_or_else(|_| actions.into_iter().map(panicked).collect());
        done.push_all(jobs.into_iter().zip(results).map(|(job, result)| Input::DiskDone { job, result }));
    }
}

fn panicked(action: &'static str) -> DiskResult {
    let kind = DiskErrorKind::Other { code: 0, text: "the operation panicked; this is a bug".into() };
    Err(DiskError { action, path: "the torrent's files".into(), kind })
}

fn run_names(queue: &Queue<JobId, Box<str>>, done: &Done<Input>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn the_loopback_host_has_an_address() {
        let found = lookup("localhost").unwrap();
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
        assert!(!found.is_empty());
    }

    #[test]
    fn a_name_that_does_not_exist_is_told_from_a_lookup_that_failed() {
        let said = |words: &str| {
            resolve_error(&io::Error::other(format!("failed to lookup address information: {words}")))
        };
        assert_eq!(said("Name or service not known"), ResolveError::NotFound);
        let words = "Temporary failure in name resolution";
        assert_eq!(said(words), ResolveError::Failed(words.into()));
        assert!(lookup("nul\0").is_err());
    }

    #[test]
    fn a_panic_becomes_an_answer() {
        let error = panicked("write").unwrap_err();
        assert!(matches!(error.kind, DiskErrorKind::Other { code: 0, .. }));
        assert!(error.to_string().starts_with("disk: cannot write"), "{error}");
    }

    #[test]
    fn an_operation_that_hangs_is_not_waited_for() {
        let (alive, ended) = mpsc::channel();
        let (go_on, told) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let _ = told.recv();
            drop(alive);
        });
        assert!(!wait_for_end([thread].into_iter(), &ended, Duration::from_millis(1)));
        drop(go_on);
        assert!(wait_for_end([].into_iter(), &ended, Duration::from_secs(20)), "it has ended by now");
    }

    #[test]
    fn workers_without_work_end_when_dropped() {
        let workers = Workers::new(Arc::new(Store::new(2)), 3, Arc::new(|| {})).unwrap();
        assert_eq!(workers.disk_threads.len(), 3);
        let queue = Arc::downgrade(&workers.disk);
        drop(workers);
        assert!(queue.upgrade().is_none(), "a thread still holds the queue");
    }
}
