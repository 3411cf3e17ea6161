//! The simulation: hosts, the network between them, and one queue of what happens next. Here a world is built; what
//! happens in it has its own modules.

mod actions;
mod actors;
mod engines;
mod faults;
mod last_words;
mod look;
mod recording;
mod run;

pub use run::Unfinished;

pub(crate) use faults::Trap;

use crate::check::{Checks, Watch};
use crate::clock::Clock;
use crate::dice::Dice;
use crate::digest::Digester;
use crate::disk::Disk;
use crate::dns::Dns;
use crate::host::{Host, Machine, Program, Spot, Stock, Traffic};
use crate::map::Map;
use crate::net::{HostId, NetEvent, Network};
use crate::payload::Torrent;
use crate::queue::Queue;
use crate::struck::Struck;
use peerless_core::{Duration, Goal, Input, Instant, MetainfoError, TorrentId};
use std::collections::BTreeMap;
use std::fmt;

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
    digest: Digester,
    watch: Watch,
    /// The host whose engine was called last.
    turn: Option<HostId>,
    inputs: u64,
    downloads_left: usize,
    struck: Struck,
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
            digest: Digester::new(),
            watch: Watch::new(seed),
            turn: None,
            inputs: 0,
            downloads_left: 0,
            struck: Struck::default(),
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
            ends: Map::default(),
            conns: Map::default(),
            accepted: 0,
            recording: Vec::new(),
            story: Vec::new(),
            started: None,
            before: Traffic::default(),
            sent: 0,
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

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("hosts", &self.machines.len())
            .finish_non_exhaustive()
    }
}
