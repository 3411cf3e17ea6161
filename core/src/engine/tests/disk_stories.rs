//! Disks that are full, slow to return, changed behind our back, or cut off by a crash.

use super::*;

fn resumed(world: &World, host: usize) -> ResumeSummary {
    let found = world.hosts[host].events.iter().find_map(|e| match e {
        Event::Resumed { summary, .. } => Some(*summary),
        _ => None,
    });
    found.expect("the start was told")
}

fn failure(world: &World, host: usize) -> Option<TorrentError> {
    world.hosts[host].events.iter().find_map(|e| match e {
        Event::Failed { error, .. } => Some(error.clone()),
        _ => None,
    })
}

/// A download that was cut off by `kill -9` when it had a good part; the seed, and what is left on the disk.
fn cut_off(world: &mut World, meta: &Arc<Metainfo>, data: &[u8]) -> (usize, usize) {
    let seed = world.seed(meta, data);
    let first = world.leecher(meta, &[seed]);
    // Slow enough that a sync falls into it.
    world.run_until(MINUTE, |w| w.status(first).have >= 8);
    world.run_for(Duration::from_millis(3));
    world.switch_off(first);
    (seed, first)
}

/// A machine that comes up with the disk of another.
fn restart(world: &mut World, meta: &Arc<Metainfo>, old: usize, seed: usize) -> usize {
    let host = world.host(Config::default());
    let options = world.download_from(&[seed]);
    let disk = core::mem::take(&mut world.hosts[old].disk);
    world.hosts[host].disk = disk;
    world.hosts[host].disk.log.clear();
    world.add(host, meta, options);
    host
}

#[test]
fn after_a_crash_only_what_is_in_doubt_is_hashed() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let (seed, first) = cut_off(&mut world, &meta, &data);
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    let summary = resumed(&world, second);
    assert_eq!(summary.have, summary.trusted + summary.hashed.min(summary.have - summary.trusted));
    assert!(summary.have >= 8, "{summary:?}");
    assert!(summary.trusted + summary.hashed < 40, "{summary:?}");
    assert_eq!(world.hosts[second].disk.contents(TORRENT, Place::Final).unwrap(), data);
    // Nothing that was there was fetched again, but for blocks of unfinished pieces.
    let fetched = world.status(second).downloaded;
    assert!(fetched <= (40 - u64::from(summary.have)) * PIECE as u64, "{fetched}");
}

#[test]
fn after_a_clean_stop_nothing_is_hashed() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let first = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(first).have >= 8);
    let now = world.now;
    world.hosts[first].engine.stop_torrent(now, TORRENT);
    world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
    let had = world.status(first).have;
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    let summary = resumed(&world, second);
    assert_eq!(summary.trusted, had);
    assert_eq!(world.hosts[second].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn a_clean_stop_in_the_middle_of_a_piece_leaves_nothing_else_in_doubt() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    // From the third block of a piece on, almost nothing of what it sends arrives.
    world.hosts[seed].corrupt = Some(|sent, data| data.truncate(if sent < 34 { data.len() } else { 1 }));
    let first = world.leecher(&meta, &[seed]);
    world.run_for(Duration::from_secs(20));
    let log = &world.hosts[first].disk.log;
    let last = |verb| log.iter().rposition(|v| *v == verb);
    assert!(last("write") > last("sync"), "the blocks of unfinished pieces are written last: {log:?}");
    let now = world.now;
    world.hosts[first].engine.stop_torrent(now, TORRENT);
    world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
    let had = world.status(first).have;
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Downloading);
    assert_eq!((resumed(&world, second).trusted, had), (8, 8));
}

#[test]
fn a_stop_during_the_final_sync_loses_nothing() {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    for step in ["create", "sync"] {
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let first = world.leecher(&meta, &[seed]);
        let finishing = |w: &World| w.phase(first) == Phase::Finishing;
        world.run_until(MINUTE, |w| finishing(w) && w.hosts[first].disk.log.last() == Some(&step));
        let now = world.now;
        world.hosts[first].engine.stop_torrent(now, TORRENT);
        world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
        world.switch_off(seed);
        let second = restart(&mut world, &meta, first, seed);
        world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
        assert_eq!(resumed(&world, second).trusted, 10, "after a stop while it could {step}");
        assert_eq!(world.hosts[second].disk.contents(TORRENT, Place::Final).unwrap(), data);
    }
}

#[test]
fn after_a_failed_write_a_stop_does_not_call_the_journal_closed() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.host(Config::default());
    let options = TorrentOptions { wait_disk: true, ..world.download_from(&[seed]) };
    world.add(leecher, &meta, options);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
    world.hosts[leecher].disk.fails.insert("write", DiskErrorKind::NoSpace);
    world.run_for(Duration::from_secs(10));
    let now = world.now;
    world.hosts[leecher].engine.stop_torrent(now, TORRENT);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let had = world.status(leecher).have;
    // The file system tells of what that write did to the file before it failed.
    let disk = &mut world.hosts[leecher].disk;
    disk.modified += 1;
    disk.fails.clear();
    let second = restart(&mut world, &meta, leecher, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Downloading);
    assert_eq!(resumed(&world, second).trusted, had);
}

#[test]
fn without_a_journal_everything_that_is_there_is_hashed_and_kept() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let (seed, first) = cut_off(&mut world, &meta, &data);
    world.hosts[first].disk.journals.clear();
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    let summary = resumed(&world, second);
    assert_eq!(summary.trusted, 0);
    assert!(summary.have >= 8, "{summary:?}");
}

#[test]
fn a_file_that_got_shorter_behind_our_back_is_not_trusted() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let first = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(first).have >= 20);
    let now = world.now;
    world.hosts[first].engine.stop_torrent(now, TORRENT);
    world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
    let part = world.hosts[first].disk.files.get_mut(&(TORRENT, Place::Part)).unwrap();
    part[0].as_mut().unwrap().truncate(5 * PIECE);
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    assert_eq!(resumed(&world, second).trusted, 0);
    assert_eq!(world.hosts[second].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn a_file_changed_two_runs_later_is_not_trusted() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let mut host = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(host).have >= 20);
    // A second run that does nothing, and then somebody else writes to the file.
    for peers in [vec![], vec![seed]] {
        let now = world.now;
        world.hosts[host].engine.stop_torrent(now, TORRENT);
        world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
        let next = world.host(Config::default());
        let options = world.download_from(&peers);
        world.hosts[next].disk = core::mem::take(&mut world.hosts[host].disk);
        world.hosts[next].disk.modified = if peers.is_empty() { 0 } else { 7 };
        world.add(next, &meta, options);
        world.run_until(MINUTE, |w| w.phase(next) == Phase::Downloading);
        let trusted = resumed(&world, next).trusted;
        assert_eq!(trusted > 0, peers.is_empty(), "{trusted} pieces trusted");
        host = next;
    }
}

#[test]
fn a_run_that_got_nothing_leaves_nothing_behind() {
    let meta = torrent(&payload(40 * PIECE));
    let mut world = World::new();
    let host = world.leecher(&meta, &[]);
    world.run_for(Duration::from_secs(5));
    let now = world.now;
    world.hosts[host].engine.stop_torrent(now, TORRENT);
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    assert!(world.hosts[host].disk.journals.is_empty());
}

#[test]
fn a_complete_target_is_success_without_a_network() {
    let data = payload(200_000);
    let meta = torrent(&data);
    let mut world = World::new();
    let host = world.host(Config::default());
    let id = world.add(host, &meta, TorrentOptions::default());
    world.hosts[host].disk.fill(id, Place::Final, &data);
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    assert!(world.hosts[host].events.contains(&Event::Completed { torrent: id }));
    assert_eq!(failure(&world, host), None);
}

#[test]
fn a_journal_left_behind_by_a_crash_after_the_rename_is_removed() {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let first = world.leecher(&meta, &[seed]);
    world.hosts[first].disk.fails.insert("delete the journal", DiskErrorKind::Denied);
    world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
    assert!(world.hosts[first].disk.journals.contains_key(&TORRENT));
    world.hosts[first].disk.fails.clear();
    let second = restart(&mut world, &meta, first, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    assert_eq!(failure(&world, second), None);
    assert!(world.hosts[second].disk.journals.is_empty());
}

#[test]
fn something_else_at_the_target_is_left_alone() {
    let data = payload(200_000);
    let meta = torrent(&data);
    let mut other = data;
    other[100_000] ^= 1;
    let mut world = World::new();
    let host = world.host(Config::default());
    let id = world.add(host, &meta, TorrentOptions::default());
    world.hosts[host].disk.fill(id, Place::Final, &other);
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    assert_eq!(failure(&world, host), Some(TorrentError::TargetInTheWay));
    assert_eq!(world.hosts[host].disk.contents(id, Place::Final).unwrap(), other);
}

/// What a download does that finds this under the name with `.part`, and perhaps a journal; and that it touches neither
/// where it fails.
fn finds(part: Option<&[u8]>, journal: Option<Vec<u8>>) -> Option<TorrentError> {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let host = world.leecher(&meta, &[seed]);
    if let Some(part) = part {
        world.hosts[host].disk.files.insert((TORRENT, Place::Part), vec![Some(part.to_vec())]);
    }
    if let Some(journal) = &journal {
        world.hosts[host].disk.journals.insert(TORRENT, journal.clone());
    }
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    let failure = failure(&world, host);
    if failure.is_some() {
        let disk = &world.hosts[host].disk;
        let there = disk.files.get(&(TORRENT, Place::Part)).and_then(|files| files[0].as_deref());
        assert_eq!((there, disk.journals.get(&TORRENT)), (part, journal.as_ref()));
    }
    failure
}

#[test]
fn somebody_elses_part_is_in_the_way_and_left_alone() {
    let in_the_way = Some(TorrentError::TargetInTheWay);
    let data = payload(10 * PIECE);
    let other: Vec<u8> = data.iter().map(|byte| byte ^ 1).collect();
    let journal_of = |data: &[u8]| {
        let meta = torrent(data);
        journal::Writer::new(meta.info_hash(), meta.geometry()).fresh(&Bitfield::new(10), &[]).to_vec()
    };
    assert_eq!(finds(Some(b"hello"), None), in_the_way);
    assert_eq!(finds(Some(&other), None), in_the_way, "as long as ours");
    assert_eq!(finds(Some(&other), Some(journal_of(&other))), in_the_way, "a download of another torrent");
    assert_eq!(finds(Some(&data[..5 * PIECE]), Some(journal_of(&other))), in_the_way);
    assert_eq!(finds(Some(&[&data[..], b"more"].concat()), None), in_the_way, "longer than ours");
    assert_eq!(finds(None, Some(journal_of(&other))), in_the_way);
    assert_eq!(finds(None, Some(b"dear diary".to_vec())), in_the_way);

    assert_eq!(finds(None, None), None);
    assert_eq!(finds(Some(b""), None), None, "made, and not written to");
    assert_eq!(finds(Some(&data[..5 * PIECE]), None), None, "our data, but the journal is gone");
    assert_eq!(finds(Some(&other), Some(journal_of(&data))), None, "no piece is right yet, but it is ours");
    assert_eq!(finds(Some(&data[..5 * PIECE]), Some(b"torn".to_vec())), None);
}

#[test]
fn a_full_disk_ends_the_download_and_keeps_what_is_verified() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
    world.hosts[leecher].disk.fails.insert("write", DiskErrorKind::NoSpace);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let Some(TorrentError::Disk { error, have, .. }) = failure(&world, leecher) else {
        panic!("a disk error was to be told")
    };
    assert_eq!(error.kind, DiskErrorKind::NoSpace);
    assert!(have >= 8);
    world.hosts[leecher].disk.fails.clear();
    let second = restart(&mut world, &meta, leecher, seed);
    world.run_until(MINUTE, |w| w.phase(second) == Phase::Stopped);
    assert!(resumed(&world, second).trusted >= 8);
}

#[test]
fn with_wait_disk_the_download_goes_on_when_there_is_space_again() {
    for verb in ["write", "write the journal"] {
        waits_for_space_to(verb);
    }
}

#[test]
fn a_lack_of_descriptors_only_delays_a_download() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    for verb in ["write", "write the journal"] {
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let leecher = world.leecher(&meta, &[seed]);
        world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
        world.hosts[leecher].disk.fails.insert(verb, DiskErrorKind::TooManyFiles);
        world.run_for(Duration::from_secs(3));
        world.hosts[leecher].disk.fails.clear();
        world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
        assert_eq!(failure(&world, leecher), None, "{verb}");
        assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
    }
}

#[test]
fn with_wait_disk_the_first_and_the_last_step_wait_as_well() {
    let data = payload(10 * PIECE);
    let meta = torrent_of_files(&data, &[10 * PIECE as u64, 0]);
    for (verb, phase) in [("write the journal", Phase::Checking), ("create", Phase::Finishing)] {
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let leecher = world.host(Config::default());
        let options = TorrentOptions { wait_disk: true, ..world.download_from(&[seed]) };
        world.add(leecher, &meta, options);
        world.hosts[leecher].disk.fails.insert(verb, DiskErrorKind::NoSpace);
        world.run_for(MINUTE * 3);
        let stuck = world.status(leecher);
        assert_eq!(stuck.phase, phase);
        assert!(matches!(stuck.why[..], [Why::DiskFailing { .. }]), "{:?}", stuck.why);
        world.hosts[leecher].disk.fails.clear();
        world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
        assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
        let events = &world.hosts[leecher].events;
        let told = |wanted: fn(&Event) -> bool| events.iter().filter(|e| wanted(e)).count();
        assert_eq!(told(|e| matches!(e, Event::DiskTrouble { .. })), 1, "it could not {verb}");
        assert_eq!(told(|e| matches!(e, Event::DiskRecovered { .. })), 1, "it could not {verb}");
    }
}

#[test]
fn a_disk_with_room_for_a_part_of_what_it_refused_is_in_trouble_once() {
    let data = payload(80 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.host(Config::default());
    let options = TorrentOptions { wait_disk: true, ..world.download_from(&[seed]) };
    world.add(leecher, &meta, options);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
    world.hosts[leecher].disk.room = Some(0);
    let refused = |w: &World| w.hosts[leecher].disk.log.iter().filter(|verb| **verb == "write").count();
    let before = refused(&world);
    world.run_for(Duration::from_secs(10));
    assert!(refused(&world) > before + 2, "several writes are kept");
    for _ in 0..3 {
        world.hosts[leecher].disk.room = Some(1);
        world.run_for(Duration::from_secs(30));
    }
    world.hosts[leecher].disk.room = None;
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
    let told = |wanted: fn(&Event) -> bool| world.hosts[leecher].events.iter().filter(|e| wanted(e)).count();
    assert_eq!(told(|e| matches!(e, Event::DiskTrouble { .. })), 1);
    assert_eq!(told(|e| matches!(e, Event::DiskRecovered { .. })), 1);
}

fn waits_for_space_to(verb: &'static str) {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.host(Config::default());
    let options = TorrentOptions { wait_disk: true, ..world.download_from(&[seed]) };
    world.add(leecher, &meta, options);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 8);
    world.hosts[leecher].disk.fails.insert(verb, DiskErrorKind::NoSpace);
    world.run_for(MINUTE * 3);
    let stuck = world.status(leecher);
    assert!(matches!(stuck.why.first(), Some(Why::DiskFailing { .. })), "{:?}", stuck.why);
    world.hosts[leecher].disk.fails.clear();
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
    let fetched = world.status(leecher).downloaded;
    assert!(fetched < data.len() as u64 * 11 / 10 + 2_000_000, "fetched {fetched} for {}", data.len());
}

#[test]
fn verify_names_the_pieces_that_do_not_match() {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    let mut changed = data;
    changed[3 * PIECE] ^= 1;
    let mut world = World::new();
    let host = world.host(Config::default());
    let id = world.add(host, &meta, TorrentOptions { goal: Goal::Verify, ..Default::default() });
    world.hosts[host].disk.fill(id, Place::Final, &changed);
    world.run_until(MINUTE, |w| w.phase(host) == Phase::Stopped);
    let bad = alloc::vec![PieceIndex::new(3)];
    assert!(world.hosts[host].events.contains(&Event::Checked { torrent: id, good: 9, total: 10, bad }));
}

#[test]
fn every_disk_operation_may_fail_and_the_end_is_clean() {
    let data = payload(10 * PIECE);
    let meta = torrent(&data);
    let mut verbs: Vec<&'static str> = Vec::new();
    for n in 0..=verbs_of_a_download(&meta, &data).len() {
        verbs = verbs_of_a_download(&meta, &data);
        let Some(verb) = verbs.get(n).copied() else { break };
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let leecher = world.leecher(&meta, &[seed]);
        world.hosts[leecher].disk.fails.insert(verb, DiskErrorKind::Denied);
        world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
        let complete = world.hosts[leecher].events.contains(&Event::Completed { torrent: TORRENT });
        assert_eq!(complete, failure(&world, leecher).is_none(), "when {verb} fails");
    }
    assert!(verbs.len() >= 7, "{verbs:?}");
}

fn verbs_of_a_download(meta: &Arc<Metainfo>, data: &[u8]) -> Vec<&'static str> {
    let mut world = World::new();
    let seed = world.seed(meta, data);
    let leecher = world.leecher(meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let mut verbs = world.hosts[leecher].disk.log.clone();
    verbs.sort_unstable();
    verbs.dedup();
    verbs
}
