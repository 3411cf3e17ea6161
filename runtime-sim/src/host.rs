//! A host: a machine with addresses, a link, a disk, and a program that runs on it.

use crate::actor::Actor;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::disk::{Disk, DiskSpeed};
use crate::map::Map;
use crate::net::{End, Gate, Link, Mail, News, SiteId};
use crate::payload::Torrent;
use crate::sim::Trap;
use peerless_core::record::{RecordOptions, Recorded};
use peerless_core::{
    Config, ConnId, Duration, Engine, Event, Goal, Input, Instant, PieceIndex, SeedPolicy, TorrentId,
    TorrentOptions,
};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What a host is to be: handed to [`Sim::add`](crate::Sim::add).
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) name: String,
    pub(crate) link: Link,
    pub(crate) disk: DiskSpeed,
    pub(crate) config: Config,
    pub(crate) port: u16,
    pub(crate) torrents: Vec<Task>,
    pub(crate) families: Families,
    pub(crate) spot: Spot,
    pub(crate) ahead: Duration,
    pub(crate) drift: i32,
    pub(crate) record: Option<RecordOptions>,
}

/// Where a host stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spot {
    /// By itself, in the open.
    #[default]
    Open,
    /// By itself, behind this.
    Behind(Gate),
    /// Among others.
    At(SiteId),
}

/// Which addresses a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Families {
    #[default]
    Both,
    V4,
    V6,
}

impl Families {
    pub(crate) fn of(self, [v4, v6]: [IpAddr; 2]) -> Vec<IpAddr> {
        match self {
            Self::Both => vec![v4, v6],
            Self::V4 => vec![v4],
            Self::V6 => vec![v6],
        }
    }
}

/// A torrent that a host takes on, at every start.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) torrent: Torrent,
    pub(crate) options: TorrentOptions,
    /// What is on the disk before the first start.
    pub(crate) stock: Stock,
}

/// See [`Task::stock`].
#[derive(Clone, Debug)]
pub(crate) enum Stock {
    Nothing,
    Everything,
    Pieces(Vec<PieceIndex>),
}

impl Host {
    /// A host with the defaults of everything: a good line, a fast disk, no torrent.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            link: Link::default(),
            disk: DiskSpeed::default(),
            config: Config::default(),
            port: 6_881,
            torrents: Vec::new(),
            families: Families::Both,
            spot: Spot::Open,
            ahead: Duration::ZERO,
            drift: 0,
            record: None,
        }
    }

    /// On this link.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    /// With a clock that is ahead by so much, and runs so many millionths faster than time does; slower, if negative.
    #[must_use]
    pub fn clock(mut self, ahead: Duration, drift: i32) -> Self {
        (self.ahead, self.drift) = (ahead, drift);
        self
    }

    /// At a place that it shares with others.
    #[must_use]
    pub fn at(mut self, site: SiteId) -> Self {
        self.spot = Spot::At(site);
        self
    }

    /// By itself behind a firewall or a NAT.
    #[must_use]
    pub fn behind(mut self, gate: Gate) -> Self {
        self.spot = Spot::Behind(gate);
        self
    }

    /// Without an address of the sixth version: what has no other is out of its reach.
    #[must_use]
    pub fn only_v4(mut self) -> Self {
        self.families = Families::V4;
        self
    }

    /// Without an address of the fourth version: what has no other is out of its reach.
    #[must_use]
    pub fn only_v6(mut self) -> Self {
        self.families = Families::V6;
        self
    }

    /// With a disk of this speed.
    #[must_use]
    pub fn disk(mut self, speed: DiskSpeed) -> Self {
        self.disk = speed;
        self
    }

    /// With these settings of the engine.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// With a recording of each of its engine's lives: [`Sim::recording`](crate::Sim::recording).
    #[must_use]
    pub fn recorded(mut self, options: RecordOptions) -> Self {
        self.record = Some(options);
        self
    }

    /// Has the torrent and gives it to others for ever.
    #[must_use]
    pub fn seeds(self, torrent: &Torrent) -> Self {
        let options = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
        self.takes(torrent, options, Stock::Everything)
    }

    /// Downloads the torrent, and seeds it for ever once it is complete.
    #[must_use]
    pub fn downloads(self, torrent: &Torrent) -> Self {
        self.with(torrent, TorrentOptions { seeding: SeedPolicy::Forever, ..Default::default() })
    }

    /// Takes on the torrent with these options, with nothing on the disk.
    #[must_use]
    pub fn with(self, torrent: &Torrent, options: TorrentOptions) -> Self {
        self.takes(torrent, options, Stock::Nothing)
    }

    /// Takes on the torrent with these options; some of its pieces stand on the disk, without a record of them.
    #[must_use]
    pub fn with_pieces(
        self,
        torrent: &Torrent,
        options: TorrentOptions,
        pieces: impl IntoIterator<Item = PieceIndex>,
    ) -> Self {
        self.takes(torrent, options, Stock::Pieces(pieces.into_iter().collect()))
    }

    fn takes(mut self, torrent: &Torrent, options: TorrentOptions, stock: Stock) -> Self {
        self.torrents.push(Task { torrent: torrent.clone(), options, stock });
        self
    }
}

/// Payload bytes, by what became of them; and what it took besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Received.
    pub downloaded: u64,
    /// Sent.
    pub uploaded: u64,
    /// Received and of no use: duplicates, unasked for, or of a piece that had to come from one peer and did not.
    pub wasted: u64,
    /// Of the wasted: what had been asked for of several peers, and was there already.
    pub duplicate: u64,
    /// Received in pieces that failed their hash.
    pub corrupt: u64,
    /// Sent besides payload, to peers and trackers: handshakes, messages, the heads of blocks, announces.
    pub overhead: u64,
}

/// What runs on a machine.
pub(crate) enum Program {
    /// Nothing: it is off.
    Off,
    Engine(Box<Recorded>),
    Actor(Box<dyn Actor>),
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::Engine(_) => "Engine",
            Self::Actor(_) => "Actor",
        })
    }
}

/// What came for a host while it was suspended.
#[derive(Debug)]
pub(crate) enum Late {
    Input(Box<Input>),
    News(News),
    Mail(Mail),
}

/// A host in the simulation.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) spec: Host,
    pub(crate) addrs: Vec<IpAddr>,
    pub(crate) program: Program,
    pub(crate) disk: Disk,
    pub(crate) dice: Dice,
    /// How often it was started. What was planned for an earlier life concerns nobody.
    pub(crate) life: u32,
    /// When it is woken next.
    pub(crate) wake: Option<Instant>,
    /// What is to happen in the middle of an operation of its disk.
    pub(crate) trap: Option<Trap>,
    /// While it is suspended: what has come for it.
    pub(crate) asleep: Option<Vec<Late>>,
    pub(crate) clock: Clock,
    pub(crate) ends: Map<ConnId, End>,
    pub(crate) conns: Map<End, ConnId>,
    pub(crate) accepted: u64,
    /// What was recorded of its engine's present life, or of its last.
    pub(crate) recording: Vec<u8>,
    /// What its engine told, but for what comes with every piece and every peer.
    pub(crate) story: Vec<(Instant, Event)>,
    /// When it was started for the first time.
    pub(crate) started: Option<Instant>,
    /// Payload of its first torrent in its earlier lives.
    pub(crate) before: Traffic,
    /// Bytes that its engine has sent in its present life.
    pub(crate) sent: u64,
    /// When each torrent was complete.
    pub(crate) completed: BTreeMap<TorrentId, Instant>,
}

impl Machine {
    pub(crate) fn engine(&self) -> Option<&Engine> {
        match &self.program {
            Program::Engine(engine) => Some(engine),
            _ => None,
        }
    }

    pub(crate) fn engine_mut(&mut self) -> Option<&mut Recorded> {
        match &mut self.program {
            Program::Engine(engine) => Some(engine),
            _ => None,
        }
    }

    /// Where it listens: others may see it elsewhere.
    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.addrs[0], self.spec.port)
    }

    /// A stream of the engine got a number.
    pub(crate) fn bind(&mut self, conn: ConnId, end: End) {
        self.ends.insert(conn, end);
        self.conns.insert(end, conn);
    }

    /// The engine knows nothing of this stream any more.
    pub(crate) fn unbind(&mut self, conn: ConnId) -> Option<End> {
        let end = self.ends.remove(&conn)?;
        self.conns.remove(&end);
        Some(end)
    }

    /// Keeps what is worth telling afterwards. Whether a download came to its end for the first time.
    pub(crate) fn note(&mut self, now: Instant, event: Event) -> bool {
        let mut first = false;
        match event {
            Event::PieceVerified { .. } | Event::PeerConnected { .. } | Event::PeerDisconnected { .. } => {
                return false;
            }
            Event::Completed { torrent } if !self.completed.contains_key(&torrent) => {
                self.completed.insert(torrent, now);
                let task = self.spec.torrents.get(torrent.0 as usize);
                first = task.is_some_and(|task| task.options.goal == Goal::Download);
            }
            _ => {}
        }
        self.story.push((now, event));
        first
    }
}
