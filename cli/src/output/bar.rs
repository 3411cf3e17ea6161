//! A progress bar on a terminal, with the sentences above it.

use super::Subject;
use super::lines::{headline, status_line};
use super::narrate::Narrator;
use super::pace::Pace;
use crate::console;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use peerless_core::escape::escape;
use peerless_core::{Event, Phase, TorrentStatus, Why};
use std::time::Duration;

/// The bar counts in thousandths.
const FULL: u64 = 1_000;

/// A progress bar.
#[derive(Debug)]
pub(crate) struct Bar {
    narrator: Narrator,
    pace: Pace,
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(FULL), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("[{bar:12}] {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        Self { narrator: Narrator::new(verbose), pace: Pace::new(), bar }
    }

    pub(super) const fn verbose(&self) -> bool {
        self.narrator.verbose
    }

    pub(super) fn begin(&mut self, subject: &Subject) {
        self.narrator.begin(subject.command);
        self.say(&headline(subject));
    }

    pub(super) fn event(&mut self, event: &Event) {
        if let Some(sentence) = self.narrator.tell(event) {
            self.say(&sentence);
        }
    }

    pub(super) fn progress(&mut self, now: Duration, status: &TorrentStatus) {
        self.pace.update(now, status);
        let line = status_line(now, &self.pace, status);
        let (part, whole) = match (status.phase, status.why.first()) {
            (Phase::Checking, Some(Why::Checking { done, total })) => (u64::from(*done), u64::from(*total)),
            _ => (status.bytes_progress.min(status.bytes_total), status.bytes_total),
        };
        let share = u128::from(part) * u128::from(FULL) / u128::from(whole.max(1));
        self.bar.set_position(u64::try_from(share).unwrap_or(FULL));
        self.bar.set_message(escape(&line).to_string());
        self.bar.tick();
    }

    pub(super) fn say(&self, sentence: &str) {
        self.bar.println(escape(sentence).to_string());
    }

    pub(super) fn end(&self, sentence: Option<&str>) {
        self.bar.finish_and_clear();
        sentence.into_iter().for_each(console::person);
    }
}
