//! JSON lines on standard output. The names and meanings of fields are a promise: they are only added to.

use super::Subject;
use super::pace::Pace;
use crate::console;
use peerless_core::{Event, Phase, TorrentStatus, TrackerNews};
use serde_json::{Value, json};
use std::time::Duration;

/// JSON lines.
#[derive(Debug)]
pub(crate) struct Json {
    verbose: bool,
    pace: Pace,
}

impl Json {
    pub(super) const fn new(verbose: bool) -> Self {
        Self { verbose, pace: Pace::new() }
    }

    pub(super) fn begin(&self, subject: &Subject) {
        write(&json!({
            "v": 1,
            "type": "start",
            "command": subject.command,
            "name": subject.name,
            "info_hash": subject.info_hash,
            "total_size": subject.total,
            "target": subject.target,
        }));
    }

    pub(super) fn event(&self, event: &Event) {
        if let Some(line) = line(event).or_else(|| detail(event).filter(|_| self.verbose)) {
            write(&line);
        }
    }

    pub(super) fn progress(&mut self, now: Duration, status: &TorrentStatus) {
        self.pace.update(now, status);
        let eta = self.pace.eta(status).map(|eta| eta.as_secs());
        write(&json!({
            "v": 1,
            "type": "progress",
            "elapsed_ms": u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            "phase": phase(status.phase),
            "have": status.have,
            "num_pieces": status.pieces,
            "bytes_have": status.bytes_have,
            "bytes_progress": status.bytes_progress,
            "bytes_total": status.bytes_total,
            "downloaded": status.downloaded,
            "uploaded": status.uploaded,
            "wasted": status.wasted,
            "corrupt": status.corrupt,
            "down_rate": status.down_rate,
            "up_rate": status.up_rate,
            "peers": status.peers,
            "seeds": status.seeds,
            "known_peers": status.known_peers,
            "eta": eta,
            "why": status.why.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    }
}

/// Something else worth knowing.
pub(super) fn note(sentence: &str) {
    write(&json!({ "v": 1, "type": "note", "text": sentence }));
}

/// Where peers can reach us.
pub(super) fn listening(addrs: &[String]) {
    write(&json!({ "v": 1, "type": "listening", "addrs": addrs }));
}

/// That standard output is full or broken must not end a download; the last line's failure is reported.
fn write(line: &Value) {
    let _ = console::json(line);
}

/// The events that every reader wants.
fn line(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Phase { phase: p, .. } => json!({ "v": 1, "type": "phase", "phase": phase(*p) }),
        Event::Resumed { summary, .. } => json!({
            "v": 1,
            "type": "resumed",
            "trusted": summary.trusted,
            "hashed": summary.hashed,
            "have": summary.have,
            "journal_rejected": summary.journal_rejected,
        }),
        Event::Completed { .. } => json!({ "v": 1, "type": "completed" }),
        Event::PieceFailed { piece, culprit, .. } => json!({
            "v": 1,
            "type": "piece_failed",
            "piece": piece.get(),
            "culprit": culprit.map(|ip| ip.to_string()),
        }),
        Event::PeerBanned { addr, reason, .. } => {
            json!({ "v": 1, "type": "banned", "addr": addr.to_string(), "reason": reason.to_string() })
        }
        Event::Tracker { url, news, .. } => tracker(url, news),
        Event::PeerLookupFailed { host, port, error, retry, .. } => json!({
            "v": 1,
            "type": "peer_lookup_failed",
            "host": host,
            "port": port,
            "error": error.to_string(),
            "retry": retry.as_secs(),
        }),
        Event::PieceLost { piece, error, .. } => json!({
            "v": 1,
            "type": "piece_lost",
            "piece": piece.get(),
            "error": error.as_ref().map(ToString::to_string),
        }),
        Event::DiskTrouble { error, .. } => {
            json!({ "v": 1, "type": "disk_trouble", "error": error.to_string() })
        }
        Event::DiskRecovered { .. } => json!({ "v": 1, "type": "disk_recovered" }),
        _ => return None,
    })
}

/// The events that come by the thousand: with `-v` only.
fn detail(event: &Event) -> Option<Value> {
    Some(match event {
        Event::PieceVerified { piece, .. } => {
            json!({ "v": 1, "type": "piece_verified", "piece": piece.get() })
        }
        Event::PeerConnected { remote, .. } => {
            json!({ "v": 1, "type": "peer_connected", "addr": remote.to_string() })
        }
        Event::PeerDisconnected { remote, reason, .. } => json!({
            "v": 1,
            "type": "peer_disconnected",
            "addr": remote.to_string(),
            "reason": reason.to_string(),
        }),
        _ => return None,
    })
}

fn tracker(url: &str, news: &TrackerNews) -> Value {
    let mut line = json!({ "v": 1, "type": "tracker", "url": url });
    let more = match news {
        TrackerNews::Answered { peers, next } => {
            json!({ "state": "answered", "peers": peers, "next": next.as_secs() })
        }
        TrackerNews::Warning { text } => json!({ "state": "warning", "text": text }),
        TrackerNews::CutShort { leftover } => json!({ "state": "cut_short", "leftover": leftover }),
        TrackerNews::Slow { waited } => json!({ "state": "slow", "waited": waited.as_secs() }),
        TrackerNews::Failed { error, retry } => {
            json!({ "state": "failed", "error": error.to_string(), "retry": retry.map(|t| t.as_secs()) })
        }
    };
    if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    line
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Checking => "checking",
        Phase::Downloading => "downloading",
        Phase::Finishing => "finishing",
        Phase::Seeding => "seeding",
        Phase::Stopping => "stopping",
        Phase::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::{PieceIndex, TorrentId};

    #[test]
    fn every_line_has_a_version_and_a_type() {
        let torrent = TorrentId(0);
        let url: Box<str> = "http://t/announce".into();
        let news = TrackerNews::Answered { peers: 2, next: Duration::from_secs(60) };
        for event in [
            Event::Phase { torrent, phase: Phase::Checking },
            Event::Completed { torrent },
            Event::PieceFailed { torrent, piece: PieceIndex::new(3), culprit: None },
            Event::Tracker { torrent, url: url.clone(), news },
            Event::Tracker { torrent, url, news: TrackerNews::Warning { text: "slow down".into() } },
        ] {
            let line = line(&event).unwrap();
            assert_eq!(line["v"], 1);
            assert!(line["type"].is_string());
        }
    }

    #[test]
    fn single_pieces_are_details() {
        let event = Event::PieceVerified { torrent: TorrentId(0), piece: PieceIndex::new(3) };
        assert_eq!(line(&event), None);
        assert_eq!(detail(&event).unwrap()["piece"], 3);
    }
}
