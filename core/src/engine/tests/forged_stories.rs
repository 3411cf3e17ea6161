//! Recordings whose every check is right, and that no session made: whoever replays one gets an answer, never a panic.

use super::world::World;
use super::*;
use crate::record::tests::frame;
use crate::record::tests::values::{command, config, input, options};
use crate::record::{Asked, Entry, Explainer, Fault, Reader, RecordError, Replay, ReplayError, Step};
use proptest::prelude::*;
use std::sync::LazyLock;

/// What was recorded of a seed and of its leecher.
static SESSIONS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let data = payload(300_000);
    let meta = torrent(&data);
    let mut world = World::new();
    let seed = world.seed(&meta, &data);
    let leecher = world.leecher(&meta, &[seed]);
    world.run_until(MINUTE, |w| w.phase(leecher) == Phase::Stopped);
    [seed, leecher].map(|host| world.hosts[host].engine.recording())
});

/// Each entry, and where it begins.
fn entries(recording: &[u8]) -> Vec<(usize, Entry)> {
    let mut reader = Reader::new(recording.to_vec().into()).unwrap();
    let mut entries = Vec::new();
    loop {
        let position = reader.position();
        let Some(entry) = reader.next().unwrap() else { return entries };
        entries.push((position, entry));
    }
}

/// Puts something that did not happen in front of an entry. Up to there all is as it was recorded.
fn insert(recording: &[u8], n: usize, what: Step, since: u64) -> Vec<u8> {
    let entries = entries(recording);
    let (position, entry) = &entries[n % entries.len()];
    let forged = Entry { what, ..entry.clone() };
    let before = n.checked_sub(1).map_or(entry.at, |n| entries[n % entries.len()].1.at);
    let entry_since = entry.at.since(before).as_micros() as u64;
    let asked = Entry { asked: Asked::default(), ..entry.clone() };
    let mut out = recording[..*position].to_vec();
    out.extend(frame(&forged, since));
    out.extend(frame(&asked, entry_since));
    let rest = entries.get(n % entries.len() + 1).map_or(recording.len(), |(position, _)| *position);
    out.extend_from_slice(&recording[rest..]);
    out
}

/// Replays it, tells every step, and looks at everything.
fn replay(recording: Vec<u8>) -> Result<(), ReplayError> {
    let mut replay = Replay::new(recording.into())?;
    let mut explainer = Explainer::default();
    let outcome = replay.until(Instant::FAR_FUTURE, &mut |told| drop(explainer.explain(told)));
    let (engine, now) = (replay.engine(), replay.now());
    for torrent in engine.torrents() {
        let _ = (engine.torrent(now, torrent), engine.peers(now, torrent));
    }
    outcome
}

/// The same input about another connection or job.
fn about(input: Input, number: u64) -> Input {
    let (to, id) = (ConnId::from_number(number), JobId(number));
    match input {
        Input::Connected { local, .. } => Input::Connected { conn: to, local },
        Input::ConnectFailed { error, .. } => Input::ConnectFailed { conn: to, error },
        Input::Accepted { remote, .. } => Input::Accepted { conn: to, remote },
        Input::Received { data, .. } => Input::Received { conn: to, data },
        Input::Sent { bytes, .. } => Input::Sent { conn: to, bytes },
        Input::Closed { error, .. } => Input::Closed { conn: to, error },
        Input::Resolved { result, .. } => Input::Resolved { job: id, result },
        Input::DiskDone { result, .. } => Input::DiskDone { job: id, result },
        same => same,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_input_that_never_came(
        who in 0usize..2,
        at in 0usize..1_000,
        input in input(),
        number in 0u64..40,
        since in prop_oneof![0u64..100_000, any::<u64>()],
    ) {
        let _ = replay(insert(&SESSIONS[who], at, Step::Input(about(input, number)), since));
    }

    #[test]
    fn an_input_that_came_at_another_time(who in 0usize..2, at in 0usize..1_000, from in 0usize..1_000) {
        let entries = entries(&SESSIONS[who]);
        let what = entries[from % entries.len()].1.what.clone();
        let _ = replay(insert(&SESSIONS[who], at, what, 0));
    }

    #[test]
    fn a_command_that_nobody_gave(
        who in 0usize..2,
        at in 0usize..1_000,
        command in command(),
        since in prop_oneof![0u64..100_000, any::<u64>()],
    ) {
        let command = match command {
            Command::StopTorrent { .. } => Command::StopTorrent { torrent: TORRENT },
            Command::AddPeer { peer, .. } => Command::AddPeer { torrent: TORRENT, peer },
            same => same,
        };
        let _ = replay(insert(&SESSIONS[who], at, Step::Command(command), since));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    /// Each engine of these stories is recorded, and replayed when its story is over.
    #[test]
    fn a_configuration_that_nobody_has(config in config(), options in options()) {
        let data = payload(100_000);
        let meta = torrent(&data);
        let mut world = World::new();
        let seed = world.seed(&meta, &data);
        let leecher = world.host(config);
        let peers = world.download_from(&[seed]).peers;
        world.add(leecher, &meta, TorrentOptions { goal: Goal::Download, peers, ..options });
        world.run_for(MINUTE);
    }
}

#[test]
fn an_answer_to_what_was_not_asked_is_damage() {
    let input = Input::DiskDone { job: JobId(999), result: Ok(DiskOutcome::Publish) };
    let recording = insert(&SESSIONS[1], 5, Step::Input(input), 0);
    let position = entries(&SESSIONS[1])[5].0;
    let damage = RecordError::Damaged { position, fault: Fault::Unasked };
    assert_eq!(replay(recording), Err(ReplayError::Unreadable(damage)));
}
