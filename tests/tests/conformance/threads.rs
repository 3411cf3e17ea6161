//! No connection has a thread of its own. Counted for a whole process, so each session has one of its own.

use crate::actor::{Actor, download_from, perform, seeding, settings};
use crate::child;
use crate::raw::RawLeecher;
use crate::stage::Stage;
use peerless_core::{Config, Metainfo, TorrentOptions, UploadSlots};
use peerless_runtime::{Session, Settings};
use peerless_tests::{Deadline, Manner, ScriptPeer};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

stories![
    a_seed_serves_a_hundred_connections_with_the_threads_of_one,
    a_leecher_has_forty_connections_with_the_threads_of_one,
];

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// In the second process.
fn actor<S: Session>(orders: &[String], options: TorrentOptions) -> Actor<S> {
    let metainfo = Arc::new(Metainfo::parse(&std::fs::read(&orders[0]).unwrap()).unwrap());
    let engine = Config { upload_slots: UploadSlots::Fixed(128), ..Config::default() };
    Actor::with(Settings { engine, ..settings() }, metainfo, PathBuf::from(&orders[1]), options)
}

/// In the second process: so many are connected, and were given everything.
fn threads_with<S: Session>(actors: &mut [Actor<S>], connections: u32) -> usize {
    perform(actors, "the connections", |all| {
        let status = all[0].status().unwrap();
        status.peers == connections && status.uploaded >= u64::from(connections) * status.bytes_total
    });
    threads()
}

fn a_seed_serves_a_hundred_connections_with_the_threads_of_one<S: Session>() {
    if let Some(orders) = child::orders() {
        let mut actors = [actor::<S>(&orders, seeding())];
        perform(&mut actors, "the check of the data", |all| all[0].is_seeding());
        println!("listening at {}", actors[0].addr());
        let one = threads_with(&mut actors, 1);
        println!("one is served");
        assert_eq!(threads_with(&mut actors, 101), one, "threads with 101 connections, and with one");
        println!("all are served");
        // Until the story has seen enough and ends this process.
        return perform(&mut actors, "the end", |_| false);
    }
    let stage = Stage::file(3);
    let orders = [stage.torrent.path.to_str().unwrap(), stage.source.to_str().unwrap()];
    let story = "a_seed_serves_a_hundred_connections_with_the_threads_of_one";
    let process = child::begin::<S>("threads", story, &orders);
    let line = process.wait_for_text("listening at ", Deadline::seconds(60));
    let addr: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    let serve = |n| {
        let mut leecher = RawLeecher::connect(addr, &stage.torrent, n).unwrap();
        leecher.get_unchoked().unwrap();
        let blocks = leecher.ask_for_everything().unwrap();
        leecher.receive(blocks).unwrap();
        leecher
    };
    let _first = serve(0);
    process.wait_for_text("one is served", Deadline::seconds(60));
    let _others: Vec<RawLeecher> = (1..=100).map(serve).collect();
    process.wait_for_text("all are served", Deadline::seconds(60));
}

fn a_leecher_has_forty_connections_with_the_threads_of_one<S: Session>() {
    if let Some(orders) = child::orders() {
        let peers: Vec<SocketAddr> = orders[2..].iter().map(|addr| addr.parse().unwrap()).collect();
        let mut actors = [actor::<S>(&orders, download_from(&peers[..1]))];
        perform(&mut actors, "a connection", |all| all[0].status().is_some_and(|s| s.seeds == 1));
        let one = threads();
        let torrent = actors[0].torrent();
        peers[1..].iter().for_each(|peer| actors[0].session.add_peer(torrent, *peer));
        perform(&mut actors, "all connections", |all| all[0].status().is_some_and(|s| s.seeds == 40));
        assert_eq!(threads(), one, "threads with 40 connections, and with one");
        return;
    }
    let stage = Stage::file(3);
    // Each at an address of its own: they all call themselves the same.
    let at = |n| (Ipv4Addr::new(127, 0, 0, n), 0);
    let seeds: [ScriptPeer; 40] =
        std::array::from_fn(|n| ScriptPeer::seed(at(n as u8 + 2), &stage.torrent, Manner::ChokesForEver));
    let (target, addrs) = (stage.target(), seeds.map(|seed| seed.addr.to_string()));
    let mut orders = vec![stage.torrent.path.to_str().unwrap(), target.to_str().unwrap()];
    orders.extend(addrs.iter().map(String::as_str));
    let story = "a_leecher_has_forty_connections_with_the_threads_of_one";
    let mut process = child::begin::<S>("threads", story, &orders);
    assert!(process.wait_exit(Deadline::seconds(60)).success(), "{:#?}", process.stderr());
}
