//! One script, every driver, the same events in the same order.

use crate::actor::{Actor, download_from, end, perform, settings};
use crate::stage::Stage;
use peerless_core::{Event, TrackerNews};
use peerless_runtime::{Session, Settings};
use peerless_tests::script_tracker::{compact, http, with_peers};
use peerless_tests::{Answer, Manner, ScriptPeer, ScriptTracker};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

stories![a_script_gives_the_events_that_are_written_here];

/// What an event is, without its numbers.
fn kind(event: &Event) -> String {
    match event {
        Event::Phase { phase, .. } => format!("{phase:?}"),
        Event::Tracker { news: TrackerNews::Answered { peers, .. }, .. } => format!("Tracker named {peers}"),
        Event::Tracker { news: TrackerNews::Failed { error, .. }, .. } => format!("Tracker failed: {error}"),
        Event::PeerDisconnected { reason, .. } => format!("PeerDisconnected: {reason}"),
        other => format!("{other:?}").split([' ', '{']).next().unwrap().to_owned(),
    }
}

/// A tracker that is down, one that works, a seed, and a torrent of three pieces.
fn a_script_gives_the_events_that_are_written_here<S: Session>() {
    let mut stage = Stage::file(3);
    let seed = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::Honest);
    let down = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let answer = Answer::Raw(http("200 OK", "", &with_peers(&compact(&[seed.addr]))));
    let works = ScriptTracker::start(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), vec![answer]);
    stage.track(&[&[&format!("http://{down}/announce")], &[&works.url()]]);
    let settings = Settings { disk_workers: 1, seed: Some([7; 32]), ..settings() };
    let mut actors = [Actor::<S>::with(settings, stage.metainfo.clone(), stage.target(), download_from(&[]))];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    end(&mut actors);
    let kinds: Vec<String> = actors[0].events.iter().map(kind).collect();
    assert_eq!(
        kinds,
        [
            "Checking",
            "Resumed",
            "Downloading",
            "Tracker failed: tracker: cannot connect: connection refused",
            "Tracker named 1",
            "PeerConnected",
            "PieceVerified",
            "PieceVerified",
            "PieceVerified",
            "Finishing",
            "Completed",
            "Stopping",
            "PeerDisconnected: peer: the torrent stopped",
            "Tracker named 1",
            "Tracker named 1",
            "Stopped",
            "Stopped",
            "ShutDown",
        ]
    );
}
