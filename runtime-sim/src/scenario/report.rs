//! What came of a simulation: a function of the scenario and the seed alone.

use super::swarm::Swarm;
use crate::actors::{HttpTracker, ScriptedPeer};
use crate::digest::RunDigest;
use crate::host::Traffic;
use crate::net::HostId;
use crate::struck::Struck;
use peerless_core::{Duration, Event, Instant, TrackerNews, Why};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The seed that all of it follows from.
    pub seed: u64,
    /// Bytes of the torrent.
    pub size: u64,
    /// Pieces of the torrent.
    pub pieces: u32,
    /// The hosts that were to download, in the order in which they were added.
    pub leechers: Vec<Download>,
    /// Virtual time at the end.
    pub end: Instant,
    /// The shortest possible time for this swarm; `None` where the scenario has faults that the bound knows nothing
    /// of.
    pub shortest: Option<Duration>,
    /// Payload, by what became of it, and what was sent besides, over all hosts that run an engine.
    pub bytes: Traffic,
    /// How things stood, every so often.
    pub samples: Vec<Sample>,
    /// For how long each reason to wait came first, over all downloads from their beginning to their end.
    pub why: BTreeMap<&'static str, Duration>,
    /// How long all downloads were unfinished, all together, those times included in which they did not wait.
    pub unfinished: Duration,
    /// Faults that came to be felt, and how often.
    pub struck: Struck,
    /// Inputs that engines were given.
    pub inputs: u64,
    /// The digest of everything that hosts did.
    pub digest: RunDigest,
    /// What did not come out as the scenario wants it; empty for a good run.
    pub faults: Vec<String>,
    /// What was recorded of the leecher that the setup names; `None` where it names none that there is.
    pub recording: Option<Vec<u8>>,
}

/// One host's download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The host's name.
    pub name: String,
    /// When it began.
    pub started: Instant,
    /// When it was complete; `None`: never.
    pub completed: Option<Instant>,
    /// Why it cannot be, where nobody has what it lacks and the scenario is such that this is no fault.
    pub out_of_reach: Option<String>,
    /// It was to leave before it was complete, and nobody waited for it.
    pub quitter: bool,
    /// Payload bytes that it sent.
    pub uploaded: u64,
}

impl Download {
    /// How long it took.
    pub fn time(&self) -> Option<Duration> {
        Some(self.completed?.since(self.started))
    }
}

/// A moment of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Downloads that were complete.
    pub complete: usize,
    /// Payload bytes that leechers received a second since the sample before, all together.
    pub down: u64,
    /// Payload bytes that leechers and seeds sent a second since the sample before, all together.
    pub up: u64,
}

impl Report {
    /// How long the last of the downloads took, those of quitters left aside; `None` while one is not complete.
    pub fn time(&self) -> Option<Duration> {
        let stayed = self.leechers.iter().filter(|download| !download.quitter);
        stayed.map(Download::time).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The time taken in thousandths of the shortest possible one: 1,000 cannot be beaten.
    pub fn permille_of_shortest(&self) -> Option<u64> {
        let (time, shortest) = (self.time()?.as_micros(), self.shortest?.as_micros());
        u64::try_from(time * 1_000 / shortest.max(1)).ok()
    }
}

impl Report {
    /// Writes it at the end of a run.
    pub(super) fn of(scenario: &'static str, swarm: &Swarm, faults: Vec<String>) -> Self {
        let sim = &swarm.sim;
        let download = |host: &HostId| Download {
            name: sim.host_name(*host).to_owned(),
            started: sim.started(*host),
            completed: sim.completed(*host),
            out_of_reach: swarm.out_of_reach(*host),
            quitter: swarm.quitters.contains(host),
            uploaded: sim.traffic(*host).uploaded,
        };
        let mut bytes = Traffic::default();
        for host in sim.hosts() {
            let its = sim.traffic(host);
            bytes.downloaded += its.downloaded;
            bytes.uploaded += its.uploaded;
            bytes.wasted += its.wasted;
            bytes.duplicate += its.duplicate;
            bytes.corrupt += its.corrupt;
            bytes.overhead += its.overhead;
        }
        Self {
            scenario,
            seed: sim.seed(),
            size: swarm.torrent.metainfo.geometry().total(),
            pieces: swarm.torrent.metainfo.geometry().num_pieces(),
            leechers: swarm.leechers.iter().map(download).collect(),
            end: sim.now(),
            shortest: swarm.shortest,
            bytes,
            samples: swarm.sampler.samples(),
            why: swarm.sampler.why.clone(),
            unfinished: swarm.sampler.unfinished,
            struck: struck(swarm),
            inputs: sim.inputs(),
            digest: sim.digest(),
            faults,
            recording: swarm.recording(),
        }
    }
}

/// What struck hosts and ways, and what engines, trackers and rogues tell of it.
fn struck(swarm: &Swarm) -> Struck {
    let mut struck = swarm.sim.struck();
    for (_, event) in swarm.sim.hosts().flat_map(|host| swarm.sim.story(host)) {
        let what = match event {
            Event::PeerBanned { .. } => "bans",
            Event::PieceFailed { .. } => "pieces_failed",
            Event::PieceLost { .. } => "pieces_lost",
            Event::DiskTrouble { .. } => "disk_troubles",
            Event::Tracker { news: TrackerNews::Failed { .. }, .. } => "trackers_failed",
            _ => continue,
        };
        struck.add(what, 1);
    }
    let rogues = swarm.rogues.iter().filter_map(|rogue| swarm.sim.actor::<ScriptedPeer>(*rogue));
    struck.add("misdeeds", rogues.map(|rogue| rogue.done().len() as u64).sum());
    if let Some(tracker) = swarm.sim.actor::<HttpTracker>(swarm.tracker) {
        struck.add("rude_answers", tracker.rude_answers());
        struck.add("intervals_changed", tracker.intervals_changed());
    }
    struck
}

/// A reason to wait, in a word.
pub(super) const fn word(why: Why) -> &'static str {
    match why {
        Why::Checking { .. } => "checking",
        Why::Finishing => "finishing",
        Why::DiskFailing { .. } => "disk_failing",
        Why::DiskSlow { .. } => "disk_slow",
        Why::AskingTrackers { .. } => "asking_trackers",
        Why::TrackersFail { .. } => "trackers_fail",
        Why::LookingUp { .. } => "looking_up",
        Why::LookupsFail { .. } => "lookups_fail",
        Why::NoPeers => "no_peers",
        Why::Connecting { .. } => "connecting",
        Why::NobodyHasIt { .. } => "nobody_has_it",
        Why::Choked { .. } => "choked",
        Why::Snubbed { .. } => "snubbed",
        Why::Waiting { .. } => "waiting",
        _ => "other",
    }
}
