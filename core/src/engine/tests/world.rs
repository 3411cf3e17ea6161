//! A few engines on one virtual network and clock, each with a disk of its own. Everything takes a millisecond,
//! unless a story wants a disk to be slow.

use super::disk::Disk;
use super::witness::Witness;
use crate::*;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

const LATENCY: Duration = Duration::from_millis(1);

/// How a host damages a block: given how many it has sent before.
pub(super) type Lie = fn(u64, &mut Vec<u8>);

/// A machine with an engine, a disk and an address.
pub(super) struct Host {
    pub(super) engine: Witness,
    pub(super) disk: Disk,
    pub(super) addr: SocketAddr,
    pub(super) events: Vec<Event>,
    /// Every action, in order, for comparing runs.
    pub(super) actions: Vec<Action>,
    accepted: u64,
    /// Where each connection leads: another host and its number of it.
    links: BTreeMap<ConnId, (usize, ConnId)>,
    /// Payload that this host sends is damaged by this: (bytes sent so far, data).
    pub(super) corrupt: Option<Lie>,
    sent: u64,
    /// What this host sends while its line hangs.
    held: Option<Vec<(usize, Input)>>,
    /// How long a disk operation takes.
    pub(super) disk_time: Duration,
    /// Why this host cannot open a connection.
    pub(super) no_connections: Option<NetError>,
    /// Nothing is performed or delivered any more: the machine is off.
    pub(super) off: bool,
}

/// The world.
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hosts: Vec<Host>,
    /// An address that takes connections neither on nor off.
    pub(super) silent: Option<SocketAddr>,
    /// The names of hosts that can be looked up.
    pub(super) names: BTreeMap<&'static str, Vec<IpAddr>>,
    queue: BTreeMap<(Instant, u64), (usize, Input)>,
    serial: u64,
}

impl World {
    pub(super) const fn new() -> Self {
        Self {
            now: Instant::ZERO,
            hosts: Vec::new(),
            silent: None,
            names: BTreeMap::new(),
            queue: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Adds a machine. Its address is 10.0.0.N, its port 6881.
    pub(super) fn host(&mut self, config: Config) -> usize {
        let n = self.hosts.len();
        let addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, n as u8 + 1)), 6881);
        let mut engine = Witness::new(config, [n as u8; 32], self.now);
        engine.handle(self.now, Input::Listening { local: addr });
        self.hosts.push(Host {
            engine,
            disk: Disk::default(),
            addr,
            events: Vec::new(),
            actions: Vec::new(),
            accepted: 0,
            links: BTreeMap::new(),
            corrupt: None,
            sent: 0,
            held: None,
            disk_time: LATENCY,
            no_connections: None,
            off: false,
        });
        n
    }

    pub(super) fn add(&mut self, host: usize, meta: &Arc<Metainfo>, options: TorrentOptions) -> TorrentId {
        let host = &mut self.hosts[host];
        let id = host.engine.add_torrent(self.now, meta.clone(), options).unwrap();
        host.disk.register(id, meta);
        id
    }

    /// A host that has everything and gives it.
    pub(super) fn seed(&mut self, meta: &Arc<Metainfo>, data: &[u8]) -> usize {
        self.seed_with(Config::default(), meta, data)
    }

    pub(super) fn seed_with(&mut self, config: Config, meta: &Arc<Metainfo>, data: &[u8]) -> usize {
        let host = self.host(config);
        let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
        let id = self.add(host, meta, options);
        self.hosts[host].disk.fill(id, Place::Final, data);
        self.run_until(Duration::from_secs(5), |w| w.phase(host) == Phase::Seeding);
        host
    }

    /// A host that wants everything and knows these peers.
    pub(super) fn leecher(&mut self, meta: &Arc<Metainfo>, peers: &[usize]) -> usize {
        let host = self.host(Config::default());
        let options = self.download_from(peers);
        self.add(host, meta, options);
        host
    }

    pub(super) fn download_from(&self, peers: &[usize]) -> TorrentOptions {
        let peers = peers.iter().map(|p| PeerAddr::Addr(self.hosts[*p].addr)).collect();
        TorrentOptions { peers, ..Default::default() }
    }

    pub(super) fn phase(&self, host: usize) -> Phase {
        self.status(host).phase
    }

    pub(super) fn status(&self, host: usize) -> TorrentStatus {
        self.hosts[host].engine.torrent(self.now, TorrentId(0)).unwrap()
    }

    /// Runs until `done`, or fails after `limit` of virtual time.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        self.perform();
        while !done(self) {
            assert!(self.step(end), "not done after {limit:?}: {:#?}", self.stalled());
        }
    }

    /// Runs for a while, whatever happens.
    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.perform();
        while self.step(end) {}
        self.now = end;
    }

    fn stalled(&self) -> Vec<(Option<TorrentStatus>, Vec<PeerStatus>)> {
        let look =
            |h: &Host| (h.engine.torrent(self.now, TorrentId(0)), h.engine.peers(self.now, TorrentId(0)));
        self.hosts.iter().map(look).collect()
    }

    /// Goes to the next thing that happens, if that is before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let delivery = self.queue.first_key_value().map(|((at, _), _)| *at);
        let awake = self.hosts.iter().filter(|h| !h.off);
        let timeout = awake.filter_map(|h| h.engine.poll_timeout()).min();
        let Some(next) = [delivery, timeout].into_iter().flatten().min() else { return false };
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        if delivery == Some(next) {
            let (_, (host, input)) = self.queue.pop_first().unwrap();
            if !self.hosts[host].off {
                self.hosts[host].engine.handle(self.now, input);
            }
        } else {
            for host in self.hosts.iter_mut().filter(|h| !h.off) {
                if host.engine.poll_timeout().is_some_and(|at| at <= self.now) {
                    host.engine.handle(self.now, Input::Timeout);
                }
            }
        }
        self.perform();
        true
    }

    /// Performs what the engines ask for.
    pub(super) fn perform(&mut self) {
        for n in 0..self.hosts.len() {
            self.hosts[n].engine.check_invariants();
            let mut actions = VecDeque::new();
            while let Some(action) = self.hosts[n].engine.poll_action() {
                actions.push_back(action);
            }
            while let Some(event) = self.hosts[n].engine.poll_event() {
                self.hosts[n].events.push(event);
            }
            if self.hosts[n].off {
                continue;
            }
            for action in actions {
                self.hosts[n].actions.push(action.clone());
                self.act(n, action);
            }
        }
    }

    fn later(&mut self, host: usize, input: Input) {
        self.after(LATENCY, host, input);
    }

    fn after(&mut self, time: Duration, host: usize, input: Input) {
        self.serial += 1;
        self.queue.insert((self.now + time, self.serial), (host, input));
    }

    fn act(&mut self, n: usize, action: Action) {
        match action {
            Action::Connect { conn, remote, .. } => self.connect(n, conn, remote),
            Action::Send { conn, data } => self.send(n, conn, data),
            Action::Close { conn } => self.close(n, conn),
            Action::Disk { job, op } => {
                let result = self.hosts[n].disk.run(*op);
                self.after(self.hosts[n].disk_time, n, Input::DiskDone { job, result });
            }
            Action::Resolve { job, host } => {
                let known = self.names.get(&*host).cloned();
                self.later(n, Input::Resolved { job, result: known.ok_or(ResolveError::NotFound) });
            }
            Action::SetReadable { .. } | Action::SetAccepting { .. } | Action::Cancel { .. } => {}
        }
    }

    /// Nobody answers in 10.66.0.0/16. Elsewhere, who is not there refuses.
    fn connect(&mut self, n: usize, conn: ConnId, remote: SocketAddr) {
        let nobody = matches!(remote.ip(), IpAddr::V4(ip) if ip.octets()[..2] == [10, 66]);
        if let Some(error) = self.hosts[n].no_connections.clone() {
            return self.later(n, Input::ConnectFailed { conn, error });
        }
        if nobody || self.silent == Some(remote) {
            return;
        }
        let there = self.hosts.iter().position(|h| h.addr == remote && !h.off);
        let Some(there) = there else {
            return self.later(n, Input::ConnectFailed { conn, error: NetError::Refused });
        };
        let local = SocketAddr::new(self.hosts[n].addr.ip(), 50_000);
        let theirs = ConnId::accepted(self.hosts[there].accepted);
        self.hosts[there].accepted += 1;
        self.hosts[there].links.insert(theirs, (n, conn));
        self.hosts[n].links.insert(conn, (there, theirs));
        self.later(there, Input::Accepted { conn: theirs, remote: local });
        self.later(n, Input::Connected { conn, local });
    }

    fn send(&mut self, n: usize, conn: ConnId, data: bytes::Bytes) {
        let Some((there, theirs)) = self.hosts[n].links.get(&conn).copied() else { return };
        let bytes = data.len();
        let host = &mut self.hosts[n];
        let mut data = data.to_vec();
        // Only blocks are damaged: a message that is shorter is not payload.
        if let Some(corrupt) = host.corrupt
            && bytes >= 1_000
        {
            corrupt(host.sent, &mut data);
            host.sent += 1;
        }
        let arrival = Input::Received { conn: theirs, data: data.into() };
        match &mut host.held {
            Some(held) => held.push((there, arrival)),
            None => self.later(there, arrival),
        }
        self.later(n, Input::Sent { conn, bytes });
    }

    pub(super) fn close(&mut self, n: usize, conn: ConnId) {
        if let Some((there, theirs)) = self.hosts[n].links.remove(&conn) {
            self.hosts[there].links.remove(&theirs);
            self.later(there, Input::Closed { conn: theirs, error: None });
        }
    }

    /// From now on nothing that a machine sends arrives.
    pub(super) fn hang(&mut self, n: usize) {
        self.hosts[n].held.get_or_insert_default();
    }

    /// All that a machine sent meanwhile arrives, and what it sends from now on.
    pub(super) fn unhang(&mut self, n: usize) {
        for (there, arrival) in self.hosts[n].held.take().unwrap_or_default() {
            self.later(there, arrival);
        }
    }

    /// Switches a machine off: its connections break, its disk stays as it is.
    pub(super) fn switch_off(&mut self, n: usize) {
        self.hosts[n].off = true;
        let all: Vec<ConnId> = self.hosts[n].links.keys().copied().collect();
        for conn in all {
            self.close(n, conn);
        }
    }
}
