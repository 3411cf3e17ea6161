//! How jobs get to threads, and answers back.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What is called when there is something to collect. From any thread; must not block.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// How far behind the next job others are looked for that go together with it.
const FAR: usize = 64;

/// Jobs that wait for a thread, first come, first served.
pub(super) struct Queue<K, T> {
    state: Mutex<Waiting<K, T>>,
    changed: Condvar,
}

struct Waiting<K, T> {
    jobs: VecDeque<(K, T)>,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

impl<K: PartialEq, T> Queue<K, T> {
    pub(super) fn push(&self, job: K, what: T) {
        lock(&self.state).jobs.push_back((job, what));
        self.changed.notify_one();
    }

    /// Adds a job before all others.
    pub(super) fn push_first(&self, job: K, what: T) {
        lock(&self.state).jobs.push_front((job, what));
        self.changed.notify_one();
    }

    /// The next job; `None` once the queue is closed.
    pub(super) fn pop(&self) -> Option<(K, T)> {
        self.wait()?.jobs.pop_front()
    }

    /// The next job, and some of those behind it that are `alike`: at most `most` in all, and no more than this
    /// thread's share where others wait for a job. `None` once the queue is closed.
    pub(super) fn pop_together(&self, most: usize, alike: impl Fn(&T, &T) -> bool) -> Option<Vec<(K, T)>> {
        let mut state = self.wait()?;
        let first = state.jobs.pop_front()?;
        let like_it = |(_, what): &(K, T)| alike(&first.1, what);
        let waiting = state.jobs.iter().take(FAR).filter(|job| like_it(job)).count();
        let share = (1 + waiting).div_ceil(1 + state.idle).min(most);
        let mut company = Vec::new();
        let mut at = 0;
        while 1 + company.len() < share {
            // So many were counted.
            while state.jobs.get(at).is_some_and(|job| !like_it(job)) {
                at += 1;
            }
            company.extend(state.jobs.remove(at));
        }
        company.insert(0, first);
        Some(company)
    }

    /// Waits until there is a job. `None` once the queue is closed.
    fn wait(&self) -> Option<MutexGuard<'_, Waiting<K, T>>> {
        let mut state = lock(&self.state);
        while !state.closed {
            if !state.jobs.is_empty() {
                return Some(state);
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        None
    }

    /// Takes a waiting job out, if `may` allows it. Says whether it did.
    pub(super) fn remove(&self, job: &K, may: impl Fn(&T) -> bool) -> bool {
        let mut state = lock(&self.state);
        let Some(at) = state.jobs.iter().position(|(id, what)| id == job && may(what)) else { return false };
        state.jobs.remove(at);
        true
    }

    /// Whether as many threads are idle as jobs wait.
    pub(super) fn has_idle(&self) -> bool {
        let state = lock(&self.state);
        state.idle >= state.jobs.len()
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.jobs.clear();
        self.changed.notify_all();
    }
}

impl<K, T> Default for Queue<K, T> {
    fn default() -> Self {
        let state = Waiting { jobs: VecDeque::new(), idle: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<K, T> fmt::Debug for Queue<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} waiting)", lock(&self.state).jobs.len())
    }
}

/// Answers that wait to be collected.
pub(super) struct Done<A> {
    answers: Mutex<Vec<A>>,
    told: AtomicBool,
    notify: Notify,
}

impl<A> Done<A> {
    pub(super) fn new(notify: Notify) -> Self {
        Self { answers: Mutex::default(), told: AtomicBool::new(false), notify }
    }

    /// Adds an answer, and tells of it unless that was done since the last [`drain`](Self::drain).
    pub(super) fn push(&self, answer: A) {
        self.push_all([answer]);
    }

    /// Adds answers, and tells of them at once.
    pub(super) fn push_all(&self, answers: impl IntoIterator<Item = A>) {
        lock(&self.answers).extend(answers);
        if !self.told.swap(true, Ordering::SeqCst) {
            (self.notify)();
        }
    }

    /// Moves all answers to `into`.
    pub(super) fn drain(&self, into: &mut Vec<A>) {
        // The flag is cleared first: an answer that comes in between is told of again, never forgotten.
        self.told.store(false, Ordering::SeqCst);
        into.append(&mut lock(&self.answers));
    }
}

impl<A> fmt::Debug for Done<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Done({} answers)", lock(&self.answers).len())
    }
}

/// Takes a lock. In this crate and its drivers a panic while one was held leaves nothing half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn jobs_come_out_in_order_and_can_be_taken_back() {
        let queue = Queue::default();
        for n in 0..4 {
            queue.push(n, "job");
        }
        assert!(queue.remove(&1, |_| true));
        assert!(!queue.remove(&1, |_| true));
        assert!(!queue.remove(&2, |_| false), "not allowed");
        queue.push_first(9, "in haste");
        let order: Vec<i32> = (0..4).filter_map(|_| queue.pop()).map(|(n, _)| n).collect();
        assert_eq!(order, [9, 0, 2, 3]);
    }

    #[test]
    fn what_goes_together_is_taken_together_and_the_rest_keeps_its_order() {
        let queue: Queue<u32, char> = Queue::default();
        for (n, what) in (0..).zip("ababbaaaab".chars()) {
            queue.push(n, what);
        }
        let mut taken = Vec::new();
        for most in [3, 1, 4, 4] {
            let jobs = queue.pop_together(most, |a, b| a == b).unwrap();
            taken.push(jobs.into_iter().map(|(n, _)| n).collect::<Vec<_>>());
        }
        assert_eq!(taken, [vec![0, 2, 5], vec![1], vec![3, 4, 9], vec![6, 7, 8]]);
        assert!(lock(&queue.state).jobs.is_empty());
    }

    #[test]
    fn threads_that_wait_get_their_share() {
        let queue: Queue<u32, ()> = Queue::default();
        (0..5).for_each(|n| queue.push(n, ()));
        let take = |idle| {
            lock(&queue.state).idle = idle;
            queue.pop_together(4, |(), ()| true).unwrap().len()
        };
        assert_eq!((take(1), take(5), take(0)), (3, 1, 1));
    }

    #[test]
    fn closing_frees_every_thread_that_waits() {
        let queue: Queue<u32, ()> = Queue::default();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| queue.pop())).collect();
            queue.close();
            assert!(threads.into_iter().all(|t| t.join().unwrap().is_none()));
        });
        queue.push(1, ());
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn every_job_is_done_once() {
        let queue: Queue<u32, ()> = Queue::default();
        let (done, answers) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..3 {
                let (queue, done) = (&queue, done.clone());
                scope.spawn(move || {
                    while let Some((n, ())) = queue.pop() {
                        done.send(n).unwrap();
                    }
                });
            }
            (0..100).for_each(|n| queue.push(n, ()));
            let mut all: Vec<u32> = (0..100).map(|_| answers.recv().unwrap()).collect();
            queue.close();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..100));
        });
    }

    #[test]
    fn many_answers_are_told_of_once_and_none_is_forgotten() {
        let told = Arc::new(AtomicUsize::new(0));
        let counter = told.clone();
        let done = Done::new(Arc::new(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        done.push(1);
        done.push(2);
        assert_eq!(told.load(Ordering::SeqCst), 1);
        let mut all = Vec::new();
        done.drain(&mut all);
        done.push(3);
        assert_eq!(told.load(Ordering::SeqCst), 2);
        done.drain(&mut all);
        assert_eq!(all, [1, 2, 3]);
    }
}
