//! How much is fetched: no more than is missing, but for what goes wrong, and never for ever.

use super::*;

/// What the bound leaves for requests in vain where no window was larger.
const LEAST_WINDOW: u64 = 4 << 20;

fn failure(world: &World, host: usize) -> Option<TorrentError> {
    world.hosts[host].events.iter().find_map(|e| match e {
        Event::Failed { error, .. } => Some(error.clone()),
        _ => None,
    })
}

#[test]
fn where_every_answer_comes_too_late_the_torrent_stops_asking() {
    let data = payload(256 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seeds: Vec<usize> = (0..8).map(|_| world.seed(&meta, &data)).collect();
    for seed in &seeds {
        world.hosts[*seed].disk_time = Duration::from_secs(100);
    }
    let leecher = world.leecher(&meta, &seeds);
    world.run_until(MINUTE * 240, |w| w.phase(leecher) == Phase::Stopped);
    let Some(TorrentError::Overfetched(error)) = failure(&world, leecher) else {
        panic!("{:?}", failure(&world, leecher));
    };
    assert_eq!((error.wanted, error.corrupt), (data.len() as u64, 0));
    let status = world.status(leecher);
    assert!(error.fetched <= data.len() as u64 * 11 / 10 + LEAST_WINDOW, "{error}");
    assert!(status.have > 0, "what is verified is kept");
    let fetched = status.downloaded;
    world.run_for(MINUTE * 10);
    assert_eq!(world.status(leecher).downloaded, fetched);
}

#[test]
fn endgame_costs_duplicates_and_is_within_the_bound() {
    let data = payload(16 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seeds: Vec<usize> = (0..8).map(|_| world.seed(&meta, &data)).collect();
    for (n, seed) in (0..).zip(&seeds) {
        world.hosts[*seed].disk_time = Duration::from_millis(100 << n);
    }
    let leecher = world.leecher(&meta, &seeds);
    world.run_until(MINUTE * 10, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(failure(&world, leecher), None);
    assert!(world.status(leecher).wasted > 0, "nothing came twice");
}

#[test]
fn a_disk_that_fails_again_and_again_costs_no_bandwidth() {
    let data = payload(200 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seeds: Vec<usize> = (0..2).map(|_| world.seed(&meta, &data)).collect();
    let leecher = world.host(Config::default());
    let options = TorrentOptions { wait_disk: true, ..world.download_from(&seeds) };
    world.add(leecher, &meta, options);
    for round in 1..8 {
        world.run_until(MINUTE, |w| w.status(leecher).have >= round * 20);
        world.hosts[leecher].disk.fails.insert("write", DiskErrorKind::NoSpace);
        world.run_for(MINUTE);
        assert!(matches!(world.status(leecher).why.first(), Some(Why::DiskFailing { .. })));
        world.hosts[leecher].disk.fails.clear();
    }
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(failure(&world, leecher), None);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
    let fetched = world.status(leecher).downloaded;
    assert!(fetched <= data.len() as u64 * 11 / 10 + LEAST_WINDOW, "{fetched} bytes for {}", data.len());
}
