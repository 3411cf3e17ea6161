//! Peers that lie, vanish, are ourselves, or have nothing to give.

use super::*;

fn banned(world: &World, host: usize) -> Vec<core::net::IpAddr> {
    let ban = |e: &Event| match e {
        Event::PeerBanned { addr, .. } => Some(*addr),
        _ => None,
    };
    world.hosts[host].events.iter().filter_map(ban).collect()
}

#[test]
fn a_peer_that_lies_about_a_piece_is_banned_and_nobody_else() {
    let data = payload(60 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seeds: Vec<usize> = (0..3).map(|_| world.seed(&meta, &data)).collect();
    world.hosts[seeds[1]].corrupt = Some(|n, block| {
        if n % 50 == 7 {
            block[500] ^= 0xff;
        }
    });
    let leecher = world.leecher(&meta, &seeds);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
    assert_eq!(banned(&world, leecher), [world.hosts[seeds[1]].addr.ip()]);
    assert!(world.status(leecher).corrupt > 0);
}

#[test]
fn a_piece_whose_only_owner_vanished_goes_to_those_who_are_left() {
    let data = payload(60 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seeds: Vec<usize> = (0..3).map(|_| world.seed(&meta, &data)).collect();
    world.hosts[seeds[1]].corrupt = Some(|n, block| {
        if n % 50 == 7 {
            block[500] ^= 0xff;
        }
    });
    let leecher = world.leecher(&meta, &seeds);
    let failed = |w: &World| w.hosts[leecher].events.iter().any(|e| matches!(e, Event::PieceFailed { .. }));
    world.run_until(MINUTE, failed);
    // The liar goes, and one of the honest: the other is a suspect like them, and all that is left.
    world.switch_off(seeds[1]);
    world.run_for(Duration::from_millis(2));
    world.switch_off(seeds[0]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn with_only_a_liar_the_download_never_completes_wrongly() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    world.hosts[seed].corrupt = Some(|n, block| {
        if n == 5 {
            block[0] ^= 1;
        }
    });
    let leecher = world.leecher(&meta, &[seed]);
    world.run_for(MINUTE * 5);
    assert_eq!(world.phase(leecher), Phase::Downloading);
    assert_eq!(banned(&world, leecher).len(), 1);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final), None);
    assert!(!world.status(leecher).why.is_empty());
}

#[test]
fn a_seed_that_vanishes_is_replaced_by_another() {
    let data = payload(60 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let first = world.seed(&meta, &data);
    let second = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[first, second]);
    world.run_until(MINUTE, |w| w.status(leecher).have >= 10);
    world.switch_off(first);
    world.run_until(MINUTE * 3, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn we_notice_that_we_dialled_ourselves() {
    let data = payload(PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let host = world.host(Config::default());
    let own = world.hosts[host].addr;
    let options = TorrentOptions { peers: vec![PeerAddr::Addr(own)], ..Default::default() };
    world.add(host, &meta, options);
    world.run_for(MINUTE * 10);
    let ourselves =
        |e: &&Event| matches!(e, Event::PeerDisconnected { reason: DisconnectReason::OurselfAgain, .. });
    assert_eq!(world.hosts[host].events.iter().filter(ourselves).count(), 2, "once at either end");
    let dials = |a: &&Action| matches!(a, Action::Connect { .. });
    assert_eq!(world.hosts[host].actions.iter().filter(dials).count(), 1);
    assert_eq!(world.status(host).why, [Why::NoPeers]);
}

#[test]
fn two_that_dial_each_other_keep_one_connection() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let a = world.leecher(&meta, &[]);
    let b = world.leecher(&meta, &[a]);
    let (now, addr) = (world.now, world.hosts[b].addr);
    world.hosts[a].engine.add_peer(now, TORRENT, addr);
    world.run_for(Duration::from_secs(5));
    assert_eq!((world.status(a).peers, world.status(b).peers), (1, 1));
}

#[test]
fn when_nobody_has_the_rest_we_say_so() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let a = world.leecher(&meta, &[]);
    let b = world.leecher(&meta, &[a]);
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.status(b).why.first(), Some(&Why::NobodyHasIt { peers: 1, missing: 20 }));
}

#[test]
fn two_seeds_do_not_stay_connected() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let a = world.seed(&meta, &data);
    let b = world.seed(&meta, &data);
    let (now, addr) = (world.now, world.hosts[b].addr);
    world.hosts[a].engine.add_peer(now, TORRENT, addr);
    world.run_for(MINUTE);
    assert_eq!((world.status(a).peers, world.status(b).peers), (0, 0));
}
