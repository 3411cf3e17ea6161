//! An engine, and everything around it that it talks to. What it asks for is carried out when an operation says so;
//! what it may never do is checked all the time.

use crate::disk::{Disk, Fault, Loss};
use crate::remote::{Remote, Who, honest, scripted};
use crate::torrents::Torrent;
use bytes::Bytes;
use peerless_core::wire::Features;
use peerless_core::{
    Action, Bitfield, Config, ConnId, DiskOp, Duration, Engine, Event, Goal, Input, Instant, JobId, NetError,
    Phase, ResolveError, TorrentId, TorrentOptions,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// So many inputs in a row from one operation mean that it never comes to rest.
const MAX_ROUNDS: usize = 50_000;

pub(crate) struct World {
    pub(crate) torrent: &'static Torrent,
    pub(crate) options: TorrentOptions,
    config: Config,
    pub(crate) engine: Engine,
    id: TorrentId,
    pub(crate) now: Instant,
    pub(crate) disk: Disk,
    pub(crate) conns: BTreeMap<ConnId, Remote>,
    accepted: u64,
    /// A connection that the engine has closed.
    closed: Option<ConnId>,
    /// Disk operations that are under way.
    jobs: Vec<(JobId, DiskOp)>,
    lookups: Vec<JobId>,
    inbox: VecDeque<Input>,
    /// Whoever has ever said something that is not so.
    liars: BTreeSet<IpAddr>,
    /// The pieces that were there when we last looked.
    had: Bitfield,
    /// Everything that is asked for is done at once.
    pub(crate) smooth: bool,
    completed: bool,
    shut_down: bool,
}

impl World {
    pub(crate) fn new(
        torrent: &'static Torrent,
        disk: Disk,
        config: Config,
        options: TorrentOptions,
    ) -> Self {
        let mut engine = Engine::new(config.clone(), [7; 32], Instant::ZERO);
        let id = engine.add_torrent(Instant::ZERO, torrent.meta.clone(), options.clone());
        let mut world = Self {
            torrent,
            options,
            config,
            engine,
            id: id.expect("it is the first"),
            now: Instant::ZERO,
            disk,
            conns: BTreeMap::new(),
            accepted: 0,
            closed: None,
            jobs: Vec::new(),
            lookups: Vec::new(),
            inbox: VecDeque::new(),
            liars: BTreeSet::new(),
            had: Bitfield::new(torrent.meta.geometry().num_pieces()),
            smooth: false,
            completed: false,
            shut_down: false,
        };
        world.handle(Input::Listening { local: ([10, 0, 2, 1], 6881).into() });
        world
    }

    pub(crate) fn phase(&self) -> Phase {
        self.engine.torrent(self.now, self.id).map_or(Phase::Stopped, |status| status.phase)
    }

    /// Hands in an input, and looks at all that comes of it.
    pub(crate) fn handle(&mut self, input: Input) {
        self.engine.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..MAX_ROUNDS {
            while let Some(action) = self.engine.poll_action() {
                self.perform(action);
            }
            while let Some(event) = self.engine.poll_event() {
                self.witness(&event);
            }
            self.engine.check_invariants();
            self.check_had();
            let Some(input) = self.inbox.pop_front() else { return };
            let gone = match &input {
                Input::Received { conn, .. } | Input::Sent { conn, .. } => !self.conns.contains_key(conn),
                _ => false,
            };
            if !gone {
                self.engine.handle(self.now, input);
            }
        }
        panic!("it never comes to rest");
    }

    /// What the engine says it has must be on the disk, right.
    fn check_had(&mut self) {
        let Some(have) = self.engine.torrent_have(self.id) else { return };
        for piece in have.minus(&self.had) {
            assert!(self.disk.holds(piece), "piece {piece} is said to be there");
        }
        self.had = have.clone();
    }

    fn perform(&mut self, action: Action) {
        assert!(!self.shut_down, "{action:?} after the end");
        match action {
            Action::Connect { conn, remote, tls } => {
                assert!(tls.is_none());
                assert!(self.conns.insert(conn, Remote::new(remote, true)).is_none(), "{conn:?} twice");
                self.connecting(conn);
            }
            Action::Send { conn, data } => self.sent(conn, data),
            Action::SetReadable { conn, .. } => assert!(self.conns.contains_key(&conn), "{conn:?} is gone"),
            Action::Close { conn } => {
                assert!(self.conns.remove(&conn).is_some(), "{conn:?} was closed before");
                self.closed = Some(conn);
            }
            Action::SetAccepting { .. } => {}
            Action::Resolve { job, host } => {
                assert_eq!(&*host, "tracker.example");
                if self.smooth {
                    self.inbox.push_back(Input::Resolved { job, result: Err(ResolveError::NotFound) });
                } else {
                    self.lookups.push(job);
                }
            }
            Action::Disk { job, op } => {
                if self.smooth {
                    let result = self.disk.run(*op, None);
                    self.inbox.push_back(Input::DiskDone { job, result });
                } else {
                    self.jobs.push((job, *op));
                }
            }
            // A driver may carry it out all the same.
            Action::Cancel { job } => {
                if self.smooth {
                    self.jobs.retain(|(id, _)| *id != job);
                }
            }
        }
    }

    /// Honest seeds accept; in smooth times others do not.
    fn connecting(&mut self, conn: ConnId) {
        let Some(remote) = self.conns.get(&conn) else { return };
        if remote.who == Who::Honest {
            self.connected(conn);
        } else if self.smooth {
            self.conns.remove(&conn);
            self.inbox.push_back(Input::ConnectFailed { conn, error: NetError::Refused });
        }
    }

    /// A connection is open. An honest seed begins with its handshake.
    pub(crate) fn connected(&mut self, conn: ConnId) {
        let Some(remote) = self.conns.get_mut(&conn).filter(|remote| !remote.open) else { return };
        remote.open = true;
        self.inbox.push_back(Input::Connected { conn, local: ([10, 0, 2, 1], 50_000).into() });
        self.greet(conn);
    }

    fn greet(&mut self, conn: ConnId) {
        let Some(remote) = self.conns.get_mut(&conn).filter(|remote| remote.who == Who::Honest) else {
            return;
        };
        let fast = remote.addr.ip().is_ipv4() && remote.addr.to_string().starts_with("10.0.1.0");
        let data = remote.hello(self.torrent, Features { fast, extended: true }, 200);
        self.inbox.push_back(Input::Received { conn, data });
    }

    fn sent(&mut self, conn: ConnId, data: Bytes) {
        let bytes = data.len();
        let torrent = self.torrent;
        let remote = self.conns.get_mut(&conn).expect("nothing is sent to who is gone");
        assert!(remote.open, "sent before it was open");
        assert!(bytes > 0, "nothing is sent");
        let answers = remote.heard(torrent, data);
        self.inbox.extend(answers.into_iter().map(|data| Input::Received { conn, data }));
        if self.smooth || remote.who == Who::Honest {
            remote.unsent = 0;
            self.inbox.push_back(Input::Sent { conn, bytes });
        }
    }

    fn witness(&mut self, event: &Event) {
        match event {
            Event::PeerBanned { addr, reason, .. } => {
                assert!(self.liars.contains(addr), "{addr} was banned for nothing: {reason}");
            }
            Event::PieceFailed { culprit: Some(addr), .. } => {
                assert!(self.liars.contains(addr), "{addr} is called the culprit");
            }
            Event::Completed { .. } => {
                assert!(self.disk.is_complete(), "completed, and the file is wrong");
                self.completed = true;
            }
            // What is written over it is judged only when all of it is there.
            Event::PieceLost { .. } => self.completed = false,
            Event::ShutDown => self.shut_down = true,
            _ => {}
        }
    }

    /// Time passes, with everything that is due on the way.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..MAX_ROUNDS {
            let Some(at) = self.engine.poll_timeout().filter(|at| *at <= end) else {
                self.now = end;
                return self.handle(Input::Timeout);
            };
            self.now = self.now.max(at);
            self.handle(Input::Timeout);
        }
        panic!("a timer never ends");
    }

    /// A peer connects to us.
    pub(crate) fn accept(&mut self, remote: SocketAddr) -> ConnId {
        let conn = ConnId::accepted(self.accepted);
        self.accepted += 1;
        self.conns.insert(conn, Remote::new(remote, false));
        self.handle(Input::Accepted { conn, remote });
        self.greet(conn);
        self.drain();
        conn
    }

    /// What a scripted peer says.
    pub(crate) fn receive(&mut self, conn: ConnId, data: Bytes, lie: bool) {
        let Some(remote) = self.conns.get(&conn) else { return };
        if lie {
            self.liars.insert(remote.addr.ip());
        }
        if remote.open && !data.is_empty() {
            self.handle(Input::Received { conn, data });
        }
    }

    /// The other side closes a connection, or it breaks, or cannot be opened.
    pub(crate) fn close(&mut self, conn: ConnId, error: Option<NetError>) {
        let Some(remote) = self.conns.remove(&conn) else { return };
        if remote.open {
            self.handle(Input::Closed { conn, error });
        } else {
            self.handle(Input::ConnectFailed { conn, error: error.unwrap_or(NetError::Refused) });
        }
    }

    /// Something arrives for a connection that the engine has given up.
    pub(crate) fn say_too_late(&mut self, data: Bytes) {
        let Some(conn) = self.closed else { return };
        self.handle(Input::Received { conn, data });
        self.handle(Input::Sent { conn, bytes: 3 });
        self.handle(Input::Connected { conn, local: ([10, 0, 2, 1], 50_000).into() });
        self.handle(Input::Closed { conn, error: None });
    }

    /// The socket takes all that was sent.
    pub(crate) fn flush(&mut self, conn: ConnId) {
        let Some(remote) = self.conns.get_mut(&conn) else { return };
        let bytes = std::mem::take(&mut remote.unsent);
        if bytes > 0 {
            self.handle(Input::Sent { conn, bytes });
        }
    }

    /// One of the disk operations under way comes to its end.
    pub(crate) fn finish_job(&mut self, n: u8, fault: Option<Fault>) {
        if self.jobs.is_empty() {
            return;
        }
        let (job, op) = self.jobs.remove(usize::from(n) % self.jobs.len());
        let result = self.disk.run(op, fault);
        self.handle(Input::DiskDone { job, result });
    }

    pub(crate) fn resolve(&mut self, ips: Vec<IpAddr>) {
        if let Some(job) = self.lookups.pop() {
            let result = if ips.is_empty() { Err(ResolveError::NotFound) } else { Ok(ips) };
            self.handle(Input::Resolved { job, result });
        }
    }

    /// From now on everything that is asked for is done at once; first what is under way.
    pub(crate) fn settle(&mut self) {
        self.smooth = true;
        while !self.jobs.is_empty() {
            self.finish_job(0, None);
        }
        while !self.lookups.is_empty() {
            self.resolve(vec![]);
        }
        let half_open: Vec<ConnId> =
            self.conns.iter().filter(|(_, r)| !r.open).map(|(conn, _)| *conn).collect();
        half_open.into_iter().for_each(|conn| self.close(conn, None));
        let open: Vec<ConnId> = self.conns.keys().copied().collect();
        open.into_iter().for_each(|conn| self.flush(conn));
    }

    pub(crate) fn stop(&mut self) {
        self.engine.stop_torrent(self.now, self.id);
        self.drain();
    }

    /// Once it has stopped, the torrent is taken on again.
    pub(crate) fn again(&mut self) {
        if self.phase() == Phase::Stopped && !self.shut_down {
            // A driver lets go of the target only when nothing is being done to it any more.
            while !self.jobs.is_empty() {
                self.finish_job(0, None);
            }
            self.engine.remove_torrent(self.id);
            assert!(self.engine.torrent(self.now, self.id).is_none());
            self.add();
        }
    }

    /// The power is gone. A new engine finds what is left on the disk.
    pub(crate) fn crash(&mut self, losses: &[Loss], journal: u8) {
        self.disk.crash(losses, journal);
        assert!(!self.completed || self.disk.is_complete(), "what was complete is lost");
        self.engine = Engine::new(self.config.clone(), [9; 32], self.now);
        self.conns.clear();
        self.closed = None;
        self.jobs.clear();
        self.lookups.clear();
        self.inbox.clear();
        self.shut_down = false;
        self.add();
    }

    fn add(&mut self) {
        let added = self.engine.add_torrent(self.now, self.torrent.meta.clone(), self.options.clone());
        let Ok(id) = added else { return };
        self.id = id;
        self.had = Bitfield::new(self.torrent.meta.geometry().num_pieces());
        self.completed = false;
        self.drain();
    }

    pub(crate) fn add_peer(&mut self, addr: SocketAddr) {
        self.engine.add_peer(self.now, self.id, addr);
        self.drain();
    }

    /// However it came to this: with a disk that works and two honest seeds, a download that has not failed is
    /// complete within hours, and a stop is clean.
    pub(crate) fn come_to_an_end(&mut self) {
        self.settle();
        let downloads = self.options.goal == Goal::Download;
        let over = |phase| matches!(phase, Phase::Stopping | Phase::Stopped);
        if downloads && !self.completed && !over(self.phase()) {
            (0..2).for_each(|n| self.add_peer(honest(n)));
            for _ in 0..120 {
                self.wait(Duration::from_secs(60));
                if self.completed || over(self.phase()) {
                    break;
                }
            }
            assert!(
                self.completed || over(self.phase()),
                "no end: {:#?}",
                self.engine.torrent(self.now, self.id)
            );
        }
        self.engine.shutdown(self.now);
        self.drain();
        self.wait(self.config.stop_timeout);
        assert!(self.shut_down, "it does not stop");
        assert_eq!(self.phase(), Phase::Stopped);
        assert!(self.conns.is_empty(), "connections are left");
        assert_eq!(self.engine.poll_timeout(), None, "timers are left");
    }

    pub(crate) fn scripted_conn(&self, n: u8) -> Option<ConnId> {
        self.nth(n, Who::Scripted)
    }

    pub(crate) fn tracker_conn(&self) -> Option<ConnId> {
        self.nth(0, Who::Tracker)
    }

    fn nth(&self, n: u8, who: Who) -> Option<ConnId> {
        let conns: Vec<ConnId> =
            self.conns.iter().filter(|(_, r)| r.who == who).map(|(conn, _)| *conn).collect();
        (!conns.is_empty()).then(|| conns[usize::from(n) % conns.len()])
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.shut_down
    }

    pub(crate) fn shut_down(&mut self) {
        self.engine.shutdown(self.now);
        self.drain();
    }

    /// What a tracker says of peers.
    pub(crate) fn peers_of_tracker(&self, n: u8) -> Vec<u8> {
        let peers = (0..n % 6).flat_map(|n| {
            let IpAddr::V4(ip) = scripted(n).ip() else { panic!("all addresses are IPv4") };
            [&ip.octets()[..], &6881u16.to_be_bytes()].concat()
        });
        peers.collect()
    }
}
