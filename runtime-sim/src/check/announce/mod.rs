//! The strict reader of what an engine says to HTTP trackers: every byte, against RFC 9112 and BEP 3, 7, 23
//! and 31. Here is one connection to a tracker; which tracker that is, is in [`place`], and what it may be told, and
//! when, in [`told`].

mod answer;
mod breach;
mod place;
mod request;
mod tally;
#[cfg(test)]
mod tests;
mod told;

pub use breach::AnnounceBreach;
pub(super) use tally::{Counts, Tally};

use super::breach::Breach;
use super::proof::Known;
use super::wire::Around;
use peerless_core::{Duration, Instant};
use place::{Place, check_place, find};
use request::{Event, Params};
use std::net::SocketAddr;
use told::Told;
use url::Url;

/// No more peers than this are asked for.
const MOST_WANTED: u32 = 200;

/// What is known of a connection that the engine opens, before it says a word.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) remote: SocketAddr,
    /// With which input.
    pub(super) serial: u64,
    /// What each torrent had sent, got and verified by then.
    pub(super) counts: Vec<Counts>,
}

/// What an engine has told trackers of one torrent.
#[derive(Debug, Default)]
pub(super) struct Announced {
    /// From the first announce on.
    trackers: Vec<Told>,
    key: Option<u32>,
    /// What was left when it was announced first.
    began_with: Option<u64>,
}

/// A connection to a tracker.
#[derive(Debug)]
pub(super) struct Asking {
    dialled: Dialled,
    request: request::Reader,
    answer: answer::Reader,
    /// The torrent and the tracker, and the URL that was asked for.
    asked: Option<(usize, usize, Url)>,
    pub(super) ignored: bool,
}

/// An announce came before the tracker's interval was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Early {
    pub(super) torrent: usize,
    pub(super) by: Duration,
}

impl Asking {
    pub(super) fn new(dialled: Dialled) -> Self {
        let (request, answer) = Default::default();
        Self { dialled, request, answer, asked: None, ignored: false }
    }

    /// The engine sends bytes.
    pub(super) fn sent(&mut self, around: &mut Around<'_>, data: &[u8]) -> Result<Option<Early>, Breach> {
        let Some(request) = (if self.ignored { None } else { self.request.next(data)? }) else {
            return Ok(None);
        };
        let (place, params) = find(around, &request, self.dialled.serial)?;
        let Place { torrent, tracker, .. } = place;
        let known = &mut around.torrents[torrent];
        let told = &mut known.announced.trackers[tracker];
        let clock = around.at.clock;
        let url = if place.again { told.redirect.clone() } else { None }.unwrap_or_else(|| told.url.clone());
        check_place(&url, &request, self.dialled.remote)?;
        self.asked = Some((torrent, tracker, url));
        if place.again {
            return Ok(told.go_on(clock).map(|()| None)?);
        }
        let Some(params) = params else { return Ok(None) };
        let by = told.tell(clock, &params)?;
        self.check_counts(around, torrent, tracker, &params)?;
        check_torrent(&mut around.torrents[torrent].announced, &params)?;
        check_host(around, &params)?;
        Ok((by > Duration::ZERO).then_some(Early { torrent, by }))
    }

    /// The engine reads bytes.
    pub(super) fn received(&mut self, data: &[u8]) {
        self.answer.push(data);
    }

    /// The connection is closed, by the tracker or the engine.
    pub(super) fn ended(self, clock: Instant, serial: u64, torrents: &mut [Known], by_tracker: bool) {
        let Some((torrent, tracker, url)) = self.asked else { return };
        let known = torrents.get_mut(torrent);
        if let Some(told) = known.and_then(|known| known.announced.trackers.get_mut(tracker)) {
            told.answered(clock, serial, &url, self.answer.end(by_tracker));
        }
    }

    /// The numbers are those of what went over the wires and stands on the disk.
    fn check_counts(
        &self,
        around: &mut Around<'_>,
        torrent: usize,
        tracker: usize,
        params: &Params,
    ) -> Result<(), AnnounceBreach> {
        let known = &mut around.torrents[torrent];
        let Some(then) = self.dialled.counts.get(torrent).filter(|_| !known.tally.blind) else {
            return Ok(());
        };
        // An announce is written before the tracker's name is looked up, and then nobody knows when.
        let at_once = known.announced.trackers[tracker].url.domain().is_none();
        let from = |least| if at_once { least } else { 0 };
        let total = known.geometry.total();
        let lost = known.tally.losses != then.losses;
        let most_left = if at_once && !lost { total - then.verified } else { total };
        let least_left = total - known.proved_bytes(around.disk, around.at.now);
        for (what, told, least, most) in [
            ("uploaded", params.uploaded, from(then.up), then.up),
            ("downloaded", params.downloaded, from(then.least_down), then.most_down),
            ("left", params.left, least_left, most_left),
        ] {
            if !(least..=most).contains(&told) {
                return Err(AnnounceBreach::Count { what, told, least, most });
            }
        }
        Ok(())
    }
}

/// What has to be the same in all announces of a torrent.
fn check_torrent(announced: &mut Announced, params: &Params) -> Result<(), AnnounceBreach> {
    if *announced.key.get_or_insert(params.key) != params.key {
        return Err(AnnounceBreach::Key);
    }
    let began_with = *announced.began_with.get_or_insert(params.left);
    if params.event == Event::Completed && began_with == 0 {
        return Err(AnnounceBreach::CompletedFromStart);
    }
    let most = if params.event == Event::Stopped { 0 } else { MOST_WANTED };
    if params.numwant > most { Err(AnnounceBreach::Numwant(params.numwant)) } else { Ok(()) }
}

/// What has to be the same in all that the engine says.
fn check_host(around: &mut Around<'_>, params: &Params) -> Result<(), AnnounceBreach> {
    if *around.me.peer_id.get_or_insert(params.peer_id) != params.peer_id {
        return Err(AnnounceBreach::PeerId);
    }
    let (told, port) = (params.port, around.me.port);
    if told == port { Ok(()) } else { Err(AnnounceBreach::Port { told, port }) }
}
