//! `peerless replay`: does again what was recorded, says whether it comes out the same, and tells it step by step.

use crate::args;
use crate::console;
use crate::exit::{Exit, Failure, reason};
use crate::report::Report;
use crate::text;
use peerless_core::limits::MAX_RECORDING;
use peerless_core::record::{
    Divergence, End, Ending, Explainer, RecordError, Replay, ReplayError, Told, is_recording,
};
use peerless_core::{Instant, PeerStatus, TorrentStatus};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;

/// Replays a recording.
pub(crate) fn run(args: &args::Replay) -> Result<Report, Failure> {
    let recording = if args.file.as_os_str() == "-" { read_stdin()? } else { read_file(&args.file)? };
    let mut replay = Replay::new(recording.into())?;
    let end = args.until.map_or(Instant::FAR_FUTURE, |time| replay.header().start + time);
    let mut teller = Teller { json: args.json, start: replay.header().start, ..Teller::default() };
    let outcome = if args.explain {
        let outcome = replay.until(end, &mut |told| teller.tell(told));
        outcome.map_err(Failure::from).and_then(|()| teller.failed.map_or(Ok(()), Err))
    } else {
        replay.until(end, &mut |_| {}).map_err(Failure::from)
    };
    if args.why {
        tell_status(&replay, args.json)?;
    }
    Ok(match outcome {
        Err(failure) => add_to(failure.into(), &replay),
        Ok(()) => {
            if !args.json {
                console::person(&summary(&replay));
            }
            add_to(Report::complete(), &replay)
        }
    })
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let input = io::stdin();
    if input.is_terminal() {
        let text = "usage: - reads a recording from standard input, which is a terminal here";
        return Err(Failure::new(Exit::Usage, text));
    }
    read(input.lock(), Path::new("standard input"))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    read(File::open(path).map_err(|error| unreadable(path, &error))?, path)
}

/// Why a file cannot be opened or read.
fn unreadable(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Failure::new(Exit::SourceNotFound, format!("path: there is no file {}", path.display()))
        }
        ErrorKind::IsADirectory => {
            Failure::new(Exit::TorrentUnusable, format!("recording: {} is a directory", path.display()))
        }
        _ => Failure::new(
            Exit::of_io(error),
            format!("disk: cannot read {}: {}", path.display(), reason(error)),
        ),
    }
}

/// All of it, unless it begins like no recording, or none is as long.
fn read(mut input: impl Read, path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| unreadable(path, &error);
    let mut bytes = Vec::new();
    input.by_ref().take(16).read_to_end(&mut bytes).map_err(failed)?;
    if !is_recording(&bytes) {
        return Err(RecordError::NotARecording.into());
    }
    input.take(MAX_RECORDING).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_RECORDING {
        let text =
            format!("limit: {} is longer than the {MAX_RECORDING} bytes of a recording", path.display());
        return Err(Failure::new(Exit::TorrentUnusable, text));
    }
    Ok(bytes)
}

/// What was replayed, in one sentence.
fn summary(replay: &Replay) -> String {
    let steps = text::count(replay.steps(), "step");
    let time = text::elapsed(replay.now().since(replay.header().start));
    let end = match replay.ending() {
        None => "",
        Some(Ending::Whole(End::Session)) => "; the recording is whole",
        Some(Ending::Whole(End::Limit)) => "; the recording ends at its limit",
        Some(Ending::Torn) => "; the recording was not ended in order",
    };
    format!("the same: {steps} in {time}{end}")
}

/// Adds what was found to the `result` line.
fn add_to(report: Report, replay: &Replay) -> Report {
    let header = replay.header();
    let micros = u64::try_from(replay.now().since(header.start).as_micros()).unwrap_or(u64::MAX);
    report
        .with("program", &*header.program)
        .with("masked", header.masked)
        .with("steps", replay.steps())
        .with("time_us", micros)
        .with(
            "ended",
            replay.ending().map(|ending| match ending {
                Ending::Whole(End::Session) => "session",
                Ending::Whole(End::Limit) => "limit",
                Ending::Torn => "torn",
            }),
        )
}

/// Tells each step as it is done.
#[derive(Default)]
struct Teller {
    json: bool,
    start: Instant,
    step: (u64, Instant),
    explainer: Explainer,
    /// Why a line could not be written.
    failed: Option<Failure>,
}

impl Teller {
    fn tell(&mut self, told: Told<'_>) {
        let text = self.explainer.explain(told);
        let (kind, mark) = match told {
            Told::Step { number, at } => {
                self.step = (number, at);
                return;
            }
            Told::Input(_) => ("input", "<"),
            Told::Command(_) => ("command", "!"),
            Told::Action(_) => ("action", ">"),
            Told::Event(_) => ("event", "*"),
        };
        let (number, at) = self.step;
        let time = at.since(self.start);
        let written = if self.json {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            console::json(&json!({ "v": 1, "type": kind, "step": number, "time_us": micros, "text": text }))
        } else {
            let time = format!("{}.{:06}", time.as_secs(), time.subsec_micros());
            console::data(&format!("{time:>13} {number:>7} {mark} {text}"))
        };
        if let Err(failure) = written {
            self.failed.get_or_insert(failure);
        }
    }
}

/// How each torrent stands.
fn tell_status(replay: &Replay, json: bool) -> Result<(), Failure> {
    let (engine, now) = (replay.engine(), replay.now());
    for torrent in engine.torrents() {
        let Some(status) = engine.torrent(now, torrent) else { continue };
        let why: Vec<String> = status.why.iter().map(ToString::to_string).collect();
        if json {
            console::json(&json!({
                "v": 1,
                "type": "status",
                "torrent": torrent.0,
                "phase": format!("{:?}", status.phase).to_lowercase(),
                "have": status.have,
                "num_pieces": status.pieces,
                "bytes_have": status.bytes_have,
                "bytes_total": status.bytes_total,
                "downloaded": status.downloaded,
                "uploaded": status.uploaded,
                "down_rate": status.down_rate,
                "up_rate": status.up_rate,
                "peers": status.peers,
                "known_peers": status.known_peers,
                "why": why,
            }))?;
            engine
                .peers(now, torrent)
                .iter()
                .try_for_each(|peer| console::json(&peer_json(torrent.0, peer)))?;
            continue;
        }
        console::data(&status_line(torrent.0, &status))?;
        for reason in why {
            console::data(&format!("  {reason}"))?;
        }
        for peer in engine.peers(now, torrent) {
            let choking = if peer.choking_us { "chokes us" } else { "lets us download" };
            let rates = (text::rate(peer.down_rate), text::rate(peer.up_rate));
            console::data(&format!(
                "  {}: {}, {choking}, {} asked for, {} down, {} up",
                peer.remote,
                text::count(peer.have.into(), "piece"),
                text::count(peer.requests.into(), "block"),
                rates.0,
                rates.1
            ))?;
        }
    }
    Ok(())
}

/// How a peer stands, of the torrent whose status comes before it.
fn peer_json(torrent: u32, peer: &PeerStatus) -> Value {
    json!({
        "v": 1,
        "type": "peer",
        "torrent": torrent,
        "addr": peer.remote.to_string(),
        "have": peer.have,
        "choking_us": peer.choking_us,
        "interesting": peer.interesting,
        "choked": peer.choked,
        "interested": peer.interested,
        "snubbed": peer.snubbed,
        "requests": peer.requests,
        "down_rate": peer.down_rate,
        "up_rate": peer.up_rate,
        "downloaded": peer.downloaded,
        "uploaded": peer.uploaded,
    })
}

fn status_line(torrent: u32, status: &TorrentStatus) -> String {
    let phase = format!("{:?}", status.phase).to_lowercase();
    let share = text::percent(status.bytes_have, status.bytes_total);
    let peers = text::count(status.peers.into(), "peer");
    format!(
        "torrent {torrent}: {phase}, {} of {} pieces ({share}), {peers}, {} down, {} up",
        status.have,
        status.pieces,
        text::rate(status.down_rate),
        text::rate(status.up_rate)
    )
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::new(Exit::TorrentUnusable, error.to_string())
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Unreadable(error) => error.into(),
            ReplayError::Diverged(divergence @ Divergence { .. }) => {
                Self::new(Exit::Diverged, divergence.to_string())
            }
        }
    }
}
