//! Pieces that we had and offered, and that are not there when a peer asks for them.

use super::stage::Stage;
use super::*;
use crate::journal::replay;
use crate::wire::{BlockRange, Message};
use alloc::collections::BTreeSet;

const EIO: DiskErrorKind = DiskErrorKind::Denied;

/// The pieces that a host told it lost, in order.
fn lost(world: &World, host: usize) -> Vec<PieceIndex> {
    let lost = |event: &Event| match event {
        Event::PieceLost { piece, .. } => Some(*piece),
        _ => None,
    };
    world.hosts[host].events.iter().filter_map(lost).collect()
}

fn count(world: &World, host: usize, wanted: fn(&Event) -> bool) -> usize {
    world.hosts[host].events.iter().filter(|event| wanted(event)).count()
}

/// Nobody was banned, and nobody received a byte that was wrong.
fn nobody_is_to_blame(world: &World) -> bool {
    let blames = |event: &Event| {
        matches!(event, Event::PeerBanned { .. } | Event::PieceFailed { .. } | Event::Failed { .. })
    };
    (0..world.hosts.len()).all(|host| count(world, host, blames) == 0)
}

/// The pieces that a host had written to since it did so many things, with those that wait to be written again.
fn written_since(world: &World, host: usize, actions: usize) -> BTreeSet<PieceIndex> {
    let written = |action: &Action| match action {
        Action::Disk { op, .. } => match &op.task {
            DiskTask::Write { extents, .. } => {
                Some(PieceIndex::new((extents[0].offset / PIECE as u64) as u32))
            }
            _ => None,
        },
        _ => None,
    };
    world.hosts[host].actions[actions..].iter().filter_map(written).collect()
}

/// A download that has some pieces and waits for a seed that hangs, and somebody who has nothing yet and knows nobody.
struct HalfWay {
    world: World,
    meta: Arc<Metainfo>,
    data: Vec<u8>,
    seed: usize,
    half: usize,
    other: usize,
}

impl HalfWay {
    fn new() -> Self {
        let data = payload(40 * PIECE);
        let meta = torrent(&data);
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let other = world.leecher(&meta, &[]);
        let half = world.host(Config::default());
        let options = TorrentOptions { seeding: SeedPolicy::Forever, ..world.download_from(&[seed]) };
        world.add(half, &meta, options);
        world.run_until(MINUTE, |w| w.status(half).have >= 8);
        world.hang(seed);
        world.run_for(Duration::from_millis(20));
        Self { world, meta, data, seed, half, other }
    }

    /// The other begins to ask, and nothing can be read for it.
    fn lose_something(&mut self) {
        self.world.hosts[self.half].disk.fails.insert("read", EIO);
        self.ask();
        let half = self.half;
        self.world.run_until(MINUTE, |w| !lost(w, half).is_empty());
        self.world.hosts[half].disk.fails.clear();
    }

    fn ask(&mut self) {
        let (now, addr) = (self.world.now, self.world.hosts[self.half].addr);
        self.world.hosts[self.other].engine.add_peer(now, TORRENT, addr);
    }

    fn all_end_well(mut self) {
        let (half, other) = (self.half, self.other);
        let done = |w: &World| w.phase(half) == Phase::Seeding && w.phase(other) == Phase::Stopped;
        // Who is refused too often leaves for some minutes.
        self.world.run_until(MINUTE * 10, done);
        for host in [half, other] {
            assert_eq!(self.world.hosts[host].disk.contents(TORRENT, Place::Final).unwrap(), self.data);
        }
        assert!(nobody_is_to_blame(&self.world));
    }
}

#[test]
fn a_piece_that_cannot_be_read_for_a_peer_is_fetched_again_and_nobody_is_blamed() {
    let mut story = HalfWay::new();
    let had = story.world.status(story.half).have;
    story.lose_something();
    let (half, lost) = (story.half, lost(&story.world, story.half));
    assert_eq!(story.world.status(half).have, had - lost.len() as u32);
    let said = Event::PieceLost {
        torrent: TORRENT,
        piece: lost[0],
        error: Some(DiskError { action: "read", path: "disk".into(), kind: EIO }),
    };
    assert!(story.world.hosts[half].events.contains(&said));
    story.world.unhang(story.seed);
    story.all_end_well();
}

#[test]
fn a_lost_piece_is_not_written_before_the_journal_says_that_it_is_lost() {
    let mut story = HalfWay::new();
    let half = story.half;
    // Reading takes as long as the journal does.
    story.world.hosts[half].disk_time = Duration::from_millis(500);
    story.lose_something();
    let lost: BTreeSet<PieceIndex> = lost(&story.world, half).into_iter().collect();
    let (before, actions) = (story.world.status(half).downloaded, story.world.hosts[half].actions.len());
    story.world.unhang(story.seed);
    story.world.run_for(Duration::from_millis(490));
    let came = story.world.status(half).downloaded - before;
    assert!(came > 40 * PIECE as u64 / 2, "{came} bytes came meanwhile");
    let written = written_since(&story.world, half, actions);
    assert!(
        !written.is_empty() && written.is_disjoint(&lost),
        "{written:?} were written, {lost:?} were lost"
    );
    story.world.run_for(Duration::from_millis(20));
    assert!(
        written_since(&story.world, half, actions).is_superset(&lost),
        "it waits for longer than it has to"
    );
    story.all_end_well();
}

#[test]
fn a_sync_that_was_under_way_does_not_record_a_piece_that_was_lost_meanwhile() {
    let mut story = HalfWay::new();
    let half = story.half;
    story.world.hosts[half].disk_time = Duration::from_secs(2);
    let synced = |w: &World| w.hosts[half].disk.log.last() == Some(&"sync");
    story.world.run_until(MINUTE, synced);
    story.world.hosts[half].disk_time = Duration::from_millis(1);
    story.lose_something();
    story.world.run_for(Duration::from_secs(3));
    let journal = &story.world.hosts[half].disk.journals[&TORRENT];
    let said = replay(journal, &story.meta.info_hash(), story.meta.geometry()).unwrap();
    let lost = lost(&story.world, half);
    assert!(said.have.count() > 0, "the sync recorded the others");
    assert!(lost.iter().all(|piece| !said.have.has(*piece) && said.in_doubt.has(*piece)), "{lost:?}");
    story.world.unhang(story.seed);
    story.all_end_well();
}

#[test]
fn a_piece_that_is_lost_while_the_download_finishes_is_fetched_before_it_is_complete() {
    let mut story = HalfWay::new();
    let half = story.half;
    // One read takes a second and fails; everything else is fast, so that all is there before it has come back.
    story.world.hosts[half].disk.fails.insert("read", EIO);
    story.world.hosts[half].disk_time = Duration::from_secs(1);
    story.ask();
    story.world.run_until(MINUTE, |w| w.hosts[half].disk.log.last() == Some(&"read"));
    story.world.hosts[half].disk_time = Duration::from_millis(1);
    story.world.unhang(story.seed);
    story.world.run_until(MINUTE, |w| w.phase(half) == Phase::Finishing);
    story.world.hosts[half].disk.fails.clear();
    story.world.run_until(MINUTE, |w| !lost(w, half).is_empty());
    assert_eq!(count(&story.world, half, |event| matches!(event, Event::Completed { .. })), 0);
    assert_eq!(story.world.phase(half), Phase::Downloading);
    story.all_end_well();
}

#[test]
fn a_disk_that_loses_a_piece_again_and_again_ends_the_download() {
    let mut story = HalfWay::new();
    let (half, other) = (story.half, story.other);
    story.world.hosts[half].disk.fails.insert("read", EIO);
    // What is verified is asked for at once: the end of the download never comes.
    story.ask();
    story.world.unhang(story.seed);
    story.world.run_until(MINUTE, |w| w.phase(half) == Phase::Stopped);
    let failed = |event: &Event| matches!(event, Event::Failed { error: TorrentError::Disk { .. }, .. });
    assert_eq!(count(&story.world, half, failed), 1);
    let lost = lost(&story.world, half);
    assert!(story.meta.geometry().pieces().all(|p| lost.iter().filter(|l| **l == p).count() <= 3));
    assert_eq!(count(&story.world, other, |event| matches!(event, Event::PeerBanned { .. })), 0);
    let journal = &story.world.hosts[half].disk.journals[&TORRENT];
    let said = replay(journal, &story.meta.info_hash(), story.meta.geometry()).unwrap();
    assert!(lost.last().is_some_and(|piece| !said.have.has(*piece)));
}

/// A finished download that is given away, somebody who knows only it, and the seed that it came from.
struct Finished {
    world: World,
    meta: Arc<Metainfo>,
    data: Vec<u8>,
    first: usize,
    second: usize,
}

impl Finished {
    fn new(lengths: &[u64]) -> Self {
        let data = payload(lengths.iter().sum::<u64>() as usize);
        let meta = torrent_of_files(&data, lengths);
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let first = world.host(Config::default());
        let options = TorrentOptions { seeding: SeedPolicy::Forever, ..world.download_from(&[seed]) };
        world.add(first, &meta, options);
        world.run_until(MINUTE, |w| w.phase(first) == Phase::Seeding);
        let second = world.leecher(&meta, &[]);
        Self { world, meta, data, first, second }
    }

    fn file(&mut self, file: usize) -> &mut Vec<u8> {
        let files = self.world.hosts[self.first].disk.files.get_mut(&(TORRENT, Place::Final)).unwrap();
        files[file].as_mut().unwrap()
    }

    /// The file system notes that somebody has changed something.
    fn touch(&mut self) {
        self.world.hosts[self.first].disk.modified += 1;
    }

    fn ask(&mut self) {
        let (now, addr) = (self.world.now, self.world.hosts[self.first].addr);
        self.world.hosts[self.second].engine.add_peer(now, TORRENT, addr);
    }

    fn is_whole_again(&self) -> bool {
        self.world.hosts[self.first].disk.contents(TORRENT, Place::Final).unwrap() == self.data
    }

    /// All ends well: both have everything, and the seed was one all the time.
    fn ends_mended(mut self) -> World {
        let second = self.second;
        self.ask();
        self.world.run_until(MINUTE * 5, |w| w.phase(second) == Phase::Stopped);
        assert!(self.is_whole_again());
        assert_eq!(self.world.hosts[second].disk.contents(TORRENT, Place::Final).unwrap(), self.data);
        assert!(nobody_is_to_blame(&self.world));
        let seeding = |event: &Event| matches!(event, Event::Phase { phase: Phase::Seeding, .. });
        assert_eq!(count(&self.world, self.first, seeding), 1);
        assert_eq!(self.world.phase(self.first), Phase::Seeding);
        self.world
    }
}

const LENGTHS: [u64; 3] = [5 * PIECE as u64 + 1_000, 8 * PIECE as u64, 7 * PIECE as u64 - 1_000];

#[test]
fn a_finished_file_that_was_cut_short_is_whole_again() {
    let mut story = Finished::new(&LENGTHS);
    story.file(1).truncate(3 * PIECE);
    story.touch();
    let first = story.first;
    let world = story.ends_mended();
    // The five that are cut off, and what shares a piece with the files before and behind.
    let mut pieces = lost(&world, first);
    pieces.sort_unstable();
    assert_eq!(pieces, (8..14).map(PieceIndex::new).collect::<Vec<_>>());
    assert!(world.status(first).downloaded <= (20 + 6) * PIECE as u64);
}

#[test]
fn what_was_cut_is_whole_again_whichever_piece_is_asked_for_first() {
    for others in 0..6 {
        let mut story = Finished::new(&[1_000, 150 * PIECE as u64, 7_000]);
        // Its own choices depend on how many are there before it.
        (0..others).for_each(|_| _ = story.world.host(Config::default()));
        story.second = story.world.leecher(&story.meta, &[]);
        story.file(1).truncate(145 * PIECE);
        story.touch();
        story.ends_mended();
    }
}

#[test]
fn a_finished_file_that_somebody_changed_is_left_as_it_is_and_gives_nobody_a_wrong_byte() {
    let mut story = Finished::new(&LENGTHS);
    story.file(1)[PIECE * 2] ^= 1;
    story.file(1)[PIECE * 6] ^= 1;
    story.touch();
    let (first, second) = (story.first, story.second);
    let changed = story.file(1).clone();
    story.ask();
    story.world.run_until(MINUTE * 30, |w| w.status(second).have == 18);
    story.world.run_for(MINUTE);
    assert_eq!(*story.file(1), changed);
    assert!(!story.world.hosts[first].disk.log.contains(&"repair") && nobody_is_to_blame(&story.world));
    let mut pieces = lost(&story.world, first);
    pieces.sort_unstable();
    assert_eq!(pieces, [7, 11].map(PieceIndex::new));
    assert_eq!((story.world.phase(first), story.world.status(first).have), (Phase::Seeding, 18));
}

#[test]
fn a_finished_file_that_could_not_be_read_once_is_not_written_over() {
    let mut story = Finished::new(&LENGTHS);
    let (first, second) = (story.first, story.second);
    story.world.hosts[first].disk.fails.insert("read", EIO);
    story.ask();
    let hashed = |w: &World| w.hosts[first].disk.log.iter().filter(|verb| **verb == "check").count();
    let before = hashed(&story.world);
    story.world.run_until(MINUTE, |w| hashed(w) > before);
    story.world.hosts[first].disk.fails.remove("read");
    story.world.run_until(MINUTE * 30, |w| w.phase(second) == Phase::Stopped);
    assert_eq!(lost(&story.world, first), []);
    assert!(!story.world.hosts[first].disk.log.contains(&"repair") && nobody_is_to_blame(&story.world));
}

#[test]
fn files_that_only_look_changed_are_hashed_once_and_given() {
    let mut story = Finished::new(&LENGTHS);
    story.touch();
    let hashed = |w: &World| w.hosts[1].disk.log.iter().filter(|verb| **verb == "check").count();
    let (first, before) = (story.first, hashed(&story.world));
    let world = story.ends_mended();
    assert_eq!(lost(&world, first), []);
    // Of twenty pieces one is in two files, of which the second is found changed after it was hashed for the first.
    assert_eq!(hashed(&world) - before, 20 + 1);
}

#[test]
fn what_cannot_be_mended_is_told_once_and_the_rest_is_given() {
    let mut story = Finished::new(&LENGTHS);
    let (first, second) = (story.first, story.second);
    story.file(1).truncate(3 * PIECE);
    story.touch();
    story.world.hosts[first].disk.fails.insert("repair", EIO);
    story.ask();
    // Who is refused too often leaves for some minutes.
    story.world.run_until(MINUTE * 30, |w| w.status(second).have == 14);
    story.world.run_for(MINUTE);
    assert_eq!(count(&story.world, first, |event| matches!(event, Event::DiskTrouble { .. })), 1);
    assert_eq!((story.world.phase(first), story.world.status(first).have), (Phase::Seeding, 14));
    assert!(nobody_is_to_blame(&story.world));
}

#[test]
fn a_disk_that_does_not_hold_a_piece_is_not_given_it_for_ever() {
    let mut story = Finished::new(&LENGTHS);
    let first = story.first;
    story.world.hosts[first].disk.fails.extend([("read", EIO), ("check", EIO)]);
    // Who is refused too often leaves, so others come.
    for _ in 0..30 {
        let other = story.world.leecher(&story.meta, &[first]);
        story.world.run_for(Duration::from_secs(20));
        assert_eq!(story.world.status(other).have, 0);
        assert_eq!(count(&story.world, other, |event| matches!(event, Event::PeerBanned { .. })), 0);
    }
    let lost = lost(&story.world, first);
    let times = |piece: &PieceIndex| lost.iter().filter(|p| *p == piece).count();
    assert_eq!(lost.iter().map(times).max(), Some(3), "{lost:?}");
    assert!(story.world.status(first).downloaded <= 3 * 20 * PIECE as u64);
    assert_eq!(story.world.phase(first), Phase::Seeding);
}

#[test]
fn what_the_user_gives_away_is_never_written_to() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let whole = world.seed(&meta, &data);
    let cut = world.seed(&meta, &data);
    let (now, addr) = (world.now, world.hosts[whole].addr);
    world.hosts[cut].engine.add_peer(now, TORRENT, addr);
    let files = world.hosts[cut].disk.files.get_mut(&(TORRENT, Place::Final)).unwrap();
    files[0].as_mut().unwrap().truncate(15 * PIECE);
    let leecher = world.leecher(&meta, &[cut]);
    world.run_until(MINUTE, |w| w.status(leecher).have == 15);
    world.run_for(MINUTE);
    assert_eq!((lost(&world, cut).len(), world.status(cut).have), (5, 15));
    assert_eq!(world.hosts[cut].disk.contents(TORRENT, Place::Final).unwrap().len(), 15 * PIECE);
    assert!(!world.hosts[cut].disk.log.contains(&"repair") && nobody_is_to_blame(&world));
}

const SLOW: Duration = Duration::from_millis(100);
const FAST: Duration = Duration::from_millis(1);

/// A seed whose file is changed behind its back, and two peers that ask for what is in it.
struct Changing {
    stage: Stage,
    peers: [ConnId; 2],
}

impl Changing {
    fn new() -> Self {
        let mut stage = Stage::new();
        let peers = ["10.7.7.1", "10.7.7.2"].map(|ip| stage.connect_from(ip));
        for peer in peers {
            stage.say(peer, &[Message::HaveNone, Message::Interested]);
        }
        Self { stage, peers }
    }

    /// A peer asks for the first block of a piece, and the disk takes so long for it.
    fn ask(&mut self, peer: usize, piece: u32, disk_time: Duration) {
        self.stage.world.hosts[0].disk_time = disk_time;
        let request = Message::Request(BlockRange { index: piece, begin: 0, len: 16_384 });
        self.stage.say(self.peers[peer], &[request]);
    }

    /// The file is written to; with `piece`, that one is something else from now on.
    fn touch(&mut self, piece: Option<usize>) {
        let disk = &mut self.stage.world.hosts[0].disk;
        disk.modified += 1;
        let file = disk.files.get_mut(&(TORRENT, Place::Final)).unwrap()[0].as_mut().unwrap();
        piece.into_iter().for_each(|piece| file[piece * PIECE] ^= 1);
    }

    /// The pieces of which a peer got a block, and those of which it was refused one.
    fn outcome(&self, peer: usize) -> (Vec<u32>, Vec<u32>) {
        let (mut given, mut refused) = (Vec::new(), Vec::new());
        for message in self.stage.said(self.peers[peer]) {
            match message {
                Message::Piece { index, .. } => given.push(index),
                Message::Reject(range) => refused.push(range.index),
                _ => {}
            }
        }
        (given, refused)
    }
}

#[test]
fn what_was_read_of_a_piece_that_was_lost_meanwhile_is_not_given() {
    let mut story = Changing::new();
    story.ask(0, 3, FAST);
    story.stage.world.run_for(SLOW);
    story.touch(Some(3));
    story.ask(0, 3, SLOW);
    story.ask(1, 3, FAST);
    story.stage.world.run_for(SLOW * 10);
    assert_eq!(story.outcome(0), (Vec::from([3]), Vec::from([3])));
    assert_eq!(story.outcome(1), (Vec::new(), Vec::from([3])));
}

#[test]
fn who_asked_for_what_is_gone_gets_what_is_left_without_asking_again() {
    let mut story = Changing::new();
    let file = story.stage.world.hosts[0].disk.files.get_mut(&(TORRENT, Place::Final)).unwrap()[0].as_mut();
    file.unwrap().truncate(4 * PIECE);
    // All that is read at first is gone.
    let block = |(index, block): (u32, u32)| {
        Message::Request(BlockRange { index, begin: block * 16_384, len: 16_384 })
    };
    let pieces = [4, 5, 6, 7, 8, 9, 0, 1];
    let requests: Vec<Message> =
        pieces.into_iter().flat_map(|piece| (0..4).map(move |n| (piece, n))).map(block).collect();
    story.stage.say(story.peers[0], &requests);
    story.stage.world.run_for(SLOW * 10);
    let (given, refused) = story.outcome(0);
    // Nothing was sent on this stage, so there is no room for more of what is left.
    assert_eq!((given.len(), refused.len()), (2, 6 * 4));
    assert!(given.iter().all(|piece| *piece < 2), "{given:?}");
}

#[test]
fn a_file_that_is_changed_again_while_it_is_hashed_is_hashed_again() {
    let mut story = Changing::new();
    story.ask(0, 3, FAST);
    story.stage.world.run_for(SLOW);
    story.touch(None);
    story.ask(0, 3, FAST);
    // It is found out and hashed, slowly, and still good.
    story.stage.world.hosts[0].disk_time = SLOW;
    story.stage.world.run_for(FAST * 2);
    story.touch(Some(3));
    // Somebody else's read brings the news.
    story.ask(1, 4, FAST);
    story.stage.world.run_for(SLOW * 10);
    assert_eq!(story.outcome(0), (Vec::from([3]), Vec::from([3])));
    assert_eq!(story.outcome(1), (Vec::from([4]), Vec::new()));
}
