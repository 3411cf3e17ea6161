//! A socket that lacks a descriptor gets one of an idle file. Alone in its process, which has the limit.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

use peerless_core::metainfo::Builder;
use peerless_core::{Event, Goal, Input, Metainfo, NetError, Phase, SeedPolicy, TorrentOptions, sha1};
use peerless_runtime::{Settings, Shared, net};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Runs the session until it tells of this. The workers ring the bell.
fn run_until(shared: &mut Shared, bell: &Receiver<()>, wanted: impl Fn(&Event) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        shared.collect();
        while shared.next_action().is_some() {}
        while let Some(event) = shared.next_event() {
            if wanted(&event) {
                return;
            }
        }
        bell.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap();
    }
}

/// A torrent of so many files with a letter each, in this directory, all there.
fn files(dir: &Path, name: &str, count: usize) -> Arc<Metainfo> {
    let names: Vec<String> = (0..count).map(|n| format!("{n}")).collect();
    std::fs::create_dir(dir.join(name)).unwrap();
    names.iter().for_each(|file| std::fs::write(dir.join(name).join(file), "x").unwrap());
    let files = names.into_iter().map(|file| (vec![file], 1)).collect();
    let file =
        Builder::directory(name, files, 16_384).pieces(sha1("x".repeat(count).as_bytes()).0).build().unwrap();
    Arc::new(Metainfo::parse(&file).unwrap())
}

#[test]
fn idle_files_are_closed_for_a_socket_that_lacks_a_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (files(dir.path(), "first", 10), files(dir.path(), "second", 1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();

    let (ring, bell) = channel();
    let ring = Mutex::new(ring);
    let notify = Arc::new(move || {
        let _ = ring.lock().unwrap().send(());
    });
    // One worker: what it is given is done in order.
    let settings =
        Settings { listen: None, disk_workers: 1, max_open_files: Some(20), ..Settings::default() };
    let mut shared = Shared::open(settings, notify).unwrap();
    let seeding = TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..Default::default() };
    shared.add(first, dir.path().join("first"), seeding).unwrap();
    run_until(&mut shared, &bell, |event| matches!(event, Event::Phase { phase: Phase::Seeding, .. }));

    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) }).unwrap();
    let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert_eq!(net::connect(remote).err(), Some(NetError::TooManyFiles));
    shared.handle(Input::AcceptFailed { error: NetError::TooManyFiles });
    // The check of another torrent begins after what was idle is closed. It needs descriptors itself.
    let verify = TorrentOptions { goal: Goal::Verify, ..Default::default() };
    shared.add(second, dir.path().join("second"), verify).unwrap();
    run_until(&mut shared, &bell, |event| matches!(event, Event::Checked { good: 1, total: 1, .. }));
    assert!(net::connect(remote).is_ok());
    taken.clear();
}
