//! Events as sentences for people. Whoever prints them escapes them.

use crate::text;
use peerless_core::escape::escape_line;
use peerless_core::{DiskError, Event, Phase, PieceIndex, TrackerNews, limits};
use std::collections::BTreeSet;

/// Troubles that are told once; more are told with `-v` only.
const MAX_TROUBLES: usize = 100;

/// Turns events into sentences, and leaves out what only `-v` shows.
#[derive(Debug)]
pub(super) struct Narrator {
    /// Whether everything is told.
    pub(super) verbose: bool,
    /// What is on the disk is all that matters: that it is there is no news.
    verifies: bool,
    /// What was to be done is done: that it then stops is no news.
    done: bool,
    /// Troubles that were told already: those with trackers and names come again with every try.
    told: BTreeSet<String>,
}

impl Narrator {
    /// One that tells everything, or only what matters.
    pub(super) const fn new(verbose: bool) -> Self {
        Self { verbose, verifies: false, done: false, told: BTreeSet::new() }
    }

    /// The session is to do this.
    pub(super) fn begin(&mut self, command: &str) {
        self.verifies = command == "verify";
    }

    /// The sentence for an event, if it is to be told.
    pub(super) fn tell(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Completed { .. } | Event::Checked { .. } | Event::Failed { .. } => {
                self.done = true;
                None
            }
            Event::Phase { phase: Phase::Stopping, .. } if self.done => None,
            Event::Phase { phase, .. } => phase_words(*phase).map(str::to_owned),
            Event::Resumed { summary, .. } if summary.journal_rejected => Some(format!(
                "the record of an earlier run is not to be trusted; {} hashed, {} good",
                text::count(summary.hashed.into(), "piece"),
                summary.have
            )),
            Event::Resumed { summary, .. } if summary.have > 0 && !self.verifies => Some(format!(
                "{} already here ({} hashed to make sure)",
                text::count(summary.have.into(), "piece"),
                summary.hashed
            )),
            Event::DiskTrouble { error, .. } => Some(error.to_string()),
            Event::PieceLost { piece, error, .. } => self.lost(*piece, error.as_ref()),
            Event::DiskRecovered { .. } => Some("the disk works again".to_owned()),
            Event::Tracker { url, news, .. } => self.tracker(url, news),
            Event::PeerLookupFailed { host, port, error, retry, .. } => {
                let sentence = format!("peer: {}:{port}: {}", shown(host), shown(&error.to_string()));
                self.trouble(sentence, &format!("; next lookup in {}", text::time(*retry)))
            }
            _ if self.verbose => detail(event),
            _ => None,
        }
    }

    /// Pieces are lost by the thousand where a file was cut: each reason is told once.
    fn lost(&mut self, piece: PieceIndex, error: Option<&DiskError>) -> Option<String> {
        let why = error.map_or_else(|| "a file is not what it was".to_owned(), ToString::to_string);
        let is_new = self.told.len() < MAX_TROUBLES && self.told.insert(why.clone());
        (is_new || self.verbose).then(|| format!("{why}; piece {piece} is no longer offered"))
    }

    fn tracker(&mut self, url: &str, news: &TrackerNews) -> Option<String> {
        let url = escape_line(url, limits::MAX_SHOWN_TEXT);
        let (sentence, next) = match news {
            TrackerNews::Answered { peers, next } => {
                let peers = text::count(*peers as u64, "peer");
                // After the last announce there is no next.
                let next = Some(*next).filter(|next| !next.is_zero());
                let next = next.map_or_else(String::new, |t| format!(", next announce in {}", text::time(t)));
                return self.verbose.then(|| format!("{url}: {peers}{next}"));
            }
            TrackerNews::Warning { text } => (format!("{url}: warns: {}", shown(text)), String::new()),
            TrackerNews::CutShort { leftover } => {
                let bytes = text::count(*leftover as u64, "byte");
                (format!("{url}: its list of peers ends in {bytes} that make no address"), String::new())
            }
            TrackerNews::Slow { waited } => {
                let waited = text::time(*waited);
                (format!("{url}: no answer after {waited}; still waiting for it"), String::new())
            }
            TrackerNews::Failed { error, retry } => {
                let next = retry.map_or_else(
                    || "; not tried again".to_owned(),
                    |time| format!("; next try in {}", text::time(time)),
                );
                (format!("{url}: {}", shown(&error.to_string())), next)
            }
        };
        self.trouble(sentence, &next)
    }

    /// The sentence with what comes next, if it is new or everything is told.
    fn trouble(&mut self, sentence: String, next: &str) -> Option<String> {
        let is_new = self.told.len() < MAX_TROUBLES && self.told.insert(sentence.clone());
        (is_new || self.verbose).then(|| sentence + next)
    }
}

/// What only a person who asked for details wants to read.
fn detail(event: &Event) -> Option<String> {
    Some(match event {
        Event::PieceFailed { piece, culprit: Some(ip), .. } => {
            format!("piece {piece} from {ip} does not match its hash; it is downloaded again")
        }
        Event::PieceFailed { piece, culprit: None, .. } => {
            format!("piece {piece} from several peers does not match its hash; it is downloaded again")
        }
        Event::PeerConnected { remote, .. } => format!("{remote}: connected"),
        Event::PeerDisconnected { remote, reason, .. } => format!("{remote}: {}", shown(&reason.to_string())),
        Event::PeerBanned { addr, reason, .. } => format!("{addr}: banned: {reason}"),
        _ => return None,
    })
}

const fn phase_words(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Checking => Some("looking at what is on the disk"),
        Phase::Downloading => Some("downloading"),
        Phase::Finishing => Some("all pieces are verified; writing the last of them to the disk"),
        Phase::Seeding => Some("complete; giving to others"),
        Phase::Stopping => Some("stopping"),
        Phase::Stopped => None,
    }
}

/// A text from outside at the length of a line.
fn shown(text: &str) -> String {
    escape_line(text, limits::MAX_SHOWN_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerless_core::{BanReason, ResumeSummary, TorrentId};
    use std::time::Duration;

    const TORRENT: TorrentId = TorrentId(0);

    fn tracker(news: TrackerNews) -> Event {
        Event::Tracker { torrent: TORRENT, url: "http://t.example/announce".into(), news }
    }

    #[test]
    fn a_tracker_that_fails_is_told_once_and_each_time_to_the_curious() {
        let error =
            peerless_core::tracker::TrackerError::Status { status: 400, text: "go\u{1b}[2J away".into() };
        let event = tracker(TrackerNews::Failed { error, retry: Some(Duration::from_secs(15)) });
        let mut narrator = Narrator::new(false);
        let told = narrator.tell(&event).unwrap();
        assert!(
            told.contains("400") && told.contains("go\\u{1b}[2J away") && told.ends_with("in 15s"),
            "{told}"
        );
        assert_eq!(narrator.tell(&event), None);
        assert!(Narrator::new(true).tell(&event).is_some());
    }

    #[test]
    fn a_peer_that_cannot_be_found_is_told_once() {
        let event = |retry| Event::PeerLookupFailed {
            torrent: TORRENT,
            host: "seed.example".into(),
            port: 6881,
            error: peerless_core::ResolveError::NotFound,
            retry: Duration::from_secs(retry),
        };
        let mut narrator = Narrator::new(false);
        let told = narrator.tell(&event(5));
        assert_eq!(told.as_deref(), Some("peer: seed.example:6881: no such host; next lookup in 5s"));
        assert_eq!(narrator.tell(&event(10)), None);
        assert!(Narrator::new(true).tell(&event(10)).is_some());
    }

    #[test]
    fn a_list_of_peers_that_is_cut_short_is_told() {
        let told = Narrator::new(false).tell(&tracker(TrackerNews::CutShort { leftover: 4 }));
        assert!(told.unwrap().ends_with("its list of peers ends in 4 bytes that make no address"));
    }

    #[test]
    fn peers_and_bans_are_for_the_curious() {
        let ban = Event::PeerBanned {
            torrent: TORRENT,
            addr: [10, 0, 0, 1].into(),
            reason: BanReason::CorruptPiece,
        };
        assert_eq!(Narrator::new(false).tell(&ban), None);
        assert_eq!(Narrator::new(true).tell(&ban).as_deref(), Some("10.0.0.1: banned: sent a corrupt piece"));
        let answered = tracker(TrackerNews::Answered { peers: 1, next: Duration::from_secs(90) });
        assert_eq!(Narrator::new(false).tell(&answered), None);
        assert!(Narrator::new(true).tell(&answered).unwrap().ends_with("1 peer, next announce in 1m30s"));
    }

    #[test]
    fn many_lost_pieces_are_told_once_for_each_reason() {
        let lost = |n, error| Event::PieceLost { torrent: TORRENT, piece: PieceIndex::new(n), error };
        let short = || {
            Some(DiskError { action: "read", path: "a".into(), kind: peerless_core::DiskErrorKind::Short })
        };
        let mut narrator = Narrator::new(false);
        let told = narrator.tell(&lost(3, short())).unwrap();
        assert!(told.starts_with("disk: ") && told.ends_with("; piece 3 is no longer offered"), "{told}");
        assert_eq!(narrator.tell(&lost(4, short())), None);
        let changed = "a file is not what it was; piece 5 is no longer offered";
        assert_eq!(narrator.tell(&lost(5, None)).as_deref(), Some(changed));
        assert_eq!(narrator.tell(&lost(6, None)), None);
        assert!(Narrator::new(true).tell(&lost(6, None)).is_some());
    }

    #[test]
    fn a_stop_is_news_unless_everything_is_done() {
        let stopping = Event::Phase { torrent: TORRENT, phase: Phase::Stopping };
        let mut narrator = Narrator::new(false);
        assert_eq!(narrator.tell(&stopping).as_deref(), Some("stopping"));
        assert_eq!(narrator.tell(&Event::Completed { torrent: TORRENT }), None);
        assert_eq!(narrator.tell(&stopping), None);
    }

    #[test]
    fn a_resumed_download_says_what_it_found() {
        let resumed = |summary| Narrator::new(false).tell(&Event::Resumed { torrent: TORRENT, summary });
        assert_eq!(resumed(ResumeSummary::default()), None);
        let summary = ResumeSummary { trusted: 7, hashed: 1, have: 8, journal_rejected: false };
        assert!(resumed(summary).unwrap().starts_with("8 pieces already here"));
    }
}
