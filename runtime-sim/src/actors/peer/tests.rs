//! Stories of scripted peers among honest ones.

use super::*;
use crate::units::{kib, mbit, millis, minutes, secs};
use crate::{Host, HostId, Link, Sim};
use peerless_core::{BanReason, Event};
use std::net::IpAddr;

fn line() -> Link {
    Link::symmetric(mbit(10)).latency(millis(10))
}

/// An honest seed, three honest leechers, and one who does something wrong; everybody knows everybody.
struct Story {
    sim: Sim,
    honest: Vec<HostId>,
    rogue: HostId,
}

impl Story {
    fn of(seed: u64, rogue: impl FnOnce(&Torrent) -> ScriptedPeer) -> Self {
        Self::with_dialling(seed, |torrent, _| rogue(torrent))
    }

    /// The rogue is told where the honest ones are.
    fn with_dialling(seed: u64, rogue: impl FnOnce(&Torrent, &[SocketAddr]) -> ScriptedPeer) -> Self {
        let mut sim = Sim::new(seed);
        let torrent = sim.torrent(kib(2_500), 64 << 10, &[]).unwrap();
        let mut honest = vec![sim.add(Host::new("seed").link(line()).seeds(&torrent))];
        for n in 1..=3 {
            honest.push(sim.add(Host::new(format!("leecher {n}")).link(line()).downloads(&torrent)));
        }
        let addrs: Vec<_> = honest.iter().map(|host| sim.addr(*host)).collect();
        let rogue = sim.add_actor("rogue", line(), rogue(&torrent, &addrs));
        for (n, host) in honest.iter().enumerate() {
            sim.introduce(*host, rogue);
            honest.iter().skip(n + 1).for_each(|other| sim.introduce(*host, *other));
        }
        Self { sim, honest, rogue }
    }

    /// Runs until all honest downloads are complete, and says who was banned by anybody.
    fn run(&mut self, what: &str, limit: Duration) -> Vec<(IpAddr, BanReason)> {
        let run = self.sim.run_until(limit, |sim| sim.downloads_left() == 0);
        assert_eq!(run, Ok(()), "{what}");
        for host in &self.honest {
            assert!(self.sim.has_whole(*host), "{what}: {}", self.sim.host_name(*host));
        }
        self.bans()
    }

    fn bans(&self) -> Vec<(IpAddr, BanReason)> {
        let stories = self.honest.iter().flat_map(|host| self.sim.story(*host));
        let ban = |(_, event): &(Instant, Event)| match event {
            Event::PeerBanned { addr, reason, .. } => Some((*addr, *reason)),
            _ => None,
        };
        stories.filter_map(ban).collect()
    }

    fn rogue_is_the_only_one_of(&self, bans: &[(IpAddr, BanReason)]) -> bool {
        let rogue = self.sim.addr(self.rogue).ip();
        bans.iter().all(|(addr, _)| *addr == rogue)
    }
}

/// Every misdeed that nobody can be banned for, because nothing is proved. The others have stories of their own.
fn nuisances() -> impl Iterator<Item = Misdeed> {
    use Misdeed::*;
    Misdeed::EVERY.iter().copied().filter(|m| !matches!(m, ClaimAll | OutOfRange | Corrupt(_)))
}

#[test]
fn a_nuisance_holds_up_nobody_and_is_not_banned() {
    for misdeed in nuisances() {
        let mut story = Story::of(1, |torrent| ScriptedPeer::seed(torrent).does(misdeed));
        let bans = story.run(&format!("{misdeed:?}"), minutes(4));
        assert_eq!(bans, [], "{misdeed:?}");
    }
}

#[test]
fn a_nuisance_that_comes_by_itself_is_no_better() {
    for misdeed in nuisances() {
        let mut story = Story::with_dialling(2, |torrent, honest| {
            let rogue = ScriptedPeer::leecher(torrent).offers(Features::default()).does(misdeed);
            honest.iter().fold(rogue, |rogue, addr| rogue.dials(*addr))
        });
        let bans = story.run(&format!("{misdeed:?}"), minutes(4));
        assert_eq!(bans, [], "{misdeed:?}");
    }
}

#[test]
fn who_sends_wrong_blocks_is_banned_and_nobody_else() {
    for (seed, rate) in [(1, 1_000), (2, 300), (3, 30)] {
        let mut story = Story::of(seed, |torrent| ScriptedPeer::seed(torrent).does(Misdeed::Corrupt(rate)));
        let bans = story.run(&format!("{rate} of 1000 blocks"), minutes(4));
        assert!(story.rogue_is_the_only_one_of(&bans), "{bans:?}");
        assert!(!bans.is_empty(), "{rate} of 1000 blocks");
    }
}

#[test]
fn who_names_impossible_pieces_is_banned_when_that_is_sure() {
    let mut story = Story::with_dialling(1, |torrent, honest| {
        let rogue = ScriptedPeer::leecher(torrent).does(Misdeed::OutOfRange);
        honest.iter().fold(rogue, |rogue, addr| rogue.dials(*addr))
    });
    story.run("impossible pieces", minutes(4));
    story.sim.run_for(minutes(1));
    let bans = story.bans();
    assert!(story.rogue_is_the_only_one_of(&bans), "{bans:?}");
    assert!(bans.iter().all(|(_, reason)| *reason == BanReason::ImpossiblePieces), "{bans:?}");
    assert!(!bans.is_empty());
}

#[test]
fn who_claims_what_it_has_not_is_left_aside() {
    let rogue = |torrent: &Torrent| {
        let half = (0..20).map(PieceIndex::new);
        ScriptedPeer::partial_seed(torrent, half).does(Misdeed::ClaimAll)
    };
    let mut story = Story::of(1, rogue);
    assert_eq!(story.run("claims", minutes(4)), []);
}

/// A leecher whose only source does this for a while.
fn interrupted(misdeed: Misdeed) -> Sim {
    let mut sim = Sim::new(3);
    let torrent = sim.torrent(kib(2_500), 64 << 10, &[]).unwrap();
    let rogue = ScriptedPeer::seed(&torrent).between(secs(1), minutes(3), misdeed);
    let rogue = sim.add_actor("rogue", line(), rogue);
    let leecher = sim.add(Host::new("leecher").link(line()).downloads(&torrent));
    sim.introduce(leecher, rogue);
    sim
}

#[test]
fn the_only_source_is_taken_back_when_it_has_improved() {
    use Misdeed::*;
    for misdeed in
        [ChokeForever, NeverServe, RejectAll, Trickle(200), SilentAccept, WrongTorrent, Noise, StopInBlock]
    {
        let mut sim = interrupted(misdeed);
        let run = sim.run_until(minutes(30), |sim| sim.downloads_left() == 0);
        assert_eq!(run, Ok(()), "{misdeed:?}");
    }
}

#[test]
fn a_misdeed_begins_and_ends_on_command() {
    let mut story = Story::of(4, ScriptedPeer::seed);
    let rogue = story.rogue;
    story.sim.run_for(millis(700));
    let given = |sim: &Sim| sim.actor::<ScriptedPeer>(rogue).unwrap().given();
    story.sim.with_actor(rogue, |peer: &mut ScriptedPeer, cx| peer.begin(cx, Misdeed::NeverServe)).unwrap();
    let before = given(&story.sim);
    assert!(before > 0, "it gave while it was honest");
    story.sim.run_for(millis(300));
    assert_eq!(given(&story.sim), before);
    story.sim.with_actor(rogue, |peer: &mut ScriptedPeer, cx| peer.end(cx, Misdeed::NeverServe)).unwrap();
    story.sim.run_for(millis(300));
    assert!(given(&story.sim) > before, "it gives again");
}

#[test]
fn scripted_peers_make_a_swarm_of_their_own() {
    let mut sim = Sim::new(5);
    let tracker = sim.add_actor("tracker", Link::unlimited(), crate::HttpTracker::new(1));
    let torrent = sim.torrent(kib(1_000), 64 << 10, &[crate::HttpTracker::url(sim.addr(tracker))]).unwrap();
    let tracker = sim.addr(tracker);
    let seed = sim.add_actor("seed", line(), ScriptedPeer::seed(&torrent).announces_to(tracker));
    let (seed, addr) = (seed, sim.addr(seed));
    let plain = ScriptedPeer::leecher(&torrent).offers(Features::default()).dials(addr);
    let plain = sim.add_actor("plain", line(), plain);
    let engine = sim.add(Host::new("engine").link(line()).downloads(&torrent));
    sim.run_until(minutes(5), |sim| {
        sim.downloads_left() == 0 && sim.actor::<ScriptedPeer>(plain).is_some_and(|peer| peer.has().is_full())
    })
    .unwrap();
    assert!(sim.has_whole(engine), "the engine found the seed by the tracker");
    let given = sim.actor::<ScriptedPeer>(seed).unwrap().given();
    assert!(given >= kib(1_000), "{given}");
    assert!(sim.actor::<ScriptedPeer>(plain).unwrap().taken() >= kib(1_000));
}
