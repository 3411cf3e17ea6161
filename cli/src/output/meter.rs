//! Progress of work on local files: a bar on a terminal, a line now and then elsewhere.

use crate::console;
use crate::text;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Plain lines are not closer than this.
const INTERVAL: Duration = Duration::from_secs(5);

/// Progress towards a number of bytes.
#[derive(Debug)]
pub(crate) struct Meter {
    what: &'static str,
    done: u64,
    total: u64,
    bar: Option<ProgressBar>,
    /// When the last line was written; `None`: none ever is.
    last: Option<Instant>,
}

impl Meter {
    /// A meter for `total` bytes; `what` says in one word what is done to them.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        let bar = super::has_cursor().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("[{bar:12}] {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
        });
        Self { what, done: 0, total, bar, last: Some(Instant::now()) }
    }

    /// A meter that says nothing.
    #[cfg(test)]
    pub(crate) const fn silent() -> Self {
        Self { what: "", done: 0, total: 0, bar: None, last: None }
    }

    /// So many bytes more are done.
    pub(crate) fn advance(&mut self, bytes: u64) {
        self.done += bytes;
        if let Some(bar) = &self.bar {
            bar.set_message(self.line());
            bar.set_position(self.done);
        } else if self.last.is_some_and(|last| last.elapsed() >= INTERVAL) {
            console::person(&self.line());
            self.last = Some(Instant::now());
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self) -> String {
        let (done, total) = (text::bytes(self.done), text::bytes(self.total));
        format!("{} {done} of {total} ({})", self.what, text::percent(self.done, self.total))
    }
}
