//! The simulation: hosts, the network between them, and one queue of what happens next.

mod actors;
mod faults;
mod recording;

pub(crate) use faults::Trap;

use crate::actor::local_for;
use crate::check::{Checks, Moment, Violation, Watch};
use crate::clock::Clock;
use crate::dice::Dice;
use crate::digest::RunDigest;
use crate::disk::Disk;
use crate::dns::Dns;
use crate::host::{Host, Late, Machine, Program, Spot, Stock, Traffic};
use crate::net::{End, HostId, Link, Mail, NetEvent, Network, Noticed};
use crate::payload::Torrent;
use crate::queue::Queue;
use peerless_core::record::Recorded;
use peerless_core::{
    Action, ConnId, Duration, Engine, Event, Goal, Input, Instant, MetainfoError, PeerStatus, TorrentId,
    TorrentStatus,
};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What is due.
enum Due {
    Net(NetEvent),
    /// An answer for an engine, if it is still the same life.
    Input(HostId, u32, Box<Input>),
    Wake(HostId, u32),
    /// A step of the scenario.
    Step(Box<dyn FnOnce(&mut Sim)>),
}

/// A simulation. See the [crate].
pub struct Sim {
    seed: u64,
    now: Instant,
    queue: Queue<Due>,
    net: Network,
    machines: Vec<Machine>,
    dns: Dns,
    digest: RunDigest,
    watch: Watch,
    inputs: u64,
    downloads_left: usize,
}

/// Building a world.
impl Sim {
    /// An empty world. Everything that happens in it follows from `seed` and from what is added.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Instant::ZERO,
            queue: Queue::new(),
            net: Network::new(Dice::new(seed, "network")),
            machines: Vec::new(),
            dns: Dns::default(),
            digest: RunDigest::new(),
            watch: Watch::new(seed),
            inputs: 0,
            downloads_left: 0,
        }
    }

    /// A torrent of one file of `total` bytes, announced to these trackers.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this shape.
    pub fn torrent(
        &self,
        total: u64,
        piece_length: u32,
        trackers: &[String],
    ) -> Result<Torrent, MetainfoError> {
        Torrent::new(self.seed, "simulated.bin", total, piece_length, trackers)
    }

    /// Adds a host with an engine and starts it.
    pub fn add(&mut self, host: Host) -> HostId {
        let id = self.add_off(host);
        self.start(id);
        id
    }

    /// Adds a host with an engine that [`start`](Self::start) starts.
    pub fn add_off(&mut self, host: Host) -> HostId {
        let id = self.add_machine(host);
        let machine = &mut self.machines[id.index()];
        for (n, task) in machine.spec.torrents.iter().enumerate() {
            let torrent = TorrentId(n as u32);
            machine.disk.register(torrent, &task.torrent);
            self.downloads_left += usize::from(task.options.goal == Goal::Download);
            match &task.stock {
                Stock::Nothing => {}
                Stock::Everything => machine.disk.fill(torrent, self.now),
                Stock::Pieces(pieces) => machine.disk.fill_part(torrent, pieces.iter().copied(), self.now),
            }
        }
        self.net.switch_off(id);
        id
    }

    fn add_machine(&mut self, spec: Host) -> HostId {
        let n = self.machines.len() as u32;
        let site = match spec.spot {
            Spot::Open => None,
            Spot::Behind(gate) => Some(self.net.add_site(gate)),
            Spot::At(site) => Some(site),
        };
        let id = self.net.add(site, spec.link);
        let both = self.net.routes().both_addrs(id);
        let addrs = spec.families.of(both);
        both.iter().filter(|a| !addrs.contains(a)).for_each(|addr| self.net.routes().remove(*addr));
        self.machines.push(Machine {
            addrs,
            program: Program::Off,
            disk: Disk::new(spec.disk, Dice::new(self.seed, &format!("disk {n}"))),
            dice: Dice::new(self.seed, &format!("host {n}")),
            life: 0,
            wake: None,
            trap: None,
            asleep: None,
            clock: Clock::new(Instant::ZERO, spec.ahead, spec.drift),
            ends: BTreeMap::new(),
            conns: BTreeMap::new(),
            accepted: 0,
            recording: Vec::new(),
            story: Vec::new(),
            started: None,
            before: Traffic::default(),
            completed: BTreeMap::new(),
            spec,
        });
        id
    }

    /// What is looked at from now on while it runs.
    pub const fn set_checks(&mut self, checks: Checks) {
        self.watch.set(checks);
    }

    /// A name that hosts can look up.
    pub fn name(&mut self, name: impl Into<String>, host: HostId) {
        self.dns.set(name, self.machines[host.index()].addrs.iter().copied());
    }

    /// The names that hosts can look up, to change and break them.
    pub const fn dns(&mut self) -> &mut Dns {
        &mut self.dns
    }

    /// Plans a step of the scenario for a time after now.
    pub fn after(&mut self, time: Duration, step: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(self.now + time, Due::Step(Box::new(step)));
    }
}

/// What happens to hosts.
impl Sim {
    /// Starts a host that is off, with what is on its disk.
    pub fn start(&mut self, host: HostId) {
        self.net.switch_on(host);
        let machine = &mut self.machines[host.index()];
        machine.started.get_or_insert(self.now);
        let seed = Dice::seed(self.seed, &format!("engine {} life {}", host.get(), machine.life));
        let torrents = machine.spec.torrents.iter().map(|task| &task.torrent);
        self.watch.started(host, &machine.spec.name, torrents);
        machine.recording.clear();
        let now = machine.clock.at(self.now);
        let mut engine = Recorded::new(machine.spec.config.clone(), seed, now, machine.spec.record);
        let local = machine.addr();
        engine.handle(now, Input::Listening { local });
        for task in &machine.spec.torrents {
            let options = task.options.clone();
            if engine.add_torrent(now, task.torrent.metainfo.clone(), options).is_err() {
                debug_assert!(false, "a scenario gives a host each torrent once");
            }
        }
        machine.program = Program::Engine(Box::new(engine));
        self.net.listen(host, local.port());
        self.drain(host);
    }

    /// Has a host's engine shut down in order.
    pub fn shut_down(&mut self, host: HostId) {
        self.with_engine(host, |engine, now| engine.shutdown(now));
    }

    /// Tells a host of another one that has its first torrent.
    pub fn introduce(&mut self, host: HostId, peer: HostId) {
        let addr = self.addr_for(host, peer);
        self.with_engine(host, |engine, now| engine.add_peer(now, TorrentId(0), addr));
    }

    /// Does something with a host's engine, unless the host is off, and then what the engine asks for. The time is
    /// that of the host's clock.
    pub fn with_engine<T>(&mut self, host: HostId, f: impl FnOnce(&mut Recorded, Instant) -> T) -> Option<T> {
        let now = self.clock(host);
        let result = self.machines[host.index()].engine_mut().map(|engine| f(engine, now));
        self.drain(host);
        result
    }

    /// A host's link changes.
    pub fn set_link(&mut self, host: HostId, link: Link) {
        self.net.set_link(self.now, host, link);
    }

    /// The link that a host has now.
    pub fn link(&self, host: HostId) -> Link {
        self.net.link(host)
    }

    /// A host's disk, to break and mend it.
    pub fn disk(&mut self, host: HostId) -> &mut Disk {
        &mut self.machines[host.index()].disk
    }
}

/// Looking at it.
impl Sim {
    /// The virtual time since the start.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What the clock of a host says.
    pub fn clock(&self, host: HostId) -> Instant {
        self.machines[host.index()].clock.at(self.now)
    }

    /// The seed that all of it follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All hosts, in the order in which they were added.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.machines.len() as u32).map(HostId)
    }

    /// What a host is called.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.machines[host.index()].spec.name
    }

    /// Where the world reaches a host, as far as its gate lets it.
    pub fn addr(&self, host: HostId) -> SocketAddr {
        let addr = self.machines[host.index()].addr();
        self.net.seen(host, addr, None)
    }

    /// Where a host reaches a peer: in a family that both have, if there is one.
    pub fn addr_for(&self, host: HostId, peer: HostId) -> SocketAddr {
        let (own, peers) = (&self.machines[host.index()].addrs, &self.machines[peer.index()].addrs);
        let common = |addr: &&IpAddr| own.iter().any(|own| own.is_ipv4() == addr.is_ipv4());
        let addr = peers.iter().find(common).copied().unwrap_or(peers[0]);
        let addr = SocketAddr::new(addr, self.machines[peer.index()].spec.port);
        self.net.seen(peer, addr, Some(own[0]))
    }

    /// The engine of a host; `None` while it is off, and where an actor runs.
    pub fn engine(&self, host: HostId) -> Option<&Engine> {
        self.machines[host.index()].engine()
    }

    /// How a host's first torrent stands.
    pub fn status(&self, host: HostId) -> Option<TorrentStatus> {
        self.engine(host)?.torrent(self.clock(host), TorrentId(0))
    }

    /// The peers of a host's first torrent.
    pub fn peers(&self, host: HostId) -> Vec<PeerStatus> {
        self.engine(host).map(|engine| engine.peers(self.clock(host), TorrentId(0))).unwrap_or_default()
    }

    /// When a host was started for the first time; now, if it never was.
    pub fn started(&self, host: HostId) -> Instant {
        self.machines[host.index()].started.unwrap_or(self.now)
    }

    /// Payload of a host's first torrent, over all its lives.
    pub fn traffic(&self, host: HostId) -> Traffic {
        let mut traffic = self.machines[host.index()].before;
        if let Some(status) = self.status(host) {
            traffic.downloaded += status.downloaded;
            traffic.uploaded += status.uploaded;
            traffic.wasted += status.wasted;
            traffic.corrupt += status.corrupt;
        }
        traffic
    }

    /// When a host completed its first torrent.
    pub fn completed(&self, host: HostId) -> Option<Instant> {
        self.machines[host.index()].completed.get(&TorrentId(0)).copied()
    }

    /// Downloads that hosts have taken on and not completed, those of hosts that are off included.
    pub const fn downloads_left(&self) -> usize {
        self.downloads_left
    }

    /// Whether a host has its first torrent whole, byte for byte, under its final name.
    pub fn has_whole(&self, host: HostId) -> bool {
        self.machines[host.index()].disk.is_complete(TorrentId(0))
    }

    /// What a host's engines told, in order, but for what comes with every piece and every peer.
    pub fn story(&self, host: HostId) -> &[(Instant, Event)] {
        &self.machines[host.index()].story
    }

    /// Rules that engines broke, where the [`Checks`] have them kept.
    pub fn violations(&self) -> &[Violation] {
        self.watch.violations()
    }

    /// The digest of all that every host has done so far.
    pub const fn digest(&self) -> RunDigest {
        self.digest
    }

    /// Inputs that engines have been given so far: the measure of a simulation's work.
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }
}

/// Running it.
impl Sim {
    /// Goes to the next thing that happens, unless that is after `end`. Whether anything happened.
    pub fn step(&mut self, end: Instant) -> bool {
        // What was done between steps may have brought news too.
        self.bring_news();
        match self.queue.next() {
            Some(at) if at <= end => {}
            _ => return false,
        }
        let Some((at, due)) = self.queue.pop() else { return false };
        self.now = self.now.max(at);
        match due {
            Due::Net(event) => self.net.handle(self.now, event),
            Due::Input(host, life, input) if self.machines[host.index()].life == life => {
                match &mut self.machines[host.index()].asleep {
                    Some(late) => late.push(Late::Input(input)),
                    None => self.input(host, *input),
                }
            }
            Due::Wake(host, life) if self.machines[host.index()].life == life => self.wake(host),
            Due::Step(step) => step(self),
            Due::Input(..) | Due::Wake(..) => {}
        }
        self.bring_news();
        true
    }

    /// Runs until `done` holds, which is looked at whenever something has happened.
    ///
    /// # Errors
    /// [`Unfinished`] when it does not within `limit` of virtual time, or nothing happens any more.
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<(), Unfinished> {
        let end = self.now + limit;
        while !done(self) {
            if !self.step(end) {
                return Err(Unfinished { seed: self.seed, now: self.now, hosts: self.unfinished() });
            }
        }
        Ok(())
    }

    /// Runs for a while, whatever happens.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    fn unfinished(&self) -> Vec<String> {
        let told = |host: HostId| {
            let status = self.status(host).filter(|s| s.have < s.pieces)?;
            let why: Vec<String> = status.why.iter().map(ToString::to_string).collect();
            Some(format!(
                "{}: {} of {} pieces, {} peers; {}",
                self.host_name(host),
                status.have,
                status.pieces,
                status.peers,
                why.join("; ")
            ))
        };
        self.hosts().filter_map(told).collect()
    }

    fn wake(&mut self, host: HostId) {
        let now = self.clock(host);
        let machine = &mut self.machines[host.index()];
        if machine.asleep.is_some() {
            return;
        }
        match &machine.program {
            // Planned before an earlier one was, or before its clock was touched.
            Program::Engine(_) if machine.wake.is_none_or(|planned| planned > self.now) => {}
            Program::Engine(engine) => {
                let due = engine.poll_timeout().is_some_and(|at| at <= now);
                machine.wake = None;
                if due {
                    self.input(host, Input::Timeout);
                } else {
                    self.drain(host);
                }
            }
            Program::Actor(_) => self.act(host, |actor, cx| actor.woken(cx)),
            Program::Off => {}
        }
    }

    /// Tells hosts what the network has brought, until all is quiet.
    fn bring_news(&mut self) {
        loop {
            for (at, event) in self.net.planned.drain(..) {
                self.queue.push(at, Due::Net(event));
            }
            let Some(news) = self.net.news.pop_front() else {
                match self.net.mail.pop_front() {
                    Some(mail) => self.bring_mail(mail),
                    None => return,
                }
                continue;
            };
            if let Some(late) = &mut self.machines[news.host.index()].asleep {
                late.push(Late::News(news));
                continue;
            }
            match self.machines[news.host.index()].program {
                Program::Engine(_) => self.tell_engine(news.host, news.end, news.what),
                Program::Actor(_) => self.tell_actor(news.host, news.end, news.what),
                Program::Off => {}
            }
        }
    }

    fn tell_engine(&mut self, host: HostId, end: End, what: Noticed) {
        let machine = &mut self.machines[host.index()];
        if let Noticed::Accepted { remote, .. } = what {
            let conn = ConnId::accepted(machine.accepted);
            machine.accepted += 1;
            machine.bind(conn, end);
            return self.input(host, Input::Accepted { conn, remote });
        }
        let Some(conn) = machine.conns.get(&end).copied() else { return };
        match what {
            Noticed::Connected { local } => self.input(host, Input::Connected { conn, local }),
            Noticed::ConnectFailed(error) => {
                machine.unbind(conn);
                self.input(host, Input::ConnectFailed { conn, error });
            }
            Noticed::Received(slices) => {
                self.inputs += slices.len() as u64;
                slices.into_iter().for_each(|data| self.hand_in(host, Input::Received { conn, data }));
                self.drain(host);
            }
            Noticed::Sent(bytes) => self.input(host, Input::Sent { conn, bytes }),
            Noticed::Closed(error) => {
                machine.unbind(conn);
                self.input(host, Input::Closed { conn, error });
            }
            Noticed::Accepted { .. } => {}
        }
    }

    /// Tells a host of a datagram.
    fn bring_mail(&mut self, mail: Mail) {
        match &mut self.machines[mail.host.index()].asleep {
            Some(late) => late.push(Late::Mail(mail)),
            None => self.act(mail.host, |actor, cx| actor.datagram(cx, mail.from, mail.port, mail.data)),
        }
    }

    /// Hands an engine an input and does what it asks for.
    fn input(&mut self, host: HostId, input: Input) {
        self.inputs += 1;
        self.hand_in(host, input);
        self.drain(host);
    }

    fn hand_in(&mut self, host: HostId, input: Input) {
        let Machine { program: Program::Engine(engine), disk, clock, .. } = &mut self.machines[host.index()]
        else {
            return;
        };
        let at = Moment { now: self.now, clock: clock.at(self.now) };
        self.watch.input(at, host, disk, &input);
        engine.handle(at.clock, input);
    }

    /// Does what an engine asks for, and plans when to wake it.
    fn drain(&mut self, host: HostId) {
        let now = self.now;
        while let Some(action) = self.machines[host.index()].engine_mut().and_then(Recorded::poll_action) {
            self.digest.action(now, host, &action);
            self.perform(host, action);
        }
        let machine = &mut self.machines[host.index()];
        while let Some(event) = machine.engine_mut().and_then(Recorded::poll_event) {
            self.digest.event(now, host, &event);
            machine.end_recording(&event);
            self.watch.tells(host, &event);
            self.downloads_left -= usize::from(machine.note(now, event));
        }
        machine.keep_recording();
        let Some(engine) = machine.engine() else { return };
        let at = Moment { now, clock: machine.clock.at(now) };
        self.watch.settled(at, host, engine, &machine.spec.config);
        let Some(at) = engine.poll_timeout() else { return };
        let at = machine.clock.when(at);
        if machine.wake.is_none_or(|planned| at < planned) {
            machine.wake = Some(at);
            self.queue.push(at.max(now), Due::Wake(host, machine.life));
        }
    }

    fn perform(&mut self, host: HostId, action: Action) {
        let machine = &mut self.machines[host.index()];
        let at = Moment { now: self.now, clock: machine.clock.at(self.now) };
        match action {
            Action::Connect { conn, remote, .. } => {
                let local = local_for(&machine.addrs, remote);
                let end = self.net.connect(self.now, host, local, remote);
                machine.bind(conn, end);
                self.watch.opens(at.clock, host, conn);
            }
            Action::Send { conn, data } => {
                self.watch.sends(at, host, conn, &machine.disk, &data);
                if let Some(end) = machine.ends.get(&conn) {
                    self.net.send(self.now, *end, data);
                }
            }
            Action::SetReadable { conn, readable } => {
                if let Some(end) = machine.ends.get(&conn) {
                    self.net.set_readable(self.now, *end, readable);
                }
            }
            Action::Close { conn } => {
                self.watch.closes(host, conn);
                if let Some(end) = machine.unbind(conn) {
                    self.net.close(self.now, end, None);
                }
            }
            Action::SetAccepting { accepting } => self.net.set_accepting(self.now, host, accepting),
            Action::Resolve { job, host: name } => {
                let (time, result) = self.dns.look_up(&name, &machine.addrs);
                self.answer(host, self.now + time, Input::Resolved { job, result });
            }
            Action::Disk { job, op } => {
                let write = self.watch.write(host, &op);
                let (at, result) = machine.disk.begin(self.now, op);
                if let Some(write) = write {
                    self.watch.writes(host, write, at);
                }
                if machine.trap.is_some() {
                    self.spring(host, at);
                }
                self.answer(host, at, Input::DiskDone { job, result });
            }
            Action::Cancel { .. } => {}
        }
    }

    fn answer(&mut self, host: HostId, at: Instant, input: Input) {
        let life = self.machines[host.index()].life;
        self.queue.push(at, Due::Input(host, life, Box::new(input)));
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("hosts", &self.machines.len())
            .finish_non_exhaustive()
    }
}

/// A simulation did not come to the end that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done at {now}; the seed is {seed}{}", .hosts.iter().map(|h| format!("\n  {h}")).collect::<String>())]
pub struct Unfinished {
    /// The seed that shows it again.
    pub seed: u64,
    /// The virtual time.
    pub now: Instant,
    /// Hosts that are not complete, and why.
    pub hosts: Vec<String>,
}
