//! What one tracker was told of a torrent and has answered, and the rules of what it may be told next.

use super::AnnounceBreach as Breach;
use super::answer::{Answer, Retry};
use super::request::{Event, Params};
use peerless_core::{Duration, Instant};
use url::Url;

/// No tracker is announced to sooner than this, but to say that the torrent is complete or stops.
const LEAST_WAIT: Duration = Duration::from_secs(15);
/// Where a tracker gives no minimum interval and more peers are needed.
const EARLY: Duration = Duration::from_secs(2 * 60);
/// Nobody has to keep away for longer, whatever the tracker says.
const MOST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// The time that one announce may take, redirects and further addresses included.
const ANNOUNCE_TIME: Duration = Duration::from_secs(30);
/// Redirects that one announce follows.
const MOST_REDIRECTS: u32 = 5;
/// Requests that one announce makes: to each host that it is redirected to, four addresses.
const MOST_REQUESTS: u32 = 24;

/// See the module.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) url: Url,
    /// Where it has sent the announce that is under way.
    pub(super) redirect: Option<Url>,
    /// There is a connection on which it is being asked.
    asking: bool,
    last: Option<Last>,
    /// It has taken in that the torrent started, and that it is complete.
    started: Knows,
    completed: Knows,
    stopped: bool,
    /// It has refused, and wants to hear nothing until then; or for ever.
    refused: Option<Instant>,
    never: bool,
    /// When its interval is over, and when it may be asked for more peers.
    regular: Instant,
    early: Instant,
    tracker_id: Option<Vec<u8>>,
}

/// The last announce.
#[derive(Debug)]
struct Last {
    params: Params,
    at: Instant,
    /// When its first request was sent.
    began: Instant,
    requests: u32,
    redirects: u32,
    /// With which input the connection of the last request was closed.
    closed_in: u64,
    /// The address that was asked last said nothing.
    unheard: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    No,
    /// It answered something of which nobody can say whether it is to be understood.
    Perhaps,
    Yes,
}

impl Told {
    pub(super) const fn new(url: Url) -> Self {
        Self {
            url,
            redirect: None,
            asking: false,
            last: None,
            started: Knows::No,
            completed: Knows::No,
            stopped: false,
            refused: None,
            never: false,
            regular: Instant::ZERO,
            early: Instant::ZERO,
            tracker_id: None,
        }
    }

    /// Whether a request on a connection that was opened with this input can belong to the announce before, which was
    /// redirected, or goes to another address of the host. `None`: it is known to tell the same.
    pub(super) fn goes_on(&self, clock: Instant, opened_in: u64, params: Option<&Params>) -> bool {
        let Some(last) = &self.last else { return false };
        let same = params.is_none_or(|params| last.params == *params);
        let in_time = clock.since(last.began) <= ANNOUNCE_TIME && last.requests < MOST_REQUESTS;
        // A name has to be looked up, and may have addresses that cannot be reached.
        let at_once = |url: &Url| url.domain().is_some() || opened_in == last.closed_in;
        let goes_on = match &self.redirect {
            Some(to) => at_once(to) && last.redirects < MOST_REDIRECTS,
            None => self.url.domain().is_some() && last.unheard,
        };
        goes_on && same && in_time
    }

    /// It is asked once more, with the same announce.
    pub(super) fn go_on(&mut self, clock: Instant) -> Result<(), Breach> {
        let redirects = u32::from(self.redirect.take().is_some());
        if let Some(last) = &mut self.last {
            last.requests += 1;
            last.redirects += redirects;
            last.at = clock;
        }
        self.ask()
    }

    const fn ask(&mut self) -> Result<(), Breach> {
        if std::mem::replace(&mut self.asking, true) { Err(Breach::TwoAtOnce) } else { Ok(()) }
    }

    /// It is told this. Gives how long before the interval is over, which is right where peers are needed; and whether
    /// it may be told this, as far as it depends on what it was told and has said before.
    pub(super) fn tell(&mut self, clock: Instant, params: &Params) -> Result<Duration, Breach> {
        self.ask()?;
        self.redirect = None;
        if self.never {
            return Err(Breach::AfterNever);
        }
        if self.stopped {
            return Err(Breach::AfterStopped);
        }
        self.check_event(params)?;
        let early = self.check_time(clock, params)?;
        self.check_numbers(params)?;
        if params.tracker_id != self.tracker_id {
            return Err(Breach::TrackerId);
        }
        self.stopped = params.event == Event::Stopped;
        let params = params.clone();
        self.last = Some(Last {
            params,
            at: clock,
            began: clock,
            requests: 1,
            redirects: 0,
            closed_in: 0,
            unheard: false,
        });
        Ok(early)
    }

    fn check_event(&self, params: &Params) -> Result<(), Breach> {
        match params.event {
            Event::Started if self.started == Knows::Yes => Err(Breach::StartedTwice),
            Event::Started => Ok(()),
            _ if self.started == Knows::No => Err(Breach::NotStarted),
            Event::Completed if params.left > 0 => Err(Breach::CompletedEarly(params.left)),
            Event::Completed if self.completed == Knows::Yes => Err(Breach::CompletedTwice),
            _ => Ok(()),
        }
    }

    fn check_time(&self, clock: Instant, params: &Params) -> Result<Duration, Breach> {
        let Some(last) = &self.last else { return Ok(Duration::ZERO) };
        let stops = params.event == Event::Stopped || params.event == Event::Completed && params.numwant == 0;
        if stops {
            return Ok(Duration::ZERO);
        }
        let wait = last.at + LEAST_WAIT;
        let earliest = match params.event {
            Event::Completed if last.params.event != Event::Completed => last.at,
            Event::Completed | Event::Started => wait,
            Event::Regular | Event::Stopped => wait.max(self.early),
        };
        let earliest = self.refused.map_or(earliest, |until| until.max(earliest));
        if clock < earliest {
            return Err(Breach::TooSoon { ago: clock.since(last.at), least: earliest.since(last.at) });
        }
        let regular = params.event == Event::Regular;
        Ok(if regular { self.regular.since(clock) } else { Duration::ZERO })
    }

    fn check_numbers(&self, params: &Params) -> Result<(), Breach> {
        let Some(Last { params: before, .. }) = &self.last else { return Ok(()) };
        for (what, told, before) in [
            ("uploaded", params.uploaded, before.uploaded),
            ("downloaded", params.downloaded, before.downloaded),
        ] {
            if told < before {
                return Err(Breach::Fell { what, told, before });
            }
        }
        Ok(())
    }

    /// The connection on which it was asked is closed with this input: this is what it has answered.
    pub(super) fn answered(&mut self, clock: Instant, serial: u64, from: &Url, answer: Answer) {
        self.asking = false;
        let Some(last) = self.last.as_mut() else { return };
        last.closed_in = serial;
        last.unheard = answer == Answer::Nothing;
        (self.regular, self.early, self.refused) = (clock, clock, None);
        let known = match last.params.event {
            Event::Started => Some(&mut self.started),
            Event::Completed => Some(&mut self.completed),
            Event::Regular | Event::Stopped => None,
        };
        match answer {
            Answer::Taken { interval, min_interval, tracker_id } => {
                let interval = interval.max(min_interval.unwrap_or_default()).min(MOST_WAIT);
                let early = min_interval.unwrap_or_else(|| interval.min(EARLY)).min(MOST_WAIT);
                (self.regular, self.early) = (clock + interval, clock + early);
                self.tracker_id = tracker_id.or_else(|| self.tracker_id.take());
                if let Some(known) = known {
                    *known = Knows::Yes;
                }
            }
            Answer::Unclear => {
                if let Some(known @ Knows::No) = known {
                    *known = Knows::Perhaps;
                }
            }
            Answer::Refused(Retry::Never) => self.never = true,
            Answer::Refused(Retry::After(wait)) => self.refused = Some(clock + wait.min(MOST_WAIT)),
            Answer::Redirect(to) => self.redirect = from.join(&to).ok(),
            Answer::Refused(Retry::Unsaid) | Answer::Nothing | Answer::Useless => {}
        }
    }
}
