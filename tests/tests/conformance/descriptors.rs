//! Few descriptors: a session does with what it may have. The limit is the process's, so each of these stories
//! has its session in a process of its own.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::background::Background;
use crate::child;
use crate::idle::rest;
use crate::raw::RawLeecher;
use crate::stage::{PIECE, Stage};
use peerless_core::Metainfo;
use peerless_runtime::{Session, Store};
use peerless_tests::{Deadline, Payload};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

stories![
    a_tree_is_downloaded_with_few_descriptors,
    a_tree_is_downloaded_where_others_take_the_spare_ones,
    a_crowd_is_served_with_few_descriptors,
    a_seed_waits_in_peace_until_there_are_descriptors_again,
    idle_files_make_room_for_a_peer,
];

/// Descriptors that it may have.
const LIMIT: u64 = 32;

/// What this process is to do, if it is the session's. From here on it has few descriptors.
fn orders() -> Option<Vec<String>> {
    let orders = child::orders()?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) }).unwrap();
    Some(orders)
}

/// In the session's process.
fn actor<S: Session>(torrent: &str, target: &str, options: peerless_core::TorrentOptions) -> Actor<S> {
    let metainfo = Arc::new(Metainfo::parse(&std::fs::read(torrent).unwrap()).unwrap());
    Actor::with(settings(), metainfo, PathBuf::from(target), options)
}

/// More files than descriptors, and three seeds. In the session's process `others` take descriptors.
fn download_a_tree<S: Session>(story: &str, others: impl FnOnce() -> Vec<File>) {
    if let Some(orders) = orders() {
        let peers: Vec<SocketAddr> = orders[2..].iter().map(|addr| addr.parse().unwrap()).collect();
        let mut actors = [actor::<S>(&orders[0], &orders[1], download_from(&peers))];
        let _taken = others();
        perform(&mut actors, "the download", |all| all[0].has_stopped());
        assert_eq!(actors[0].failure(), None);
        return end(&mut actors);
    }
    let stage = Stage::new(&Payload::tree("tree", 150, PIECE));
    let seeds = [(); 3].map(|()| Background::seed::<S>(&stage, settings()));
    let addrs: Vec<String> = seeds.iter().map(|seed| seed.addr.to_string()).collect();
    let target = stage.target();
    let mut orders = vec![stage.torrent.path.to_str().unwrap(), target.to_str().unwrap()];
    orders.extend(addrs.iter().map(String::as_str));
    let mut process = child::begin::<S>("descriptors", story, &orders);
    assert!(process.wait_exit(Deadline::seconds(90)).success(), "{:#?}", process.stderr());
    stage.assert_copied();
    seeds.into_iter().for_each(|seed| drop(seed.end()));
}

/// As many descriptors as there are.
fn all_there_are() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn a_tree_is_downloaded_with_few_descriptors<S: Session>() {
    download_a_tree::<S>("a_tree_is_downloaded_with_few_descriptors", Vec::new);
}

/// Ten are left: fewer than the session means to have in files and sockets.
fn a_tree_is_downloaded_where_others_take_the_spare_ones<S: Session>() {
    download_a_tree::<S>("a_tree_is_downloaded_where_others_take_the_spare_ones", || {
        let mut taken = all_there_are();
        taken.truncate(taken.len() - 10);
        taken
    });
}

/// Somebody connects while there is no descriptor for it: the session does not spin, and accepts it later.
fn a_seed_waits_in_peace_until_there_are_descriptors_again<S: Session>() {
    if let Some(orders) = orders() {
        let mut actors = [actor::<S>(&orders[0], &orders[1], seeding())];
        perform(&mut actors, "the check of the data", |all| all[0].is_seeding());
        // Not even an idle file has one to give.
        Store::close_idle();
        let taken = all_there_are();
        println!("listening at {}", actors[0].addr());
        rest(&mut actors[0]);
        assert_eq!(actors[0].status().unwrap().peers, 0);
        drop(taken);
        // Until the story has seen enough and ends this process.
        return perform(&mut actors, "the end", |_| false);
    }
    let stage = Stage::file(3);
    let orders = [stage.torrent.path.to_str().unwrap(), stage.source.to_str().unwrap()];
    let story = "a_seed_waits_in_peace_until_there_are_descriptors_again";
    let process = child::begin::<S>("descriptors", story, &orders);
    let line = process.wait_for_text("listening at ", Deadline::seconds(60));
    let addr: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    // The handshake is answered once there is a descriptor.
    let mut leecher = RawLeecher::connect(addr, &stage.torrent, 0).unwrap();
    process.wait_for_text("rested", Deadline::seconds(1));
    leecher.get_unchoked().unwrap();
    let blocks = leecher.ask_for_everything().unwrap();
    leecher.receive(blocks).unwrap();
}

/// More connections than descriptors. Whoever got one in is served; so is a newcomer, once they have gone.
fn a_crowd_is_served_with_few_descriptors<S: Session>() {
    if let Some(orders) = orders() {
        let mut actors = [actor::<S>(&orders[0], &orders[1], seeding())];
        perform(&mut actors, "the check of the data", |all| all[0].is_seeding());
        println!("listening at {}", actors[0].addr());
        // Until the story has seen enough and ends this process.
        perform(&mut actors, "the end", |_| false);
        return;
    }
    let stage = Stage::file(3);
    let orders = [stage.torrent.path.to_str().unwrap(), stage.source.to_str().unwrap()];
    let process = child::begin::<S>("descriptors", "a_crowd_is_served_with_few_descriptors", &orders);
    let line = process.wait_for_text("listening at ", Deadline::seconds(60));
    let addr: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    let crowd: Vec<_> = (0..80).filter_map(|n| RawLeecher::connect(addr, &stage.torrent, n).ok()).collect();
    assert!(crowd.len() >= 4 && crowd.len() < LIMIT as usize, "{} got in", crowd.len());
    for mut leecher in crowd.into_iter().take(4) {
        leecher.get_unchoked().unwrap();
        let blocks = leecher.ask_for_everything().unwrap();
        leecher.receive(blocks).unwrap();
    }
    let mut newcomer = [Actor::<S>::leecher(&stage, &[addr])];
    perform(&mut newcomer, "the newcomer's download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut newcomer);
}

/// Files that were read stay open for the next time, and others take all other descriptors.
fn idle_files_make_room_for_a_peer<S: Session>() {
    if let Some(orders) = orders() {
        let mut actors = [actor::<S>(&orders[0], &orders[1], seeding())];
        perform(&mut actors, "the check of the data", |all| all[0].is_seeding());
        let _taken = all_there_are();
        println!("listening at {}", actors[0].addr());
        // Until the story has seen enough and ends this process.
        return perform(&mut actors, "the end", |_| false);
    }
    let stage = Stage::new(&Payload::tree("tree", 30, PIECE));
    let orders = [stage.torrent.path.to_str().unwrap(), stage.source.to_str().unwrap()];
    let process = child::begin::<S>("descriptors", "idle_files_make_room_for_a_peer", &orders);
    let line = process.wait_for_text("listening at ", Deadline::seconds(60));
    let addr: SocketAddr = line.rsplit(' ').next().unwrap().parse().unwrap();
    // The handshake is answered although there was no descriptor for it.
    let mut leecher = RawLeecher::connect(addr, &stage.torrent, 0).unwrap();
    leecher.get_unchoked().unwrap();
}
