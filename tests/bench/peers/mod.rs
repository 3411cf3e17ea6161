//! The peers at the other end, played by one thread, so that they leave the machine to the client that is measured.

mod idle;
mod leeches;
mod seeds;

use mio::{Events, Poll, Registry, Token, Waker};
use nix::time::{ClockId, clock_gettime};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;

pub(super) use idle::Idle;
pub(super) use leeches::Leeches;
pub(super) use seeds::{Pace, Seeds};

/// The token of the waker; sockets count from 0.
const WAKER: Token = Token(usize::MAX);

/// What peers tell those who wait.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// The first request came, at this moment.
    Requested(Instant),
    /// As much was sent as should be.
    Served,
    /// One more shook hands.
    Connected,
    /// A connection is gone that should not be.
    Lost(String),
    /// One has all that it wanted.
    Finished,
    /// Wrong data came.
    Wrong(String),
}

/// What peers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Tell of a piece once a second, each of you.
    Have,
    End,
}

/// Who is played.
pub(super) trait Cast: Send + 'static {
    /// Something happened at this socket.
    fn ready(&mut self, registry: &Registry, at: usize) -> io::Result<()>;

    /// Told to do something.
    fn obey(&mut self, _order: Order) {}

    /// Does what is due, after everything else. Returns when something is due again.
    fn turn(&mut self, registry: &Registry, now: Instant) -> io::Result<Option<Instant>>;
}

/// A thread full of peers. They go when it is dropped.
#[derive(Debug)]
pub(super) struct Crowd {
    told: Receiver<Told>,
    orders: Sender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<f64>>,
}

impl Crowd {
    /// Starts those whom `gather` makes.
    pub(super) fn start<C: Cast>(
        gather: impl FnOnce(&Registry, Sender<Told>) -> io::Result<C>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (tell, told) = channel();
        let (orders, ordered) = channel();
        let cast = gather(poll.registry(), tell.clone())?;
        let thread = std::thread::Builder::new().name("peers".into()).spawn(move || {
            if let Err(e) = play(cast, poll, &ordered) {
                // Nobody listens when the measurement is over.
                let _ = tell.send(Told::Lost(format!("the peers cannot go on: {e}")));
            }
            processor_time_of_this_thread()
        })?;
        Ok(Self { told, orders, waker, thread: Some(thread) })
    }

    /// Waits for something of which `pick` makes something.
    ///
    /// # Errors
    /// When the deadline passes before, or anything went wrong there; `what` tells the reader what was hoped for.
    pub(super) fn wait_for<T>(
        &self,
        what: &str,
        deadline: Deadline,
        mut pick: impl FnMut(&Told) -> Option<T>,
    ) -> Result<T, String> {
        loop {
            match self.told.recv_timeout(deadline.left()) {
                Ok(told) => match (pick(&told), told) {
                    (Some(found), _) => return Ok(found),
                    (None, Told::Wrong(why)) => return Err(why),
                    (None, Told::Lost(why)) => return Err(format!("a connection was lost: {why}")),
                    _ => {}
                },
                Err(e) => return Err(format!("no {what}: {e}")),
            }
        }
    }

    /// Lets them be for so long; how many connections were lost meanwhile.
    pub(super) fn watch(&self, window: Duration) -> usize {
        let deadline = Deadline::after(window);
        let told = std::iter::from_fn(|| self.told.recv_timeout(deadline.left()).ok());
        told.filter(|told| matches!(told, Told::Lost(_))).count()
    }

    /// Tells them to do something.
    pub(super) fn order(&self, order: Order) {
        // A thread that has ended has told why.
        if self.orders.send(order).is_ok() {
            let _ = self.waker.wake();
        }
    }

    /// Sends them home, and says what processor time they took, in seconds.
    pub(super) fn end(mut self) -> f64 {
        self.go()
    }

    fn go(&mut self) -> f64 {
        self.order(Order::End);
        self.thread.take().map_or(0.0, |thread| thread.join().unwrap_or(f64::NAN))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.go();
    }
}

fn play(mut cast: impl Cast, mut poll: Poll, orders: &Receiver<Order>) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    loop {
        let now = Instant::now();
        let due = cast.turn(poll.registry(), now)?;
        // Rounded up to what the system counts in, or it would wake too early, again and again.
        let wait = due.map(|due| due.saturating_duration_since(now) + Duration::from_micros(100));
        match poll.poll(&mut events, wait) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        for event in &events {
            if event.token() != WAKER {
                cast.ready(poll.registry(), event.token().0)?;
            }
        }
        while let Ok(order) = orders.try_recv() {
            if order == Order::End {
                return Ok(());
            }
            cast.obey(order);
        }
    }
}

fn processor_time_of_this_thread() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(f64::NAN, |time| Duration::from(time).as_secs_f64())
}
