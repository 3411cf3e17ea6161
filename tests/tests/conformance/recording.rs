//! Recordings of sessions on real sockets and files: what is in them, and what a replay finds.

use crate::actor::{Actor, download_from, end, perform, settings};
use crate::background::Background;
use crate::child;
use crate::raw::RawLeecher;
use crate::stage::Stage;
use peerless_core::record::{End, Ending, Replay};
use peerless_core::{Metainfo, TorrentId};
use peerless_runtime::{Recording, RecordingState, Session, Settings};
use peerless_tests::script_tracker::{compact, dictionaries, gzipped, http, with_peers};
use peerless_tests::{Announce, Answer, Deadline, Manner, ScriptPeer, ScriptTracker, Signal, wait_until};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

stories![
    a_recording_replays_without_the_data,
    a_recording_with_the_data_replays,
    a_masked_recording_tells_neither_who_nor_where,
    a_killed_session_leaves_what_it_recorded,
    a_recording_that_is_full_says_so,
    a_seed_s_recording_replays,
];

fn recorded(recording: Recording) -> Settings {
    Settings { record: Some(recording), ..settings() }
}

/// Downloads from a scripted seed that a tracker names, and gives what was recorded, like this but for the path.
fn download<S: Session>(
    stage: &mut Stage,
    recording: Recording,
    answer: impl Fn(SocketAddr) -> Answer,
) -> Vec<u8> {
    let seed = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::Honest);
    let tracker = ScriptTracker::start(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), vec![answer(seed.addr)]);
    stage.track(&[&[&format!("{}?passkey=secret", tracker.url())]]);
    let path = stage.path("a");
    let recording = Recording { path: path.clone(), ..recording };
    let options = download_from(&[]);
    let mut actors = [Actor::<S>::with(recorded(recording), stage.metainfo.clone(), stage.target(), options)];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    assert_eq!(actors[0].session.recording(), Some(RecordingState::Running));
    end(&mut actors);
    assert_eq!(actors[0].session.recording(), Some(RecordingState::Ended));
    assert!(tracker.announces().iter().any(|Announce { query, .. }| query.contains("passkey=secret")));
    drop(actors);
    stage.assert_copied();
    std::fs::read(path).unwrap()
}

fn replay(recording: &[u8]) -> Replay {
    let mut replay = Replay::new(recording.to_vec().into()).unwrap();
    assert_eq!(replay.run(), Ok(Ending::Whole(End::Session)));
    replay
}

fn holds(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

fn plain(peers: SocketAddr) -> Answer {
    Answer::Raw(http("200 OK", "", &with_peers(&compact(&[peers]))))
}

/// The beginning of the stage's data.
fn some_data(stage: &Stage) -> Vec<u8> {
    std::fs::read(&stage.source).unwrap()[..64].to_vec()
}

fn a_recording_replays_without_the_data<S: Session>() {
    let mut stage = Stage::file(40);
    let recording = download::<S>(&mut stage, Recording::to(""), plain);
    assert!(!holds(&recording, &some_data(&stage)));
    assert!(recording.len() < 60_000, "{}", recording.len());
    assert!(holds(&recording, b"passkey=secret"));
    let replay = replay(&recording);
    let status = replay.engine().torrent(replay.now(), TorrentId(0)).unwrap();
    assert_eq!((status.have, status.downloaded), (40, stage.torrent.payload.total()));
}

fn a_recording_with_the_data_replays<S: Session>() {
    let mut stage = Stage::file(10);
    let recording = Recording { payload: true, ..Recording::to("") };
    let recording = download::<S>(&mut stage, recording, plain);
    assert!(holds(&recording, &some_data(&stage)));
    replay(&recording);
}

fn a_masked_recording_tells_neither_who_nor_where<S: Session>() {
    let answers: [fn(SocketAddr) -> Answer; 4] = [
        plain,
        |seed| Answer::Raw(gzipped(&with_peers(&compact(&[seed])))),
        |seed| Answer::Raw(http("200 OK", "", &with_peers(&dictionaries(&[seed])))),
        |seed| Answer::Slowly(gzipped(&with_peers(&compact(&[seed]))), std::time::Duration::from_millis(1)),
    ];
    for answer in answers {
        let mut stage = Stage::file(5);
        let recording = Recording { mask: true, ..Recording::to("") };
        let recording = download::<S>(&mut stage, recording, answer);
        assert!(!holds(&recording, b"secret"));
        let replay = replay(&recording);
        assert!(replay.header().masked);
        assert_eq!(replay.engine().torrent(replay.now(), TorrentId(0)).unwrap().have, 5);
    }
}

fn a_killed_session_leaves_what_it_recorded<S: Session>() {
    if let Some(orders) = child::orders() {
        let [torrent, target, recording, peer] = &orders[..] else { panic!("{orders:?}") };
        let metainfo = Arc::new(Metainfo::parse(&std::fs::read(torrent).unwrap()).unwrap());
        let options = download_from(&[peer.parse().unwrap()]);
        let settings = recorded(Recording::to(recording));
        let mut actors = [Actor::<S>::with(settings, metainfo, PathBuf::from(target), options)];
        return perform(&mut actors, "the end of this process", |_| false);
    }
    let stage = Stage::file(200);
    let manner = Manner::Slow(std::time::Duration::from_millis(2));
    let slow = ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, manner);
    let (target, recording, peer) = (stage.target(), stage.path("a"), slow.addr.to_string());
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let orders = [text(&stage.torrent.path), text(&target), text(&recording), peer];
    let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
    let mut process = child::begin::<S>("recording", "a_killed_session_leaves_what_it_recorded", &orders);
    let pieces = || {
        let mut replay = Replay::new(std::fs::read(&recording).ok()?.into()).ok()?;
        assert_eq!(replay.run(), Ok(Ending::Torn));
        Some(replay.engine().torrent(replay.now(), TorrentId(0))?.have)
    };
    // It can be replayed while it is being written.
    let some = wait_until(Deadline::seconds(60), || pieces().filter(|have| *have >= 5));
    assert!(some.is_some(), "five pieces are not in the recording in time");
    process.signal(Signal::KILL);
    process.wait_exit(Deadline::seconds(20));
    assert!((5..200).contains(&pieces().unwrap()));
}

fn a_recording_that_is_full_says_so<S: Session>() {
    let stage = Stage::file(20);
    let seed = Actor::<S>::seed(&stage);
    let recording = Recording { limit: 3_000, ..Recording::to(stage.path("a")) };
    let path = recording.path.clone();
    let options = download_from(&[seed.addr()]);
    let leecher = Actor::<S>::with(recorded(recording), stage.metainfo.clone(), stage.target(), options);
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| all[1].has_stopped());
    assert_eq!(both[1].session.recording(), Some(RecordingState::AtLimit));
    end(&mut both);
    drop(both);
    stage.assert_copied();
    let recording = std::fs::read(path).unwrap();
    assert!(recording.len() <= 3_000);
    assert_eq!(Replay::new(recording.into()).unwrap().run(), Ok(Ending::Whole(End::Limit)));
}

/// What was read at once is in it as what workers read.
fn a_seed_s_recording_replays<S: Session>() {
    let stage = Stage::file(40);
    let path = stage.path("a");
    let seed = Background::seed::<S>(&stage, recorded(Recording::to(&path)));
    let mut leecher = RawLeecher::connect(seed.addr, &stage.torrent, 0).unwrap();
    leecher.get_unchoked().unwrap();
    let blocks = leecher.ask_for_everything().unwrap();
    leecher.receive(blocks).unwrap();
    drop(leecher);
    seed.end();
    let replay = replay(&std::fs::read(path).unwrap());
    let status = replay.engine().torrent(replay.now(), TorrentId(0)).unwrap();
    assert_eq!(status.uploaded, stage.torrent.payload.total());
}
