//! A file goes from one session to another, over loopback, through real files.

mod common;
#[path = "../examples/stream.rs"]
#[allow(dead_code)]
mod stream;

use common::{DEADLINE, Payload, in_time, until};
use peerless_core::{Event, PeerAddr, TorrentOptions};
use peerless_runtime::Session;
use peerless_smol::SmolSession;
use smol::future;
use std::thread;
use std::time::Instant;

fn from(seed: &SmolSession) -> TorrentOptions {
    let peers = seed.listening().iter().copied().map(PeerAddr::Addr).take(1).collect();
    TorrentOptions { peers, ..Default::default() }
}

#[test]
fn two_threads_block_on_a_session_each() {
    let payload = Payload::new(3_000_000);
    let mut seed = payload.seed();
    let mut leecher = payload.leecher("copy", from(&seed));
    let stop = seed.waker();
    let seeding = thread::spawn(move || {
        let deadline = Instant::now() + DEADLINE;
        // Events pass by until the waker is used.
        while seed.wait(Some(DEADLINE)).unwrap().is_some() {}
        assert!(Instant::now() < deadline, "nobody used the waker");
        seed.shutdown();
        while seed.wait(Some(DEADLINE)).unwrap().expect("a shutdown in time") != Event::ShutDown {}
    });
    let over = |event: &Event| matches!(event, Event::Stopped { .. });
    while !over(&leecher.wait(Some(DEADLINE)).unwrap().expect("an event in time")) {}
    payload.assert_copied("copy");
    stop.wake();
    seeding.join().unwrap();
}

#[test]
fn many_sessions_share_one_thread_and_the_callers_executor() {
    let payload = Payload::new(1_000_000);
    let mut seed = payload.seed();
    let leechers: Vec<_> = (0..3).map(|n| payload.leecher(&format!("copy-{n}"), from(&seed))).collect();
    let seeding = async { while seed.next_event().await.is_some() {} };
    let executor = smol::LocalExecutor::new();
    let tasks: Vec<_> = leechers
        .into_iter()
        .map(|mut session| {
            executor.spawn(async move { until(&mut session, |e| matches!(e, Event::Stopped { .. })).await })
        })
        .collect();
    let copying = executor.run(async {
        for task in tasks {
            task.await;
        }
    });
    smol::block_on(in_time(future::or(copying, seeding)));
    (0..3).for_each(|n| payload.assert_copied(&format!("copy-{n}")));
}

#[test]
fn the_example_downloads_on_an_executor_of_many_threads() {
    let payload = Payload::new(1_000_000);
    let mut seed = payload.seed();
    let peers = seed.listening()[..1].to_vec();
    // Both are futures that any thread may run.
    let seeding = smol::spawn(async move { while seed.next_event().await.is_some() {} });
    let example = smol::spawn(stream::download(payload.path("data.torrent"), payload.path("copy"), peers));
    smol::block_on(in_time(example)).unwrap();
    payload.assert_copied("copy");
    drop(seeding);
}

#[test]
fn a_future_that_is_dropped_again_and_again_loses_nothing() {
    let payload = Payload::new(1_000_000);
    let mut seed = payload.seed();
    let mut leecher = payload.leecher("copy", from(&seed));
    let seeding = async { while seed.next_event().await.is_some() {} };
    let copying = async {
        let mut pieces = 0;
        loop {
            // It gets one chance each time.
            let impatient = async {
                future::yield_now().await;
                None
            };
            match future::or(leecher.next_event(), impatient).await {
                Some(Event::PieceVerified { .. }) => pieces += 1,
                Some(Event::Stopped { .. }) => return pieces,
                _ => {}
            }
        }
    };
    let copying = future::or(copying, async {
        seeding.await;
        0
    });
    assert_eq!(smol::block_on(in_time(copying)), payload.metainfo.geometry().num_pieces());
    payload.assert_copied("copy");
}

#[test]
fn a_session_can_go_on_in_another_thread() {
    let payload = Payload::new(1_000_000);
    let mut seed = payload.seed();
    let mut leecher = payload.leecher("copy", from(&seed));
    let seeding = smol::spawn(async move { while seed.next_event().await.is_some() {} });
    let mut over = false;
    while !over {
        let thread = thread::spawn(move || {
            let event = smol::block_on(in_time(leecher.next_event()));
            (leecher, event.expect("the session ended"))
        });
        let (session, event) = thread.join().unwrap();
        leecher = session;
        over = matches!(event, Event::Stopped { .. });
    }
    payload.assert_copied("copy");
    drop(seeding);
}
