//! How torrents end: seeded enough, told to stop, out of the user's patience.

use super::*;

#[test]
fn a_seed_stops_when_it_has_given_enough() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.host(Config::default());
    let seeding = SeedPolicy::Until { ratio_permille: Some(1_000), time: None };
    let id = world.add(seed, &meta, TorrentOptions { goal: Goal::Seed, seeding, ..Default::default() });
    world.hosts[seed].disk.fill(id, Place::Final, &data);
    world.run_for(Duration::from_secs(30));
    assert_eq!(world.phase(seed), Phase::Seeding);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped && w.phase(seed) == Phase::Stopped);
}

#[test]
fn a_download_without_progress_runs_out_of_patience() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let host = world.host(Config::default());
    let stall_timeout = Some(Duration::from_secs(20));
    world.add(host, &meta, TorrentOptions { stall_timeout, ..Default::default() });
    world.run_for(Duration::from_secs(15));
    assert_eq!(world.phase(host), Phase::Downloading);
    world.run_until(Duration::from_secs(10), |w| w.phase(host) == Phase::Stopped);
    let error = TorrentError::Stalled(Duration::from_secs(20));
    assert!(world.hosts[host].events.contains(&Event::Failed { torrent: TORRENT, error }));
}

#[test]
fn shutting_down_ends_every_torrent_and_asks_for_nothing_more() {
    let data = payload(40 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 5);
    for host in [leecher, seed] {
        let now = world.now;
        world.hosts[host].engine.shutdown(now);
        world.run_until(Duration::from_secs(3), |w| w.hosts[host].events.last() == Some(&Event::ShutDown));
        assert_eq!(world.hosts[host].engine.poll_timeout(), None);
    }
    assert!(world.hosts[leecher].disk.journals.contains_key(&TORRENT));
}
