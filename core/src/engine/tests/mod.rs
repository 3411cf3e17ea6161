//! Whole downloads between engines: what happens over time, told as stories.

mod announce_stories;
mod blame_stories;
mod disk;
mod disk_stories;
mod fetch_stories;
mod forged_stories;
mod have_stories;
mod loss_stories;
mod peer_stories;
mod place_stories;
mod record_stories;
mod reject_stories;
mod rude_stories;
mod spread_stories;
mod stage;
mod stop_stories;
mod why_stories;
mod witness;
mod world;

use crate::metainfo::{Builder, Metainfo};
use crate::*;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use world::World;

const MINUTE: Duration = Duration::from_secs(60);
const TORRENT: TorrentId = TorrentId(0);
const PIECE: usize = 65_536;

/// Bytes that repeat nowhere.
fn payload(len: usize) -> Vec<u8> {
    let mut x = 1u64;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn hashes(data: &[u8]) -> Vec<u8> {
    data.chunks(PIECE).flat_map(|piece| sha1(piece).0).collect()
}

fn parse(file: &[u8]) -> Arc<Metainfo> {
    Arc::new(Metainfo::parse(file).unwrap())
}

/// A torrent of one file in pieces of 64 KiB.
fn torrent(data: &[u8]) -> Arc<Metainfo> {
    torrent_in_pieces(data, PIECE)
}

/// A torrent of one file in pieces of this length.
fn torrent_in_pieces(data: &[u8], piece: usize) -> Arc<Metainfo> {
    let hashes: Vec<u8> = data.chunks(piece).flat_map(|piece| sha1(piece).0).collect();
    parse(&Builder::file("file", data.len() as u64, piece as u32).pieces(hashes).build().unwrap())
}

/// A torrent of files of these lengths.
fn torrent_of_files(data: &[u8], lengths: &[u64]) -> Arc<Metainfo> {
    let name = |n: usize| vec![alloc::format!("dir{}", n % 3), alloc::format!("file{n}")];
    let files: Vec<(Vec<String>, u64)> = lengths.iter().enumerate().map(|(n, len)| (name(n), *len)).collect();
    parse(&Builder::directory("many", files, PIECE as u32).pieces(hashes(data)).build().unwrap())
}

#[test]
fn a_file_goes_from_a_seed_to_a_leecher() {
    let data = payload(1_000_000);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let host = &world.hosts[leecher];
    assert!(host.events.contains(&Event::Completed { torrent: TORRENT }));
    assert_eq!(host.disk.contents(TORRENT, Place::Final).unwrap(), data);
    assert!(host.disk.journals.is_empty());
    assert_eq!(world.status(leecher).wasted, 0);
    // Nothing of this waits for a round of the choker or for a timer.
    assert!(world.now < Instant::from_secs(1), "took until {}", world.now);
}

#[test]
fn many_files_some_of_them_empty_arrive_whole() {
    let data = payload(300_000);
    let meta = torrent_of_files(&data, &[0, 1, 99_999, 0, 150_000, 50_000, 0]);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    assert_eq!(world.hosts[leecher].disk.contents(TORRENT, Place::Final).unwrap(), data);
}

#[test]
fn padding_is_fetched_and_never_on_the_disk() {
    let (first, pad, second) = (100_000, 31_072, 50_000);
    let mut data = payload(first + pad + second);
    data[first..first + pad].fill(0);
    let file = bencode::encode_dict(|torrent| {
        torrent.entry("info").dict(|info| {
            info.entry("name").bytes("padded");
            info.entry("piece length").int(PIECE as i64);
            info.entry("pieces").bytes(hashes(&data));
            info.entry("files").list(|files| {
                for (name, length) in [("a", first), (".pad", pad), ("b", second)] {
                    files.dict(|entry| {
                        entry.entry("length").int(length as i64);
                        entry.entry("path").list(|path| path.bytes(name));
                        if name == ".pad" {
                            entry.entry("attr").bytes("p");
                        }
                    });
                }
            });
        });
    });
    let meta = parse(&file);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    let disk = &world.hosts[leecher].disk;
    assert_eq!(disk.contents(TORRENT, Place::Final).unwrap(), data);
    let lengths: Vec<_> =
        disk.files[&(TORRENT, Place::Final)].iter().map(|f| f.as_ref().map(Vec::len)).collect();
    assert_eq!(lengths, [Some(first), None, Some(second)]);
}

#[test]
fn leechers_help_each_other() {
    let data = payload(3_000_000);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let first = world.leecher(&meta, &[seed]);
    let second = world.leecher(&meta, &[first]);
    world.run_until(MINUTE, |w| w.status(first).uploaded > 0 && w.status(second).have > 0);
    world.run_until(MINUTE, |w| w.phase(first) == Phase::Stopped);
    assert!(world.status(second).downloaded <= world.status(first).uploaded);
}

#[test]
fn peers_with_a_part_each_are_whole_together() {
    let data = payload(20 * PIECE);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let parts: Vec<usize> = (0..2).map(|_| world.leecher(&meta, &[seed])).collect();
    let together = |w: &World| {
        let have = |p: usize| w.hosts[p].engine.torrent_have(TORRENT).unwrap();
        let (a, b) = (have(parts[0]), have(parts[1]));
        a.count() < 20 && b.count() < 20 && a.minus(b).count() as u32 + b.count() == 20
    };
    world.run_until(MINUTE, together);
    world.switch_off(seed);
    let (now, addr) = (world.now, world.hosts[parts[1]].addr);
    world.hosts[parts[0]].engine.add_peer(now, TORRENT, addr);
    world.run_until(MINUTE, |w| parts.iter().any(|p| w.phase(*p) == Phase::Stopped));
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let data = payload(2_000_000);
    let meta = torrent(&data);
    let run = || {
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let a = world.leecher(&meta, &[seed]);
        let b = world.leecher(&meta, &[seed, a]);
        world.run_until(MINUTE, |w| w.phase(a) == Phase::Stopped && w.phase(b) == Phase::Stopped);
        world.hosts.into_iter().map(|h| (h.actions, h.events)).collect::<Vec<_>>()
    };
    assert!(run() == run());
}

#[test]
fn commands_as_values_do_what_the_methods_do() {
    let meta = torrent(&payload(100));
    let options = TorrentOptions::default();
    let peer = "10.9.9.9:6881".parse().unwrap();
    let drain = |engine: &mut Engine| {
        let actions: Vec<Action> = core::iter::from_fn(|| engine.poll_action()).collect();
        (actions, core::iter::from_fn(|| engine.poll_event()).collect::<Vec<Event>>())
    };
    let (mut called, mut sent) =
        [(); 2].map(|()| Engine::new(Config::default(), [1; 32], Instant::ZERO)).into();
    let id = called.add_torrent(Instant::ZERO, meta.clone(), options.clone()).unwrap();
    called.add_peer(Instant::ZERO, id, peer);
    called.stop_torrent(Instant::ZERO, id);
    called.shutdown(Instant::ZERO);
    let add = Command::AddTorrent { metainfo: meta, options: options.into() };
    assert_eq!(sent.command(Instant::ZERO, add.clone()), Ok(Some(id)));
    assert_eq!(sent.command(Instant::ZERO, add), Err(AddError::Duplicate));
    for command in
        [Command::AddPeer { torrent: id, peer }, Command::StopTorrent { torrent: id }, Command::Shutdown]
    {
        assert_eq!(sent.command(Instant::ZERO, command), Ok(None));
    }
    assert!(drain(&mut called) == drain(&mut sent));
    sent.command(Instant::ZERO, Command::RemoveTorrent { torrent: id }).unwrap();
    assert_eq!(sent.torrents().count(), 0);
}

#[test]
fn an_idle_engine_asks_for_nothing() {
    let mut engine = Engine::new(Config::default(), [0; 32], Instant::ZERO);
    assert_eq!(engine.poll_timeout(), None);
    engine.handle(Instant::from_secs(1), Input::Timeout);
    assert_eq!(engine.poll_action(), None);
    assert_eq!(engine.poll_event(), None);
}

#[test]
fn a_torrent_is_taken_on_once() {
    let meta = torrent(&payload(100));
    let mut engine = Engine::new(Config::default(), [0; 32], Instant::ZERO);
    engine.add_torrent(Instant::ZERO, meta.clone(), TorrentOptions::default()).unwrap();
    let again = engine.add_torrent(Instant::ZERO, meta, TorrentOptions::default());
    assert_eq!(again, Err(AddError::Duplicate));
}
