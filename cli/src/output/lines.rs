//! Plain lines on standard error: for logs, pipes and terminals without cursor. No escape codes.

use super::Subject;
use super::narrate::Narrator;
use super::pace::Pace;
use crate::console;
use crate::text;
use peerless_core::{Event, Phase, TorrentStatus};
use std::time::Duration;

/// Lines of progress are not closer than this.
const INTERVAL: Duration = Duration::from_secs(5);

/// Plain lines.
#[derive(Debug)]
pub(crate) struct Lines {
    narrator: Narrator,
    pace: Pace,
    /// The last line of progress and when it was written.
    last: (Duration, String),
}

impl Lines {
    pub(super) const fn new(verbose: bool) -> Self {
        let pace = Pace::new();
        Self { narrator: Narrator::new(verbose), pace, last: (Duration::ZERO, String::new()) }
    }

    pub(super) const fn verbose(&self) -> bool {
        self.narrator.verbose
    }

    pub(super) fn begin(&mut self, subject: &Subject) {
        self.narrator.begin(subject.command);
        say(&headline(subject));
    }

    pub(super) fn event(&mut self, event: &Event) {
        if let Some(sentence) = self.narrator.tell(event) {
            say(&sentence);
        }
    }

    pub(super) fn progress(&mut self, now: Duration, status: &TorrentStatus) {
        self.pace.update(now, status);
        if now < self.last.0 + INTERVAL {
            return;
        }
        let line = status_line(now, &self.pace, status);
        if !line.is_empty() && line != self.last.1 {
            say(&line);
            self.last = (now, line);
        }
    }
}

/// Writes a line.
pub(super) fn say(sentence: &str) {
    console::person(sentence);
}

/// What a session is about.
pub(super) fn headline(subject: &Subject) -> String {
    let (name, size) = (&subject.name, text::bytes(subject.total));
    match subject.command {
        "seed" => format!("{name} ({size}): seeding {}", subject.target),
        "verify" => format!("{name} ({size}): verifying {}", subject.target),
        _ => format!("{name} ({size}) -> {}", subject.target),
    }
}

/// How things stand, in one line; empty where there is nothing to say.
pub(super) fn status_line(now: Duration, pace: &Pace, status: &TorrentStatus) -> String {
    let peers = text::count(status.peers.into(), "peer");
    let why = pace.why(now, status);
    match status.phase {
        Phase::Downloading => {
            let (done, total) = (status.bytes_progress.min(status.bytes_total), status.bytes_total);
            let (share, whole) = (text::percent(done, total), text::bytes(total));
            // Nothing comes: the reason is what matters, and a terminal is not wide.
            if let Some(why) = why {
                return format!("{share} of {whole}: {why}");
            }
            let rate = text::rate(status.down_rate);
            let mut line = format!("{} of {whole} ({share}), {rate}, {peers}", text::bytes(done));
            if let Some(eta) = pace.eta(status) {
                line += &format!(", {} left", text::time(eta));
            }
            if status.up_rate > 0 {
                line += &format!(", up {}", text::rate(status.up_rate));
            }
            line
        }
        Phase::Seeding => format!(
            "seeding: {} given (ratio {}), {}, {peers}",
            text::bytes(status.uploaded),
            text::ratio(status.uploaded, status.bytes_total),
            text::rate(status.up_rate),
        ),
        Phase::Checking => why.map_or_else(String::new, ToString::to_string),
        Phase::Finishing | Phase::Stopping | Phase::Stopped => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pace::tests::status;
    use super::*;

    #[test]
    fn a_download_line_says_how_much_how_fast_and_why_not() {
        let mut pace = Pace::new();
        let mut status = status();
        pace.update(Duration::ZERO, &status);
        let line = status_line(Duration::from_secs(1), &pace, &status);
        assert_eq!(line, "500 B of 1000 B (50.0%), 0 B/s, 1 peer");
        let line = status_line(Duration::from_secs(10), &pace, &status);
        assert_eq!(line, "50.0% of 1000 B: no peer is known; name one with --peer HOST:PORT");
        status.down_rate = 50;
        status.downloaded += 1;
        pace.update(Duration::from_secs(11), &status);
        let line = status_line(Duration::from_secs(12), &pace, &status);
        assert_eq!(line, "500 B of 1000 B (50.0%), 50 B/s, 1 peer, 10s left");
    }

    #[test]
    fn a_seed_line_says_what_was_given() {
        let mut status = status();
        status.phase = Phase::Seeding;
        status.uploaded = 1_250;
        let line = status_line(Duration::ZERO, &Pace::new(), &status);
        assert_eq!(line, "seeding: 1.2 KiB given (ratio 1.25), 0 B/s, 1 peer");
    }
}
