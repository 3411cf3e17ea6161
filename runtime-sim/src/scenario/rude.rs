//! Scenarios of peers and trackers that break the rules, among honest ones. No honest peer may be banned.

use super::{Report, Scenario, Setup, Swarm};
use crate::actors::{HttpTracker, Misdeed, ScriptedPeer, TrackerManner};
use crate::dice::Dice;
use crate::net::Link;
use crate::units::{hours, mbit, mib, secs};
use peerless_core::MetainfoError;

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "corrupting",
        about: "of five seeds three send wrong blocks now and then",
        run: corrupting,
    },
    Scenario {
        name: "hostile",
        about: "one peer of every kind of misdeed, beside two honest seeds",
        run: hostile,
    },
    Scenario {
        name: "rude-trackers",
        about: "the tracker is silent, wrong, late, and well at last",
        run: rude_trackers,
    },
];

const PIECE: u32 = 256 << 10;

fn line() -> Link {
    Link::symmetric(mbit(20))
}

/// Every misdeed there is.
const MISDEEDS: [Misdeed; 22] = [
    Misdeed::SilentAccept,
    Misdeed::HalfHandshake,
    Misdeed::WrongProtocol,
    Misdeed::WrongTorrent,
    Misdeed::SecondHandshake,
    Misdeed::WrongBitfield,
    Misdeed::ClaimAll,
    Misdeed::OutOfRange,
    Misdeed::ChokeForever,
    Misdeed::NeverServe,
    Misdeed::RejectAll,
    Misdeed::Flap(secs(3)),
    Misdeed::Trickle(2_000),
    Misdeed::Corrupt(100),
    Misdeed::Unasked(20),
    Misdeed::StopInBlock,
    Misdeed::CloseAfter(100_000),
    Misdeed::Oversize,
    Misdeed::Noise,
    Misdeed::Chatter,
    Misdeed::Flood,
    Misdeed::NeverRead,
];

fn corrupting(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(32)), PIECE)?;
    for _ in 0..2 {
        swarm.seed(line());
    }
    let tracker = swarm.sim.addr(swarm.tracker);
    for permille in [5, 50, 500] {
        let peer = ScriptedPeer::seed(&swarm.torrent).announces_to(tracker).does(Misdeed::Corrupt(permille));
        swarm.sim.add_actor(format!("corrupts {permille} in 1000"), line(), peer);
    }
    for _ in 0..setup.peers(10) {
        swarm.leecher(line());
    }
    Ok(swarm.finish("corrupting", hours(10)))
}

fn hostile(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, setup.size(mib(16)), PIECE)?;
    for _ in 0..2 {
        swarm.seed(line());
    }
    let tracker = swarm.sim.addr(swarm.tracker);
    let leechers: Vec<_> = (0..setup.peers(5)).map(|_| swarm.later(line())).collect();
    let mut dice = Dice::new(setup.seed, "who does what");
    for misdeed in MISDEEDS {
        // Half of them have a part only, and some begin to misbehave later.
        let pieces =
            swarm.torrent.metainfo.geometry().pieces().filter(|_| dice.chance(500)).collect::<Vec<_>>();
        let peer = ScriptedPeer::partial_seed(&swarm.torrent, pieces).announces_to(tracker);
        let mut peer = peer.from(dice.time(secs(5)), misdeed);
        for leecher in &leechers {
            peer = peer.dials(swarm.sim.addr(*leecher));
        }
        swarm.sim.add_actor(format!("{misdeed:?}"), line(), peer);
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
        _ => TrackerManner::Phantoms(50),
    }
}

fn rude_trackers(setup: &Setup) -> Result<Report, MetainfoError> {
    let mut dice = Dice::new(setup.seed, "manners");
    let mut tracker = HttpTracker::new(setup.seed);
    let mut at = secs(0);
    for _ in 0..4 {
        tracker = tracker.from(at, rude(dice.below(14)));
        at += dice.time(secs(120));
    }
    let mut swarm =
        Swarm::with_tracker(setup, setup.size(mib(16)), PIECE, tracker.from(at, TrackerManner::Civil))?;
    swarm.seed(line());
    for _ in 0..setup.peers(8) {
        swarm.leecher(line());
    }
    Ok(swarm.finish("rude-trackers", hours(10)))
}
