//! Recordings of whole sessions: what is in them, what a replay finds, and what it finds out.

use super::world::World;
use super::*;
use crate::record::{Divergence, Ending, Explainer, Reader, Replay, ReplayError, Step, Told};
use alloc::collections::BTreeSet;
use alloc::string::String;

/// A leecher that has downloaded everything: what was recorded of it.
fn download(data: &[u8]) -> Vec<u8> {
    let meta = torrent(data);
    let mut world = World::new();
    let seed = world.seed(&meta, data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    world.hosts[leecher].engine.recording()
}

/// Where each step begins and ends, and what it is.
fn steps(recording: &[u8]) -> Vec<(core::ops::Range<usize>, Step)> {
    let mut reader = Reader::new(recording.to_vec().into()).unwrap();
    let mut steps = Vec::new();
    loop {
        let from = reader.position();
        let Some(entry) = reader.next().unwrap() else { return steps };
        if matches!(entry.what, Step::Input(_) | Step::Command(_)) {
            steps.push((from..reader.position(), entry.what));
        }
    }
}

fn without(recording: &[u8], cut: core::ops::Range<usize>) -> Vec<u8> {
    [&recording[..cut.start], &recording[cut.end..]].concat()
}

#[test]
fn blocks_are_left_out_and_not_missed() {
    let data = payload(1_000_000);
    let recording = download(&data);
    // Most of it is the torrent; a block costs some ten bytes.
    assert!(recording.len() < 10_000, "{}", recording.len());
    let parts: BTreeSet<&[u8]> = data.chunks(16).collect();
    assert!(!recording.windows(16).any(|some| parts.contains(some)));
    let mut replay = Replay::new(recording.into()).unwrap();
    replay.run().unwrap();
    assert_eq!(replay.engine().torrent(replay.now(), TORRENT).unwrap().have, 16);
}

#[test]
fn a_replay_can_stop_at_any_time() {
    let recording = download(&payload(1_000_000));
    let mut replay = Replay::new(recording.into()).unwrap();
    let have = |replay: &Replay| replay.engine().torrent(replay.now(), TORRENT).map_or(0, |s| s.have);
    let (mut at, mut seen) = (replay.header().start, Vec::new());
    while replay.ending().is_none() {
        at = at + Duration::from_micros(500);
        replay.until(at, &mut |_| {}).unwrap();
        assert!(replay.now() <= at);
        seen.push(have(&replay));
    }
    assert!(seen.is_sorted());
    assert!(seen.iter().any(|have| (1..16).contains(have)), "{seen:?}");
}

/// Whether it is nothing but `suggest piece` (BEP 6).
fn are_suggestions(data: &[u8]) -> bool {
    data.chunks(9).all(|message| message.starts_with(&[0, 0, 0, 5, 13]))
}

#[test]
fn a_step_that_is_missing_is_found() {
    let recording = download(&payload(300_000));
    let steps = steps(&recording);
    // Nothing shows what the very last ones led to.
    for (n, (cut, what)) in steps.iter().enumerate().take(steps.len() - 3) {
        // That bytes have left, or time has passed, leads to nothing most of the time. So do late suggestions.
        match what {
            Step::Input(Input::Sent { .. } | Input::Timeout | Input::Listening { .. }) => continue,
            Step::Input(Input::Received { data, .. }) if are_suggestions(data) => continue,
            _ => {}
        }
        let found = Replay::new(without(&recording, cut.clone()).into()).unwrap().run();
        let Err(ReplayError::Diverged(Divergence { step, .. })) = found else {
            panic!("without step {}: {found:?}", n + 1)
        };
        // It shows where the next step finds other things done. What a step does shows later in some cases.
        assert!(step >= n as u64, "without step {}: found at {step}", n + 1);
    }
}

#[test]
fn the_first_step_that_differs_is_named() {
    let recording = download(&payload(300_000));
    let steps = steps(&recording);
    let is_connected = |(_, what): &(_, Step)| matches!(what, Step::Input(Input::Connected { .. }));
    let connected = steps.iter().position(is_connected).unwrap();
    let found = Replay::new(without(&recording, steps[connected].0.clone()).into()).unwrap().run();
    let Err(ReplayError::Diverged(divergence)) = found else { panic!("{found:?}") };
    // Without it no handshake is sent, which shows before the step that now follows the one before it.
    assert_eq!(divergence.step, connected as u64);
    assert_ne!(divergence.recorded, divergence.found);
    // Its time counts from the start of the recording: a replay until then ends with this step.
    let mut replay = Replay::new(recording.into()).unwrap();
    let time = replay.header().start + divergence.after;
    assert!(replay.header().start > Instant::ZERO && divergence.after > Duration::ZERO);
    replay.until(time, &mut |_| {}).unwrap();
    assert!(replay.now() == time && replay.steps() >= divergence.step, "{divergence:?}");
}

#[test]
fn a_torn_recording_replays_as_far_as_it_goes() {
    let recording = download(&payload(300_000));
    for len in (2_000..recording.len()).step_by(53) {
        let Ok(mut replay) = Replay::new(recording[..len].to_vec().into()) else { continue };
        assert_eq!(replay.run(), Ok(Ending::Torn));
        assert!(replay.steps() > 0);
    }
}

#[test]
fn each_step_is_told() {
    let recording = download(&payload(300_000));
    let mut replay = Replay::new(recording.into()).unwrap();
    let (mut explainer, mut story) = (Explainer::default(), Vec::<String>::new());
    replay.until(Instant::FAR_FUTURE, &mut |told: Told<'_>| story.push(explainer.explain(told))).unwrap();
    for words in [
        "the application adds the torrent file",
        "open connection 0 to 10.0.0.1:6881",
        "send 68 bytes on connection 0: handshake",
        "68 bytes on connection 0: handshake",
        "unchoke",
        ": request x",
        "16384 bytes on connection 0",
        ": piece",
        "piece 0 is verified",
        "complete",
        "phase: Stopped",
    ] {
        assert!(story.iter().any(|line| line.contains(words)), "{words:?} is not told in {story:#?}");
    }
}

#[test]
fn how_a_driver_takes_turns_is_repeated() {
    // Actions and events are taken one by one, with inputs in between, and never all of them.
    use crate::record::{RecordOptions, Recorded};
    let data = payload(300_000);
    let meta = torrent(&data);
    let options = RecordOptions { payload: false, mask: false, limit: u64::MAX };
    for pace in 0..4 {
        let mut engine = Recorded::new(Config::default(), [9; 32], Instant::ZERO, Some(options));
        let peers = (1..20).map(|n| PeerAddr::Addr(([10, 0, 0, n], 6_881).into())).collect();
        engine
            .add_torrent(Instant::ZERO, meta.clone(), TorrentOptions { peers, ..Default::default() })
            .unwrap();
        for n in 0..200u64 {
            for _ in 0..pace {
                let now = Instant::from_millis(n);
                match engine.poll_action() {
                    Some(Action::Connect { conn, .. }) if n % 3 == 0 => {
                        engine.handle(now, Input::ConnectFailed { conn, error: NetError::Refused });
                    }
                    Some(Action::Connect { conn, .. }) => {
                        engine.handle(now, Input::Connected { conn, local: ([10, 0, 0, 1], 5).into() });
                    }
                    Some(Action::Disk { job, op }) => {
                        let outcome = match op.task {
                            DiskTask::Survey { .. } => DiskOutcome::Survey(Survey::Absent),
                            DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(None),
                            _ => DiskOutcome::StoreJournal,
                        };
                        engine.handle(now, Input::DiskDone { job, result: Ok(outcome) });
                    }
                    _ => {}
                }
            }
            if n % 5 == pace {
                engine.poll_event();
            }
            engine.handle(Instant::from_millis(n), Input::Timeout);
        }
        let mut recording = Vec::new();
        engine.recorder_mut().unwrap().end();
        engine.recorder_mut().unwrap().drain_into(&mut recording);
        let mut replay = Replay::new(recording.into()).unwrap();
        replay.run().unwrap();
        assert_eq!(replay.engine().peers(replay.now(), TORRENT), engine.peers(replay.now(), TORRENT));
    }
}
