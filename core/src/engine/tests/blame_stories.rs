//! Pieces that several peers sent and that are bad: who lied, and who must not be blamed for it.

use super::world::Lie;
use super::*;
use core::net::IpAddr;

const MIB: usize = 1 << 20;

/// A leecher that gets each piece of a torrent from all of three seeds, the second of which lies.
struct Trial {
    world: World,
    data: Vec<u8>,
    meta: Arc<Metainfo>,
    seeds: [usize; 3],
    leecher: usize,
}

impl Trial {
    fn new(pieces: usize, piece: usize, lie: Lie) -> Self {
        let data = payload(pieces * piece);
        let meta = torrent_in_pieces(&data, piece);
        let mut world = World::new();
        let seeds = [(); 3].map(|()| world.seed(&meta, &data));
        world.hosts[seeds[1]].corrupt = Some(lie);
        let leecher = world.leecher(&meta, &seeds);
        Self { world, data, meta, seeds, leecher }
    }

    /// Runs until so many pieces have failed of which several had sent parts.
    fn run_until_failed(&mut self, pieces: usize) {
        let leecher = self.leecher;
        self.world.run_until(MINUTE, |w| failures(w, leecher).len() >= pieces);
        assert_eq!(failures(&self.world, leecher), vec![None; pieces], "one sent all of a piece");
        assert_eq!(self.bans(), []);
    }

    /// A seed that was not there before, and is known to the leecher from now on.
    fn late_seed(&mut self) -> usize {
        let late = self.world.seed(&self.meta, &self.data);
        let (now, addr) = (self.world.now, self.world.hosts[late].addr);
        self.world.hosts[self.leecher].engine.add_peer(now, TORRENT, addr);
        late
    }

    fn run_until_complete(&mut self) {
        let leecher = self.leecher;
        self.world.run_until(MINUTE * 2, |w| w.phase(leecher) == Phase::Stopped);
        let copy = self.world.hosts[leecher].disk.contents(TORRENT, Place::Final);
        assert!(copy.unwrap() == self.data, "the copy differs");
    }

    fn addr(&self, host: usize) -> IpAddr {
        self.world.hosts[host].addr.ip()
    }

    fn bans(&self) -> Vec<(IpAddr, BanReason)> {
        let ban = |e: &Event| match e {
            Event::PeerBanned { addr, reason, .. } => Some((*addr, *reason)),
            _ => None,
        };
        self.world.hosts[self.leecher].events.iter().filter_map(ban).collect()
    }
}

/// For each piece that failed, who alone had sent it.
fn failures(world: &World, host: usize) -> Vec<Option<IpAddr>> {
    let failed = |e: &Event| match e {
        Event::PieceFailed { culprit, .. } => Some(*culprit),
        _ => None,
    };
    world.hosts[host].events.iter().filter_map(failed).collect()
}

const FIRST_BLOCK: Lie = |n, block| {
    if n == 0 {
        block[500] ^= 0xff;
    }
};

const A_LATER_BLOCK: Lie = |n, block| {
    if n == 30 {
        block[0] ^= 1;
    }
};

#[test]
fn of_three_who_sent_a_piece_only_the_liar_is_banned() {
    let mut trial = Trial::new(1, MIB, FIRST_BLOCK);
    trial.run_until_failed(1);
    trial.late_seed();
    trial.run_until_complete();
    assert_eq!(trial.bans(), [(trial.addr(trial.seeds[1]), BanReason::CorruptBlock)]);
}

#[test]
fn a_liar_is_found_in_a_piece_of_32_mib() {
    let mut trial = Trial::new(1, 32 * MIB, FIRST_BLOCK);
    trial.run_until_failed(1);
    trial.late_seed();
    trial.run_until_complete();
    assert_eq!(trial.bans(), [(trial.addr(trial.seeds[1]), BanReason::CorruptBlock)]);
}

#[test]
fn several_bad_pieces_are_tried_at_once() {
    let mut trial = Trial::new(2, MIB, FIRST_BLOCK);
    let liars = [trial.seeds[1], trial.seeds[2]];
    trial.world.hosts[liars[1]].corrupt = Some(A_LATER_BLOCK);
    trial.run_until_failed(2);
    trial.late_seed();
    trial.run_until_complete();
    let mut bans = trial.bans();
    bans.sort_unstable_by_key(|(addr, _)| *addr);
    assert_eq!(bans, liars.map(|liar| (trial.addr(liar), BanReason::CorruptBlock)));
}

#[test]
fn a_liar_that_left_before_the_verdict_is_banned_all_the_same() {
    let mut trial = Trial::new(1, MIB, FIRST_BLOCK);
    trial.run_until_failed(1);
    let liar = trial.seeds[1];
    trial.world.switch_off(liar);
    trial.late_seed();
    trial.run_until_complete();
    assert_eq!(trial.bans(), [(trial.addr(liar), BanReason::CorruptBlock)]);
}

#[test]
fn a_disk_that_cannot_be_read_proves_nothing() {
    let mut trial = Trial::new(1, MIB, FIRST_BLOCK);
    trial.run_until_failed(1);
    trial.late_seed();
    let leecher = trial.leecher;
    trial.world.hosts[leecher].disk.fails.insert("check", DiskErrorKind::Denied);
    trial.run_until_complete();
    assert_eq!(trial.bans(), []);
}

#[test]
fn when_the_second_to_send_a_piece_lies_too_both_are_banned() {
    let mut trial = Trial::new(1, MIB, FIRST_BLOCK);
    trial.run_until_failed(1);
    let late = trial.late_seed();
    trial.world.hosts[late].corrupt = Some(FIRST_BLOCK);
    trial.run_until_complete();
    let (liar, late) = (trial.addr(trial.seeds[1]), trial.addr(late));
    assert_eq!(trial.bans(), [(late, BanReason::CorruptPiece), (liar, BanReason::CorruptBlock)]);
}
