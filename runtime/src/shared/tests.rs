//! A session without sockets: the engine, its workers and real files.

use super::*;
use peerless_core::metainfo::Builder;
use peerless_core::{DiskOp, DiskTask, Goal, JobId, Place, ResolveError, sha1};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

const PIECE: u32 = 16 << 10;

/// A session that listens nowhere, and what its workers tell.
struct Desk {
    shared: Shared,
    told: Receiver<()>,
}

impl Desk {
    fn new() -> Self {
        let (tell, told) = channel();
        let settings = Settings { listen: None, seed: Some([1; 32]), ..Settings::default() };
        // A notification after the end of the test is nobody's.
        let notify = Arc::new(move || {
            let _ = tell.send(());
        });
        Self { shared: Shared::open(settings, notify).unwrap(), told }
    }

    /// Waits for workers, or for the engine's next timeout.
    fn wait(&mut self, until: Instant) {
        assert!(Instant::now() < until, "nothing happened in time");
        let due = self.shared.timeout().unwrap_or(Duration::MAX);
        if self.told.recv_timeout(due.min(until.saturating_duration_since(Instant::now()))).is_err() {
            self.shared.handle(Input::Timeout);
        }
    }

    /// Runs until this torrent has stopped.
    fn run(&mut self) -> Vec<Event> {
        let until = Instant::now() + Duration::from_secs(20);
        let mut events = Vec::new();
        loop {
            self.shared.collect();
            assert_eq!(self.shared.next_action(), None, "no socket was to be used");
            while let Some(event) = self.shared.next_event() {
                let last = matches!(event, Event::Stopped { .. });
                events.push(event);
                if last {
                    return events;
                }
            }
            self.wait(until);
        }
    }
}

fn torrent(data: &[u8]) -> Arc<Metainfo> {
    let hashes: Vec<u8> = data.chunks(PIECE as usize).flat_map(|piece| sha1(piece).0).collect();
    let file = Builder::file("data", data.len() as u64, PIECE).pieces(hashes).build().unwrap();
    Arc::new(Metainfo::parse(&file).unwrap())
}

fn verify(desk: &mut Desk, metainfo: &Arc<Metainfo>, target: &Path) -> Vec<Event> {
    let options = TorrentOptions { goal: Goal::Verify, ..TorrentOptions::default() };
    desk.shared.add(metainfo.clone(), target.to_owned(), options).unwrap();
    desk.run()
}

#[test]
fn data_on_the_disk_is_verified_and_its_target_given_back() {
    let data: Vec<u8> = (0..100_000u32).map(|n| (n % 253) as u8).collect();
    let (metainfo, dir, mut desk) = (torrent(&data), tempfile::tempdir().unwrap(), Desk::new());
    let target = dir.path().join("data");
    std::fs::write(&target, &data).unwrap();
    let events = verify(&mut desk, &metainfo, &target);
    assert!(events.iter().any(|e| matches!(e, Event::Checked { good: 7, total: 7, .. })), "{events:?}");
    assert!(desk.shared.store.claim(&target).is_ok(), "the target was not given back");

    let mut worse = data;
    worse[20_000] ^= 1;
    std::fs::write(&target, &worse).unwrap();
    let events = verify(&mut Desk::new(), &metainfo, &target);
    assert!(events.iter().any(|e| matches!(e, Event::Checked { good: 6, total: 7, .. })), "{events:?}");
}

#[test]
fn two_torrents_cannot_have_one_target() {
    let dir = tempfile::tempdir().unwrap();
    let mut desk = Desk::new();
    let target = dir.path().join("data");
    let options = TorrentOptions::default();
    desk.shared.add(torrent(b"one"), target.clone(), options.clone()).unwrap();
    let second = desk.shared.add(torrent(b"two"), target, options);
    assert!(matches!(second, Err(SessionError::TargetTaken(_))), "{second:?}");
}

#[test]
fn no_torrent_is_taken_on_whose_files_are_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let record = Some(crate::Recording::to(dir.path().join("data.part")));
    let settings = Settings { listen: None, record, ..Settings::default() };
    let mut shared = Shared::open(settings, Arc::new(|| {})).unwrap();
    let mut add =
        |name: &str| shared.add(torrent(name.as_bytes()), dir.path().join(name), TorrentOptions::default());
    let refused = add("data");
    assert!(matches!(refused, Err(SessionError::RecordingInTarget { .. })), "{refused:?}");
    add("other").unwrap();
}

#[test]
fn where_we_listen_is_said_and_the_sockets_are_there_to_take() {
    let listen = Some(crate::Listen::loopback(0));
    let mut shared = Shared::open(Settings { listen, ..Settings::default() }, Arc::new(|| {})).unwrap();
    assert!(!shared.listening().is_empty());
    assert_eq!(shared.take_listeners().len(), shared.listening().len());
    assert!(shared.take_listeners().is_empty());
}

/// The numbers of jobs are the engine's to give: this takes the first one of a new torrent.
fn job(desk: &mut Desk, dir: &Path, name: &str) -> JobId {
    let options = TorrentOptions::default();
    desk.shared.add(torrent(name.as_bytes()), dir.join(name), options).unwrap();
    match desk.shared.engine.poll_action() {
        Some(Action::Disk { job, .. }) => job,
        other => panic!("a new torrent begins with the disk, not {other:?}"),
    }
}

#[test]
fn workers_answer_each_job_once_and_tell_of_it() {
    let (dir, mut desk) = (tempfile::tempdir().unwrap(), Desk::new());
    let until = Instant::now() + Duration::from_secs(20);
    let [disk, name] = ["a", "b"].map(|name| job(&mut desk, dir.path(), name));
    let op = DiskOp { torrent: TorrentId(99), task: DiskTask::Survey { place: Place::Part } };
    desk.shared.workers.disk(disk, op);
    desk.shared.workers.resolve(name, "nul\0".into());
    let mut answers = Vec::new();
    while answers.len() < 2 {
        desk.wait(until);
        desk.shared.workers.drain(&mut answers);
    }
    assert!(answers.iter().any(|a| matches!(a, Input::DiskDone { job, result: Err(_) } if *job == disk)));
    let failed = |a: &Input| matches!(a, Input::Resolved { job, result: Err(ResolveError::Failed(_)) } if *job == name);
    assert!(answers.iter().any(failed), "{answers:?}");
}

#[test]
fn certificates_are_read_beside_the_session_before_a_tracker_needs_them() {
    let dir = tempfile::tempdir().unwrap();
    // Reading a pipe takes as long as nobody writes to it.
    let pipe = dir.path().join("roots.pem");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let settings = Settings { listen: None, extra_roots: Some(pipe.clone()), ..Settings::default() };
    let mut shared = Shared::open(settings, Arc::new(|| {})).unwrap();
    let file =
        Builder::file("data", 1, PIECE).pieces(sha1(b"x").0).trackers([["HTTPS://t.example/announce"]]);
    let metainfo = Arc::new(Metainfo::parse(&file.build().unwrap()).unwrap());
    shared.add(metainfo, dir.path().join("data"), TorrentOptions::default()).unwrap();

    let (tell, told) = channel();
    std::thread::spawn(move || {
        let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/testdata/authority.pem");
        // Opening it ends when somebody reads.
        let _ = tell.send(std::fs::write(pipe, std::fs::read(authority).unwrap()));
    });
    told.recv_timeout(Duration::from_secs(20)).expect("nobody reads the certificates").unwrap();
    assert!(shared.tls.client("localhost").is_ok());
    assert!(!has_tls_tracker(&torrent(b"no tracker")));
}

/// A read of a torrent that nobody knows.
fn unknown_read() -> Box<DiskOp> {
    let task = DiskTask::Read { place: Place::Part, extents: Vec::new() };
    Box::new(DiskOp { torrent: TorrentId(99), task })
}

#[test]
fn what_is_not_in_memory_is_read_by_a_worker_and_answered_once() {
    let (dir, mut desk) = (tempfile::tempdir().unwrap(), Desk::new());
    let until = Instant::now() + Duration::from_secs(20);
    let wanted = job(&mut desk, dir.path(), "a");
    desk.shared.reads.push_back((wanted, unknown_read()));
    assert!(desk.shared.has_reads());
    assert!(desk.shared.read());
    assert!(!desk.shared.has_reads() && !desk.shared.read(), "it was for one reading");
    let mut answers = Vec::new();
    while answers.is_empty() {
        desk.wait(until);
        desk.shared.workers.drain(&mut answers);
    }
    assert!(matches!(&answers[..], [Input::DiskDone { job, result: Err(_) }] if *job == wanted));
}

#[test]
fn a_read_that_was_cancelled_is_not_done() {
    let (dir, mut desk) = (tempfile::tempdir().unwrap(), Desk::new());
    let [first, second] = ["a", "b"].map(|name| job(&mut desk, dir.path(), name));
    desk.shared.reads.extend([first, second].map(|job| (job, unknown_read())));
    desk.shared.cancel(first);
    assert_eq!(desk.shared.reads.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [second]);
}
