//! Many at once, and those that keep others waiting.

use crate::actor::{Actor, download_from, end, perform, seeding, settings};
use crate::background::Background;
use crate::raw::RawLeecher;
use crate::stage::Stage;
use peerless_core::{Config, Event, UploadSlots};
use peerless_runtime::{Session, Settings};

stories![
    a_hundred_connections_get_what_they_ask_for,
    twelve_sessions_download_from_one,
    a_slow_reader_gets_everything_and_holds_up_nobody,
    a_little_memory_is_enough,
];

fn generous() -> Settings {
    Settings { engine: Config { upload_slots: UploadSlots::Fixed(128), ..Config::default() }, ..settings() }
}

/// All are connected at once, and all have asked for everything, before the first one reads.
fn a_hundred_connections_get_what_they_ask_for<S: Session>() {
    let stage = Stage::file(3);
    let seed = Background::seed::<S>(&stage, generous());
    let mut crowd: Vec<RawLeecher> =
        (0..100).map(|n| RawLeecher::connect(seed.addr, &stage.torrent, n).unwrap()).collect();
    crowd.iter_mut().for_each(|leecher| leecher.get_unchoked().unwrap());
    let blocks: Vec<usize> = crowd.iter_mut().map(|leecher| leecher.ask_for_everything().unwrap()).collect();
    crowd.iter_mut().zip(blocks).for_each(|(leecher, blocks)| leecher.receive(blocks).unwrap());
    let events = seed.end();
    assert_eq!(events.iter().filter(|e| matches!(e, Event::PeerConnected { .. })).count(), 100);
}

fn twelve_sessions_download_from_one<S: Session>() {
    let stage = Stage::file(10);
    let seed = Actor::<S>::with(generous(), stage.metainfo.clone(), stage.source.clone(), seeding());
    let peers = [seed.addr()];
    let targets: Vec<_> = (0..12).map(|n| stage.target_in(&n.to_string())).collect();
    let mut all = vec![seed];
    all.extend(targets.iter().map(|target| {
        Actor::with(settings(), stage.metainfo.clone(), target.clone(), download_from(&peers))
    }));
    perform(&mut all, "twelve downloads", |all| all[1..].iter().all(Actor::has_stopped));
    targets.iter().for_each(|target| stage.assert_copied_to(target));
    end(&mut all);
}

/// It asks for everything and reads nothing while another downloads; then it drinks in sips.
fn a_slow_reader_gets_everything_and_holds_up_nobody<S: Session>() {
    let stage = Stage::file(120);
    let seed = Background::seed::<S>(&stage, generous());
    let mut slow = RawLeecher::connect(seed.addr, &stage.torrent, 0).unwrap();
    slow.get_unchoked().unwrap();
    let blocks = slow.ask_for_everything().unwrap();
    let mut quick = [Actor::<S>::leecher(&stage, &[seed.addr])];
    perform(&mut quick, "the download beside it", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut quick);
    slow.sip = 5_000;
    slow.receive(blocks).unwrap();
    seed.end();
}

/// Three seeds send faster than a budget of nothing allows: it is raised to what one peer needs.
fn a_little_memory_is_enough<S: Session>() {
    let stage = Stage::file(60);
    let seeds = [(); 3].map(|()| Background::seed::<S>(&stage, settings()));
    let peers: Vec<_> = seeds.iter().map(|seed| seed.addr).collect();
    let engine = Config { memory_budget: 0, ..Config::default() };
    let settings = Settings { engine, disk_workers: 1, ..settings() };
    let leecher = Actor::<S>::with(settings, stage.metainfo.clone(), stage.target(), download_from(&peers));
    let mut actors = [leecher];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    stage.assert_copied();
    end(&mut actors);
    seeds.into_iter().for_each(|seed| drop(seed.end()));
}
