//! Which tracker a request is for: the URL that was asked for, among those of all torrents and where they redirect to.

use super::AnnounceBreach;
use super::request::{Params, Request};
use super::told::Told;
use crate::check::proof::Known;
use crate::check::wire::Around;
use std::net::{IpAddr, SocketAddr};
use url::{Host, Url};

/// Where an announce belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) torrent: usize,
    pub(super) tracker: usize,
    /// It is one more request of the announce before.
    pub(super) again: bool,
}

/// Finds the tracker that is asked, and reads what is ours of the query.
pub(super) fn find(
    around: &mut Around<'_>,
    request: &Request,
    opened_in: u64,
) -> Result<(Place, Option<Params>), AnnounceBreach> {
    let clock = around.at.clock;
    let mut own: Option<(usize, Place, Params)> = None;
    let (mut wrong, mut changed) = (None, false);
    for (torrent, known) in around.torrents.iter_mut().enumerate() {
        known.begin_announces();
        for (tracker, told) in known.announced.trackers.iter().enumerate() {
            let place = |again| Place { torrent, tracker, again };
            if let Some(to) = &told.redirect
                && let Some(part) = part(to, request)
            {
                let params = part.ours.map(Params::parse).transpose()?;
                if told.goes_on(clock, opened_in, params.as_ref()) {
                    return Ok((place(true), None));
                }
                changed = true;
            }
            let Some(part) = part(&told.url, request) else { continue };
            // A URL with an info hash in it is complete.
            let Some(ours) = part.ours else { return Ok((place(false), None)) };
            if own.as_ref().is_some_and(|(len, ..)| *len >= part.before) {
                continue;
            }
            match Params::parse(ours) {
                Ok(params) if params.info_hash == known.hash => {
                    let again = told.redirect.is_none() && told.goes_on(clock, opened_in, Some(&params));
                    own = Some((part.before, place(again), params));
                }
                Ok(_) => wrong = wrong.or(Some(AnnounceBreach::InfoHash)),
                Err(breach) => wrong = Some(breach),
            }
        }
    }
    match (own, wrong) {
        (Some((_, place, params)), _) => Ok((place, Some(params))),
        (None, _) if changed => Err(AnnounceBreach::RedirectChanged),
        (None, Some(breach)) => Err(breach),
        (None, None) => Err(AnnounceBreach::NotItsTracker(format!("{}{}", request.host, request.target))),
    }
}

/// How a request's target divides into the tracker's own and ours.
struct Part<'a> {
    /// Bytes of the tracker's own.
    before: usize,
    /// `None`: the URL has an info hash, and is complete.
    ours: Option<&'a str>,
}

/// `None`: it is a request for something else than this URL.
fn part<'a>(url: &Url, request: &'a Request) -> Option<Part<'a>> {
    if host(url) != request.host {
        return None;
    }
    let query = url.query().unwrap_or_default();
    let own = format!("{}?{query}", url.path());
    if query.split('&').any(|pair| pair.starts_with("info_hash=")) {
        return (own == request.target).then_some(Part { before: own.len(), ours: None });
    }
    let ours = request.target.strip_prefix(&*own)?;
    let ours = if query.is_empty() || query.ends_with('&') { ours } else { ours.strip_prefix('&')? };
    Some(Part { before: own.len(), ours: Some(ours) })
}

/// What `Host` has to say: the port only if it is not that of the scheme.
fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// The connection leads to where the URL says, with user and password if it has them.
pub(super) fn check_place(url: &Url, request: &Request, remote: SocketAddr) -> Result<(), AnnounceBreach> {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        _ => None,
    };
    if ip.is_some_and(|ip| ip != remote.ip()) || url.port_or_known_default() != Some(remote.port()) {
        return Err(AnnounceBreach::WrongAddress { to: remote, host: request.host.clone() });
    }
    let due = !url.username().is_empty() || url.password().is_some();
    let given = request.authorization.as_ref().map(|value| value.starts_with("Basic "));
    if given == due.then_some(true) { Ok(()) } else { Err(AnnounceBreach::Authorization) }
}

impl Known {
    /// Reads the URLs of its trackers, before the first announce.
    fn begin_announces(&mut self) {
        if self.announced.trackers.is_empty() {
            let urls =
                self.metainfo.trackers().iter().flatten().filter_map(|url| Url::parse(url.trim()).ok());
            self.announced.trackers = urls.map(Told::new).collect();
        }
    }
}
