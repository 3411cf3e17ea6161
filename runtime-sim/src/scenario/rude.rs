//! Scenarios of peers and trackers that break the rules, among honest ones. No honest peer may be banned.

use super::{Report, Scenario, Setup, Swarm};
use crate::actors::{HttpTracker, Misdeed, ScriptedPeer, TrackerManner};
use crate::dice::Dice;
use crate::net::Link;
use crate::units::{hours, mbit, mib, secs};
use peerless_core::{Duration, MetainfoError};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("corrupting", "of five seeds three send wrong blocks now and then", 10, corrupting),
    Scenario::new("hostile", "one peer of every kind of misdeed, beside two honest seeds", 5, hostile),
    Scenario::new(
        "rude-trackers",
        "the tracker is silent, wrong, late, and changes its interval",
        8,
        rude_trackers,
    ),
];

fn line() -> Link {
    Link::symmetric(mbit(20))
}

fn corrupting(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    for _ in 0..2 {
        swarm.seed(line());
    }
    let tracker = swarm.sim.addr(swarm.tracker);
    for permille in [5, 50, 500] {
        let peer = ScriptedPeer::seed(&swarm.torrent).announces_to(tracker).does(Misdeed::Corrupt(permille));
        swarm.rogue(format!("corrupts {permille} in 1000"), line(), peer);
    }
    for _ in 0..peers {
        swarm.leecher(line());
    }
    Ok(swarm.finish("corrupting", hours(10)))
}

fn hostile(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(16))?;
    // They are slow, so that nobody gets by without the others.
    for _ in 0..2 {
        swarm.seed(Link::symmetric(mbit(4)));
    }
    let tracker = swarm.sim.addr(swarm.tracker);
    let leechers: Vec<_> = (0..peers).map(|_| swarm.later(line())).collect();
    let mut dice = Dice::new(setup.seed, "who does what");
    for misdeed in Misdeed::EVERY {
        // Half of the pieces each; and what need not be done at the beginning of a connection may begin later.
        let pieces =
            swarm.torrent.metainfo.geometry().pieces().filter(|_| dice.chance(500)).collect::<Vec<_>>();
        let peer = ScriptedPeer::partial_seed(&swarm.torrent, pieces).announces_to(tracker);
        let begins = if misdeed.greets() { Duration::ZERO } else { dice.time(swarm.part(100)) };
        let mut peer = peer.from(begins, *misdeed);
        for leecher in &leechers {
            peer = peer.dials(swarm.sim.addr(*leecher));
        }
        swarm.rogue(format!("{misdeed:?}"), line(), peer);
    }
    leechers.into_iter().for_each(|leecher| swarm.sim.start(leecher));
    Ok(swarm.finish("hostile", hours(10)))
}

/// One way to be rude.
fn rude(n: u64) -> TrackerManner {
    match n {
        0 => TrackerManner::Silent,
        1 => TrackerManner::Reset,
        2 => TrackerManner::Late(secs(20)),
        3 => TrackerManner::Trickling(secs(1)),
        4 => TrackerManner::Half,
        5 => TrackerManner::Refusing("go away"),
        6 => TrackerManner::Failing(503),
        7 => TrackerManner::Noise,
        8 => TrackerManner::WebPage,
        9 => TrackerManner::WrongTypes,
        10 => TrackerManner::Unfinished,
        11 => TrackerManner::Endless,
        12 => TrackerManner::Redirecting,
        13 => TrackerManner::Phantoms(50),
        _ => TrackerManner::Interval(secs(40)),
    }
}

fn rude_trackers(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut dice = Dice::new(setup.seed, "manners");
    let mut tracker = HttpTracker::new(setup.seed);
    let mut at = secs(0);
    for _ in 0..4 {
        tracker = tracker.from(at, rude(dice.below(15)));
        at += dice.time(secs(120));
    }
    // From then on it is well, but that it changes its mind about when to come back.
    for _ in 0..20 {
        tracker = tracker.from(at, TrackerManner::Interval(secs(30) + dice.time(hours(1))));
        at += dice.time(secs(120));
    }
    let size = setup.size(mib(16));
    let mut swarm = Swarm::with_tracker(setup, size, Setup::piece_length(size), tracker)?;
    swarm.seed(line());
    for _ in 0..peers {
        swarm.leecher(line());
    }
    Ok(swarm.finish("rude-trackers", hours(10)))
}
