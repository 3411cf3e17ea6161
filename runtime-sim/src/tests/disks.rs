//! Downloads to disks that fail, run full, wear out and lie.

use crate::disk::DiskSpeed;
use crate::units::{Rate, kib, mbit, mib, millis, minutes, secs};
use crate::{Host, HostId, Link, Sim, Torrent};
use peerless_core::{
    Allocation, DiskErrorKind, Event, FileIndex, PeerAddr, Phase, PieceIndex, SeedPolicy, TorrentError,
    TorrentId, TorrentOptions,
};
use std::collections::BTreeSet;

const ID: TorrentId = TorrentId(0);

fn options(sim: &Sim, peers: &[HostId]) -> TorrentOptions {
    let peers = peers.iter().map(|peer| PeerAddr::Addr(sim.addr(*peer))).collect();
    TorrentOptions { seeding: SeedPolicy::Forever, peers, ..Default::default() }
}

/// A seed, and a leecher that knows it.
fn pair(torrent: &Torrent, seed: u64, link: Link) -> (Sim, HostId) {
    let mut sim = Sim::new(seed);
    let from = sim.add(Host::new("seed").link(link).seeds(torrent));
    let leecher = sim.add(Host::new("leecher").link(link).with(torrent, options(&sim, &[from])));
    (sim, leecher)
}

fn small() -> Torrent {
    let files = [("a", 100_000), ("sub/b", 70_001), ("c", 3), ("sub/d", 100_000)];
    Torrent::of_files(1, "some", &files, 32_768, &[]).unwrap()
}

fn line() -> Link {
    Link::symmetric(mbit(50)).latency(millis(5))
}

fn slow() -> Link {
    Link::symmetric(Rate(kib(32)))
}

fn had(sim: &Sim, host: HostId) -> BTreeSet<PieceIndex> {
    let have = sim.engine(host).and_then(|engine| engine.torrent_have(ID));
    have.map(|have| have.iter().collect()).unwrap_or_default()
}

fn failure(sim: &Sim, host: HostId) -> Option<TorrentError> {
    sim.story(host).iter().find_map(|(_, event)| match event {
        Event::Failed { error, .. } => Some(error.clone()),
        _ => None,
    })
}

fn is_stopped(sim: &Sim, host: HostId) -> bool {
    sim.status(host).is_none_or(|status| status.phase == Phase::Stopped)
}

#[test]
fn whatever_operation_fails_the_end_is_clean_and_nothing_verified_is_lost() {
    let torrent = small();
    let (mut sim, leecher) = pair(&torrent, 0, slow());
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    let all = sim.disk(leecher).operations();
    assert!(all > 20, "only {all} operations");
    use DiskErrorKind::*;
    let other = Other { code: 5, text: "input/output error".into() };
    for kind in
        [NoSpace, Denied, ReadOnly, NotFound, Short, InTheWay, InUse, Symlink, TooLarge, TooManyFiles, other]
    {
        for n in 1..=all {
            fail_once(&torrent, n, &kind);
        }
    }
}

fn fail_once(torrent: &Torrent, n: u64, kind: &DiskErrorKind) {
    let what = format!("operation {n}: {kind:?}");
    let (mut sim, leecher) = pair(torrent, n, slow());
    sim.disk(leecher).fail_operation(n, kind.clone());
    sim.run_until(minutes(5), |sim| {
        assert_eq!(sim.unproved(leecher), [], "{what}");
        sim.downloads_left() == 0 || failure(sim, leecher).is_some()
    })
    .unwrap();
    if sim.downloads_left() == 0 {
        assert_eq!(failure(&sim, leecher), None, "{what}");
        assert!(sim.has_whole(leecher), "{what}");
        return;
    }
    if failure(&sim, leecher) == Some(TorrentError::TargetInTheWay) {
        assert_eq!(*kind, DiskErrorKind::TooLarge, "{what}: a journal that nobody of us wrote");
        return;
    }
    let Some(TorrentError::Disk { error, have, .. }) = failure(&sim, leecher) else {
        panic!("{what}: {:?}", failure(&sim, leecher));
    };
    assert_eq!(error.kind, *kind, "{what}");
    let before = had(&sim, leecher);
    assert!(before.len() >= have as usize, "{what}");
    sim.run_until(secs(5), |sim| is_stopped(sim, leecher)).unwrap();
    sim.kill(leecher);
    sim.start(leecher);
    sim.run_until(minutes(1), |sim| sim.status(leecher).is_some_and(|s| s.phase != Phase::Checking)).unwrap();
    assert!(had(&sim, leecher).is_superset(&before), "{what}: something verified was lost");
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.has_whole(leecher), "{what}");
}

#[test]
fn a_disk_that_runs_full_ends_the_download_and_a_larger_one_goes_on_with_it() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let (mut sim, leecher) = pair(&torrent, 1, Link::symmetric(mbit(8)));
    sim.disk(leecher).set_capacity(Some(mib(1)));
    sim.run_until(minutes(5), |sim| is_stopped(sim, leecher)).unwrap();
    let Some(TorrentError::Disk { error, have, total: 64 }) = failure(&sim, leecher) else {
        panic!("{:?}", failure(&sim, leecher))
    };
    assert_eq!(error.kind, DiskErrorKind::NoSpace);
    assert!((10..16).contains(&have), "{have} of the 15 pieces that fit");
    let before = had(&sim, leecher);
    sim.disk(leecher).set_capacity(None);
    sim.kill(leecher);
    sim.start(leecher);
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    let again = sim.status(leecher).unwrap().downloaded;
    assert!(again <= mib(4) - before.len() as u64 * 65_536, "fetched {again} again");
}

#[test]
fn who_waits_for_space_goes_on_once_it_is_freed() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let mut sim = Sim::new(1);
    let seed = sim.add(Host::new("seed").seeds(&torrent));
    let waiting = TorrentOptions { wait_disk: true, ..options(&sim, &[seed]) };
    let leecher = sim.add(Host::new("leecher").with(&torrent, waiting));
    sim.disk(leecher).set_capacity(Some(mib(1)));
    sim.after(minutes(7), move |sim| sim.disk(leecher).set_capacity(None));
    sim.run_for(minutes(6));
    assert_eq!((sim.downloads_left(), failure(&sim, leecher)), (1, None));
    sim.run_until(minutes(2), |sim| sim.downloads_left() == 0).unwrap();
    let fetched = sim.status(leecher).unwrap().downloaded;
    assert!(fetched <= mib(4) * 11 / 10 + mib(1), "fetched {fetched} bytes");
}

#[test]
fn a_disk_with_no_room_for_the_whole_is_refused_at_the_first_write() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let mut sim = Sim::new(1);
    let seed = sim.add(Host::new("seed").seeds(&torrent));
    let whole = TorrentOptions { allocation: Allocation::Full, ..options(&sim, &[seed]) };
    let leecher = sim.add(Host::new("leecher").with(&torrent, whole));
    sim.disk(leecher).set_capacity(Some(mib(3)));
    sim.run_until(minutes(1), |sim| is_stopped(sim, leecher)).unwrap();
    assert!(matches!(failure(&sim, leecher), Some(TorrentError::Disk { have: 0, .. })));
    assert!(sim.disk(leecher).used() < 1_000);
}

#[test]
fn a_read_only_disk_is_named_at_once() {
    let (mut sim, leecher) = pair(&small(), 1, slow());
    sim.disk(leecher).set_read_only(true);
    sim.run_until(minutes(1), |sim| is_stopped(sim, leecher)).unwrap();
    let Some(TorrentError::Disk { error, .. }) = failure(&sim, leecher) else { panic!("no disk error") };
    assert_eq!((error.kind, sim.status(leecher).unwrap().downloaded), (DiskErrorKind::ReadOnly, 0));
}

#[test]
fn a_seed_whose_disk_reads_wrong_bytes_is_worked_around() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let mut sim = Sim::new(5);
    let worn = sim.add(Host::new("worn").seeds(&torrent));
    let honest = sim.add(Host::new("honest").link(Link::symmetric(mbit(2))).seeds(&torrent));
    sim.run_until(secs(10), |sim| sim.status(worn).is_some_and(|s| s.phase == Phase::Seeding)).unwrap();
    sim.disk(worn).set_corrupt_reads(100);
    let leecher = sim.add(Host::new("leecher").with(&torrent, options(&sim, &[worn, honest])));
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    let banned = sim.story(leecher).iter().filter_map(|(_, e)| match e {
        Event::PeerBanned { addr, .. } => Some(*addr),
        _ => None,
    });
    assert_eq!(banned.collect::<Vec<_>>(), [sim.addr(worn).ip()]);
}

#[test]
fn a_seed_whose_disk_reads_too_little_blames_nobody() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let mut sim = Sim::new(5);
    let worn = sim.add(Host::new("worn").seeds(&torrent));
    let honest = sim.add(Host::new("honest").link(Link::symmetric(mbit(2))).seeds(&torrent));
    sim.run_until(secs(10), |sim| sim.status(worn).is_some_and(|s| s.phase == Phase::Seeding)).unwrap();
    sim.disk(worn).set_short_reads(100);
    let leecher = sim.add(Host::new("leecher").with(&torrent, options(&sim, &[worn, honest])));
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    let banned = |(_, event): &(_, Event)| matches!(event, Event::PeerBanned { .. });
    assert!(!sim.story(leecher).iter().any(banned));
    assert!(!sim.story(worn).iter().any(banned));
}

#[test]
fn a_finished_file_that_is_cut_while_it_is_given_away_is_fetched_again() {
    for (file, len) in [(0, Some(40_000)), (1, Some(0)), (3, Some(99_999))] {
        let torrent = small();
        let (mut sim, first) = pair(&torrent, 5, line());
        sim.run_until(minutes(1), |sim| sim.downloads_left() == 0).unwrap();
        sim.run_for(secs(1));
        sim.disk(first).truncate(ID, FileIndex(file), len);
        let second = sim.add(Host::new("second").link(line()).with(&torrent, options(&sim, &[first])));
        sim.run_until(minutes(20), |sim| sim.downloads_left() == 0).unwrap();
        assert!(sim.has_whole(first) && sim.has_whole(second), "file {file} cut to {len:?}");
        let told = |host, wanted: fn(&Event) -> bool| sim.story(host).iter().any(|(_, e)| wanted(e));
        assert!(told(first, |e| matches!(e, Event::PieceLost { .. })));
        let blames = |e: &Event| matches!(e, Event::PeerBanned { .. } | Event::PieceFailed { .. });
        assert!(sim.hosts().all(|host| !told(host, blames)));
        assert_eq!(sim.status(first).map(|s| s.phase), Some(Phase::Seeding));
    }
}

#[test]
fn what_a_disk_corrupts_while_writing_spreads_to_nobody() {
    let torrent = Torrent::new(1, "t", mib(4), 65_536, &[]).unwrap();
    let mut sim = Sim::new(2);
    let seed = sim.add(Host::new("seed").link(Link::symmetric(mbit(8))).seeds(&torrent));
    let worn = sim.add(Host::new("worn").with(&torrent, options(&sim, &[seed])));
    sim.disk(worn).set_corrupt_writes(100);
    let other = sim.add(Host::new("other").with(&torrent, options(&sim, &[seed, worn])));
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.has_whole(other));
    assert!(!sim.has_whole(worn) && !sim.unproved(worn).is_empty(), "and this is how a scenario notices");
}

#[test]
fn a_disk_that_lies_about_syncs_cannot_prove_what_the_journal_says() {
    let caught = (0..30).filter(|seed| {
        let (mut sim, leecher) = pair(&small(), *seed, slow());
        sim.disk(leecher).set_sync_lies(true);
        sim.run_for(secs(7));
        sim.cut_power(leecher);
        sim.start(leecher);
        sim.run_for(secs(1));
        !sim.unproved(leecher).is_empty()
    });
    // This is what the scenarios of honest disks never see.
    assert!(caught.count() > 0);
}

#[test]
fn a_slow_disk_holds_a_fast_network_back_and_nothing_is_fetched_twice() {
    let torrent = Torrent::new(1, "t", mib(64), 1 << 20, &[]).unwrap();
    let (mut sim, leecher) = pair(&torrent, 1, Link::symmetric(mbit(1_000)));
    let floppy = DiskSpeed { access: millis(20), rate: Rate(mib(2)), hash: Rate(mib(2)), sync: millis(300) };
    sim.after(millis(200), move |sim| sim.disk(leecher).set_speed(floppy));
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
    assert!(sim.now().as_micros() > 15_000_000, "done at {}", sim.now());
    let fetched = sim.status(leecher).unwrap().downloaded;
    assert!(fetched <= mib(65), "fetched {fetched} bytes");
}
