//! A swarm as scenarios are told: a torrent, a tracker, seeds, leechers, and an end.

use super::Setup;
use super::copies;
use super::report::Report;
use super::sample::Sampler;
use super::theory::shortest_time;
use crate::actors::{HttpTracker, ScriptedPeer};
use crate::host::Host;
use crate::net::{HostId, Link};
use crate::payload::Torrent;
use crate::sim::Sim;
use peerless_core::record::RecordOptions;
use peerless_core::{Duration, Event, Instant, MetainfoError, Phase, TorrentId};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A swarm under way. Its parts are open: a scenario does what it likes with them.
#[derive(Debug)]
pub struct Swarm {
    /// The world.
    pub sim: Sim,
    /// What it is about.
    pub torrent: Torrent,
    /// The tracker that everybody announces to.
    pub tracker: HostId,
    /// Hosts that have everything from the start.
    pub seeds: Vec<HostId>,
    /// Hosts that download.
    pub leechers: Vec<HostId>,
    /// Those of them that are to leave for good before they are complete: nobody waits for them.
    pub quitters: BTreeSet<HostId>,
    /// Whether seeds leave for good, maybe with the only copy of a piece. Then a download that lacks what nobody has, and
    /// says so, is incomplete, and no fault.
    pub copies_leave: bool,
    /// Scripted peers.
    pub rogues: Vec<HostId>,
    /// The shortest time possible, where the scenario is one that the bound speaks of.
    pub shortest: Option<Duration>,
    /// Which leecher is recorded: [`Setup::record`].
    record: Option<u32>,
    /// How things stood, every so often.
    pub(super) sampler: Sampler,
}

impl Swarm {
    /// A torrent of as many bytes as the setup says, or of `usual`, in pieces of a usual length, and a tracker for it.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this size.
    pub fn usual(setup: &Setup, usual: u64) -> Result<Self, MetainfoError> {
        let size = setup.size(usual);
        Self::new(setup, size, Setup::piece_length(size))
    }

    /// A torrent of `size` bytes and a tracker for it.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this shape.
    pub fn new(setup: &Setup, size: u64, piece_length: u32) -> Result<Self, MetainfoError> {
        Self::with_tracker(setup, size, piece_length, HttpTracker::new(setup.seed))
    }

    /// The same with a tracker of this kind.
    ///
    /// # Errors
    /// [`MetainfoError`] where no torrent can have this shape.
    pub fn with_tracker(
        setup: &Setup,
        size: u64,
        piece_length: u32,
        tracker: HttpTracker,
    ) -> Result<Self, MetainfoError> {
        let mut sim = Sim::new(setup.seed);
        let tracker = sim.add_actor("tracker", Link::unlimited(), tracker);
        let torrent = sim.torrent(size, piece_length, &[HttpTracker::url(sim.addr(tracker))])?;
        Ok(Self {
            sim,
            torrent,
            tracker,
            seeds: Vec::new(),
            leechers: Vec::new(),
            quitters: BTreeSet::new(),
            copies_leave: false,
            rogues: Vec::new(),
            shortest: None,
            record: setup.record,
            sampler: Sampler::default(),
        })
    }

    /// Adds a seed, and waits until it has checked what it has.
    pub fn seed(&mut self, link: Link) -> HostId {
        let id = self.seed_later(link);
        self.sim.start(id);
        while self.sim.status(id).is_some_and(|s| s.phase == Phase::Checking) {
            if !self.sim.step(Instant::FAR_FUTURE) {
                break;
            }
        }
        id
    }

    /// Adds a seed that is off.
    pub fn seed_later(&mut self, link: Link) -> HostId {
        let host = Host::new(format!("seed {}", self.seeds.len() + 1)).link(link).seeds(&self.torrent);
        let id = self.sim.add_off(host);
        self.seeds.push(id);
        id
    }

    /// Adds a leecher that begins now.
    pub fn leecher(&mut self, link: Link) -> HostId {
        let id = self.later(link);
        self.sim.start(id);
        id
    }

    /// Adds a leecher that is off.
    pub fn later(&mut self, link: Link) -> HostId {
        let name = format!("leecher {}", self.leechers.len() + 1);
        self.add(Host::new(name).link(link).downloads(&self.torrent))
    }

    /// Adds a host that is off and is to download, and so has to be complete at the end.
    pub fn add(&mut self, host: Host) -> HostId {
        let is_recorded = self.record == u32::try_from(self.leechers.len() + 1).ok();
        let id = self.sim.add_off(if is_recorded { host.recorded(RECORD) } else { host });
        self.leechers.push(id);
        id
    }

    /// Adds a scripted peer, and starts it.
    pub fn rogue(&mut self, name: impl Into<String>, link: Link, peer: ScriptedPeer) -> HostId {
        let id = self.sim.add_actor(name, link, peer);
        self.rogues.push(id);
        id
    }

    /// The bound of [`shortest_time`] holds for this swarm as it is now: all begin at once, and nobody leaves.
    pub fn expect_shortest(&mut self) {
        self.shortest = Some(self.bound());
    }

    /// So many thousandths of the shortest time in which this swarm, as it is now, could be served. Faults that are
    /// planned by it strike in a swarm of any size.
    pub fn part(&self, permille: u32) -> Duration {
        self.bound() * permille / 1_000
    }

    fn bound(&self) -> Duration {
        let links = |hosts: &[HostId]| hosts.iter().map(|h| self.sim.link(*h)).collect::<Vec<_>>();
        let total = self.torrent.metainfo.geometry().total();
        shortest_time(total, &links(&self.seeds), &links(&self.leechers))
    }

    /// Thousandths of its pieces that the best leecher has.
    pub fn progress(&self) -> u32 {
        let have = |host: &HostId| {
            let have = self.sim.engine(*host)?.torrent_have(TorrentId(0))?;
            u32::try_from(u64::from(have.count()) * 1_000 / u64::from(have.len().max(1))).ok()
        };
        self.leechers.iter().filter_map(have).max().unwrap_or_default()
    }

    /// Runs until something holds, which is looked at a few hundred times in the shortest time possible, or for `limit`
    /// of virtual time. Whether it holds.
    pub fn wait_until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.sim.now() + limit;
        let pause = self.part(3).max(LEAST_PAUSE);
        while !holds(self) {
            if self.sim.now() >= end {
                return false;
            }
            self.sim.run_for(pause);
            self.sample();
        }
        true
    }

    /// Plans a step for when something holds, which is looked at whenever a part of the shortest time has passed.
    pub fn when(&mut self, holds: impl Fn(&Sim) -> bool + 'static, step: impl FnOnce(&mut Sim) + 'static) {
        let pause = self.part(10).max(LEAST_PAUSE);
        wait(&mut self.sim, pause, holds, step);
    }

    /// What was recorded of the leecher that the setup names.
    pub(super) fn recording(&self) -> Option<Vec<u8>> {
        let n = usize::try_from(self.record?).ok()?.checked_sub(1)?;
        Some(self.sim.recording(*self.leechers.get(n)?).to_vec())
    }

    /// Runs until every download is complete, those of quitters left aside, or none can go on where
    /// [copies leave](Self::copies_leave), or for `limit` of virtual time; then looks at what every host has.
    pub fn finish(mut self, name: &'static str, limit: Duration) -> Report {
        let spent = Rc::new(Cell::new(false));
        if self.copies_leave {
            let (leechers, is_spent) = (self.leechers.clone(), Rc::clone(&spent));
            self.when(move |sim| copies::are_spent(sim, &leechers), move |_| is_spent.set(true));
        }
        self.finish_when(name, limit, |swarm| swarm.is_served() || spent.get())
    }

    /// The same with another end. Downloads that are not complete then are faults, but for those of quitters and those
    /// that lack what nobody has where [copies leave](Self::copies_leave).
    pub fn finish_when(
        mut self,
        name: &'static str,
        limit: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> Report {
        let end = self.sim.now() + limit;
        while !done(&self) {
            self.sample();
            if !self.sim.step(end) {
                break;
            }
        }
        self.sampler.look(&self.sim, &self.seeds, &self.leechers);
        let faults = self.faults();
        Report::of(name, &self, faults)
    }

    /// Everybody who stays is complete.
    fn is_served(&self) -> bool {
        let waits = |host: &HostId| !self.quitters.contains(host) && self.sim.completed(*host).is_none();
        self.sim.downloads_left() <= self.quitters.len() && !self.leechers.iter().any(waits)
    }

    /// Looks at how things stand, if it is time to.
    fn sample(&mut self) {
        self.sampler.tick(&self.sim, &self.seeds, &self.leechers);
    }

    /// What is wrong at the end: a download that is not complete, or complete and not right.
    fn faults(&self) -> Vec<String> {
        let fault = |host: &HostId| {
            let name = self.sim.host_name(*host);
            if self.sim.completed(*host).is_some() {
                return (!self.sim.has_whole(*host))
                    .then(|| format!("{name} is complete, and its data is wrong"));
            }
            if self.quitters.contains(host) || self.out_of_reach(*host).is_some() {
                return None;
            }
            let status = self.sim.status(*host);
            let why = status.map_or_else(
                || "it is off".to_owned(),
                |s| {
                    let why: Vec<String> = s.why.iter().map(ToString::to_string).collect();
                    format!("{} of {} pieces; {}", s.have, s.pieces, why.join("; "))
                },
            );
            Some(format!("{name} is not complete: {why}"))
        };
        self.leechers.iter().filter_map(fault).chain(self.wrong_bans()).collect()
    }

    /// Why a download that is not complete cannot be, where that is no fault.
    pub(super) fn out_of_reach(&self, host: HostId) -> Option<String> {
        let may_be = self.copies_leave && self.sim.completed(host).is_none();
        if may_be { copies::out_of_reach(&self.sim, host) } else { None }
    }

    /// Bans of hosts that run an engine: engines are honest.
    fn wrong_bans(&self) -> impl Iterator<Item = String> + '_ {
        let honest: Vec<HostId> = self.seeds.iter().chain(&self.leechers).copied().collect();
        let banned = move |host: HostId| {
            let by = self.sim.host_name(host);
            let names = honest.clone();
            self.sim.story(host).iter().filter_map(move |(at, event)| {
                let Event::PeerBanned { addr, reason, .. } = event else { return None };
                let victim = names.iter().find(|h| self.sim.addr(**h).ip() == *addr)?;
                Some(format!(
                    "{by} banned {}, which is honest, at {at}: {reason}",
                    self.sim.host_name(*victim)
                ))
            })
        };
        self.sim.hosts().flat_map(banned)
    }
}

/// Takes a step once something holds.
fn wait(
    sim: &mut Sim,
    pause: Duration,
    holds: impl Fn(&Sim) -> bool + 'static,
    step: impl FnOnce(&mut Sim) + 'static,
) {
    sim.after(pause, move |sim| if holds(sim) { step(sim) } else { wait(sim, pause, holds, step) });
}

/// How a leecher is recorded.
const RECORD: RecordOptions = RecordOptions { payload: false, mask: false, limit: 1 << 30 };
/// Time between two looks at whether something holds, at least.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
