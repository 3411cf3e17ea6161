//! What a person or a script sees while a session runs: a bar, plain lines, JSON, or nothing.

mod bar;
mod json;
mod lines;
mod meter;
mod narrate;
mod pace;

use crate::args;
use bar::Bar;
use json::Json;
use lines::Lines;
pub(crate) use meter::Meter;
use peerless_core::{Event, TorrentStatus};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

const DEAF: &str = "no port could be opened: peers cannot connect to us, but we still connect to them";

/// What the session is about, told once at its beginning.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The command: "get", "seed", "verify".
    pub(crate) command: &'static str,
    /// The torrent's name.
    pub(crate) name: String,
    /// The torrent's identity.
    pub(crate) info_hash: String,
    /// Bytes of the torrent.
    pub(crate) total: u64,
    /// Where the data stands, or is to stand.
    pub(crate) target: String,
}

/// One of the forms of output.
pub(crate) enum View {
    /// A progress bar on a terminal.
    Bar(Bar),
    /// Plain lines, for logs and pipes.
    Lines(Lines),
    /// JSON on standard output.
    Json(Json),
    /// Errors only, which are told elsewhere.
    Quiet,
}

impl View {
    /// The form that fits the options and the terminal.
    pub(crate) fn new(options: args::Output) -> Self {
        if options.quiet {
            Self::Quiet
        } else if options.json {
            Self::Json(Json::new(options.verbose))
        } else if has_cursor() {
            Self::Bar(Bar::new(options.verbose))
        } else {
            Self::Lines(Lines::new(options.verbose))
        }
    }

    /// How often [`progress`](Self::progress) is worth calling.
    pub(crate) const fn tick(&self) -> Duration {
        match self {
            Self::Bar(_) => Duration::from_millis(250),
            _ => Duration::from_secs(1),
        }
    }

    /// The session begins.
    pub(crate) fn begin(&mut self, subject: &Subject) {
        match self {
            Self::Bar(bar) => bar.begin(subject),
            Self::Lines(lines) => lines.begin(subject),
            Self::Json(json) => json.begin(subject),
            Self::Quiet => {}
        }
    }

    /// Where peers can reach us. `asked`: the port that the user named.
    pub(crate) fn listening(&self, addrs: &[SocketAddr], asked: Option<u16>) {
        let list = || addrs.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self {
            _ if addrs.is_empty() => self.note(DEAF),
            Self::Json(_) => json::listening(&list()),
            Self::Bar(bar) if bar.verbose() => bar.say(&format!("listening on {}", list().join(", "))),
            Self::Lines(lines) if lines.verbose() => {
                lines::say(&format!("listening on {}", list().join(", ")));
            }
            _ => {}
        }
        if let Some(sentence) = elsewhere(addrs, asked).filter(|_| !matches!(self, Self::Json(_))) {
            self.note(&sentence);
        }
    }

    /// Something happened.
    pub(crate) fn event(&mut self, event: &Event) {
        match self {
            Self::Bar(bar) => bar.event(event),
            Self::Lines(lines) => lines.event(event),
            Self::Json(json) => json.event(event),
            Self::Quiet => {}
        }
    }

    /// How things stand, `now` after the beginning.
    pub(crate) fn progress(&mut self, now: Duration, status: &TorrentStatus) {
        match self {
            Self::Bar(bar) => bar.progress(now, status),
            Self::Lines(lines) => lines.progress(now, status),
            Self::Json(json) => json.progress(now, status),
            Self::Quiet => {}
        }
    }

    /// A sentence about something else than the torrent.
    pub(crate) fn note(&self, sentence: &str) {
        match self {
            Self::Bar(bar) => bar.say(sentence),
            Self::Lines(_) => lines::say(sentence),
            Self::Json(_) => json::note(sentence),
            Self::Quiet => {}
        }
    }

    /// The session is over; `sentence` sums up a success.
    pub(crate) fn end(&self, sentence: Option<&str>) {
        match self {
            Self::Bar(bar) => bar.end(sentence),
            Self::Lines(_) => sentence.into_iter().for_each(lines::say),
            Self::Json(_) | Self::Quiet => {}
        }
    }
}

/// That we do not listen where we were told to: whoever opened that port in a router has to know.
fn elsewhere(addrs: &[SocketAddr], asked: Option<u16>) -> Option<String> {
    let asked = asked.filter(|port| *port != 0)?;
    let port = addrs.first()?.port();
    let there = addrs.iter().any(|addr| addr.port() == asked);
    (!there).then(|| format!("port {asked} is taken or not allowed; listening on port {port} instead"))
}

/// Whether standard error is a terminal that can redraw a line.
fn has_cursor() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
