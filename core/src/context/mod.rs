//! What every torrent of an engine shares: the way out, the numbers, the clock, the timers, the budget.

mod budget;
mod outbox;

pub(crate) use outbox::Outbox;

use crate::action::Action;
use crate::announcer::TrackerKey;
use crate::config::Config;
use crate::disk::{DiskOp, DiskTask};
use crate::ids::{ConnId, JobId, PeerId, TorrentId};
use crate::input::NetError;
use crate::time::{Duration, Instant};
use crate::timers::{TimerKey, Timers};
use crate::torrent::Job;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use budget::Budget;
use core::net::SocketAddr;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// No connection is opened for so long after the system had no descriptor for one.
const DIAL_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause for want of ports.
const MAX_DIAL_PAUSE: Duration = Duration::from_secs(30);

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnOwner {
    /// Nobody's yet: accepted, and the handshake has not named a torrent.
    Stranger,
    /// A peer of a torrent.
    Peer(TorrentId),
    /// An exchange with a tracker of a torrent.
    Tracker(TorrentId, TrackerKey),
}

/// Handed down to whatever acts. Torrents know nothing else of the engine, and nothing of each other.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) peer_id: PeerId,
    /// The port that trackers and peers are told; `None` while nothing listens.
    pub(crate) port: Option<u16>,
    pub(crate) out: Outbox,
    pub(crate) timers: Timers,
    pub(crate) budget: Budget,
    conns: BTreeMap<ConnId, ConnOwner>,
    /// Whose answer it will be.
    jobs: BTreeMap<JobId, (TorrentId, Job)>,
    /// Outgoing connections that have not completed the handshake.
    pub(crate) half_open: usize,
    /// Connections to peers, from the first attempt to the end.
    pub(crate) peer_conns: usize,
    next_conn: u64,
    next_job: u64,
    rng: ChaCha8Rng,
    /// Torrents that would dial if there were room.
    pub(crate) dial_waiting: BTreeSet<TorrentId>,
    /// Torrents that have stopped since the last input.
    pub(crate) stopped: alloc::vec::Vec<TorrentId>,
    /// No new connections before this: the system had no descriptors or ports left.
    pub(crate) dial_after: Instant,
    /// How long the last pause for want of ports was; zero since a connection was opened.
    port_pause: Duration,
    /// Nobody is given up for another before this.
    pub(crate) evict_after: Instant,
}

impl Context {
    pub(crate) fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let peer_id = random_peer_id(&config, &mut rng);
        let budget = Budget::new(config.memory_budget);
        Self {
            now,
            config,
            peer_id,
            port: None,
            out: Outbox::default(),
            timers: Timers::default(),
            budget,
            conns: BTreeMap::new(),
            jobs: BTreeMap::new(),
            half_open: 0,
            peer_conns: 0,
            next_conn: 0,
            next_job: 0,
            rng,
            dial_waiting: BTreeSet::new(),
            stopped: alloc::vec::Vec::new(),
            dial_after: Instant::ZERO,
            port_pause: Duration::ZERO,
            evict_after: Instant::ZERO,
        }
    }

    /// Whether another connection may be opened.
    pub(crate) const fn has_room(&self) -> bool {
        self.half_open < self.config.max_half_open && !self.is_full()
    }

    /// Whether all places for connections to peers are taken.
    pub(crate) const fn is_full(&self) -> bool {
        self.peer_conns >= self.config.max_peers
    }

    /// A connection could not be opened. If the system lacked a descriptor or a port for it, none is opened for
    /// a while; for want of ports longer each time, for they come free after minutes.
    pub(crate) fn note_failure(&mut self, error: &NetError) {
        let pause = match error {
            NetError::TooManyFiles => DIAL_PAUSE,
            NetError::NoPort => (self.port_pause * 2).clamp(DIAL_PAUSE, MAX_DIAL_PAUSE),
            _ => return,
        };
        // Of those that were begun together all fail: they are one failure.
        if self.now >= self.dial_after {
            self.dial_after = self.now + pause;
            if *error == NetError::NoPort {
                self.port_pause = pause;
            }
        }
    }

    /// A connection was opened: there are ports.
    pub(crate) const fn note_success(&mut self) {
        self.port_pause = Duration::ZERO;
    }

    /// A generator of its own, for one machine.
    pub(crate) fn fork_rng(&mut self) -> ChaCha8Rng {
        self.rng.fork()
    }

    /// Opens a connection.
    pub(crate) fn connect(&mut self, owner: ConnOwner, remote: SocketAddr, tls: Option<Box<str>>) -> ConnId {
        let conn = ConnId::outgoing(self.next_conn);
        self.next_conn += 1;
        self.adopt(conn, owner);
        self.out.act(Action::Connect { conn, remote, tls });
        conn
    }

    /// Takes note of a connection, or of its new owner.
    pub(crate) fn adopt(&mut self, conn: ConnId, owner: ConnOwner) {
        let was = self.conns.insert(conn, owner);
        let counts = |owner| usize::from(matches!(owner, Some(ConnOwner::Stranger | ConnOwner::Peer(_))));
        self.peer_conns = self.peer_conns + counts(Some(owner)) - counts(was);
    }

    /// Whose connection it is; `None` for one that was given up.
    pub(crate) fn owner(&self, conn: ConnId) -> Option<ConnOwner> {
        self.conns.get(&conn).copied()
    }

    /// Every connection that is open or being opened.
    pub(crate) fn conns(&self) -> impl Iterator<Item = (ConnId, ConnOwner)> + '_ {
        self.conns.iter().map(|(conn, owner)| (*conn, *owner))
    }

    /// Closes a connection of ours. What it still sends is ignored from now on.
    pub(crate) fn close(&mut self, conn: ConnId) {
        if self.forget(conn) {
            self.out.act(Action::Close { conn });
        }
    }

    /// Forgets a connection that the driver has closed. Says whether it was known.
    pub(crate) fn forget(&mut self, conn: ConnId) -> bool {
        let Some(owner) = self.conns.remove(&conn) else { return false };
        if !matches!(owner, ConnOwner::Tracker(..)) {
            self.peer_conns -= 1;
        }
        self.timers.clear(TimerKey::Conn(conn));
        self.budget.forget(conn);
        true
    }

    /// Starts a disk operation.
    pub(crate) fn disk(&mut self, torrent: TorrentId, task: DiskTask, job: Job) -> JobId {
        let id = self.job(torrent, job);
        self.out.act(Action::Disk { job: id, op: Box::new(DiskOp { torrent, task }) });
        id
    }

    /// Starts a name lookup.
    pub(crate) fn resolve(&mut self, torrent: TorrentId, host: Box<str>, job: Job) -> JobId {
        let id = self.job(torrent, job);
        self.out.act(Action::Resolve { job: id, host });
        id
    }

    fn job(&mut self, torrent: TorrentId, job: Job) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        self.jobs.insert(id, (torrent, job));
        id
    }

    /// Takes the owner of a job whose answer has come. `None` for one that was given up.
    pub(crate) fn job_done(&mut self, job: JobId) -> Option<(TorrentId, Job)> {
        self.jobs.remove(&job)
    }

    /// The jobs of a torrent that are under way.
    pub(crate) fn jobs_of(&self, torrent: TorrentId) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(move |(owner, _)| *owner == torrent).map(|(_, job)| job)
    }

    /// Gives up a job: its answer will be dropped.
    pub(crate) fn cancel(&mut self, job: JobId) {
        if self.jobs.remove(&job).is_some() {
            self.out.act(Action::Cancel { job });
        }
    }

    /// Gives up every job of a torrent that has ended.
    pub(crate) fn cancel_all(&mut self, torrent: TorrentId) {
        let gone: alloc::vec::Vec<JobId> =
            self.jobs.iter().filter(|(_, (owner, _))| *owner == torrent).map(|(job, _)| *job).collect();
        for job in gone {
            self.cancel(job);
        }
    }
}

/// The configured prefix, then letters and digits: some trackers and clients dislike other bytes.
fn random_peer_id(config: &Config, rng: &mut ChaCha8Rng) -> PeerId {
    use rand_chacha::rand_core::Rng as _;
    const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    let mut id = [0; 20];
    rng.fill_bytes(&mut id);
    for byte in &mut id {
        *byte = LETTERS[usize::from(*byte % 64)];
    }
    id[..8].copy_from_slice(&config.peer_id_prefix);
    PeerId(id)
}
