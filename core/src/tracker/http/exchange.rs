//! One announce as a state machine: resolve, connect, ask, follow redirects, answer.

use super::{answer, query};
use crate::http::{HttpError, Response, ResponseParser};
use crate::input::{NetError, ResolveError};
use crate::limits::{CONNECT_TIMEOUT, MAX_REDIRECTS, MAX_TRACKER_ADDRESSES};
use crate::time::Instant;
use crate::tracker::{AnnounceParams, AnnounceResponse, TrackerError, UrlError, announce_url, reach};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use url::{Host, Url};

/// What the exchange needs done next, in this order. It uses at most one connection at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look up a name, in ASCII. Answered by [`Exchange::resolved`].
    Resolve {
        /// The name.
        host: Box<str>,
    },
    /// Open a connection. Answered by [`Exchange::connected`] or [`Exchange::connect_failed`].
    Connect {
        /// Where to.
        remote: SocketAddr,
        /// With TLS: the name (or the address, without brackets) that the certificate has to bear.
        tls: Option<Box<str>>,
    },
    /// Send this on the connection.
    Send(Bytes),
    /// Close the connection, or give up opening it. What it says from now on must not be passed on.
    Disconnect,
    /// It is over. No connection is open; a lookup may still be on its way.
    Done(Result<AnnounceResponse, TrackerError>),
}

/// One announce to one HTTP tracker.
///
/// Inputs that do not fit the state (a late answer, a time-out that is not due) are ignored. After any input,
/// [`poll`](Self::poll) until it gives `None`.
///
/// A redirect is followed where it leads to `http` or `https`, but never from the public internet into a
/// private network; and nothing of this machine is asked for but a path that begins with `/announce`: neither a
/// torrent nor a tracker must make us ask our own router or our own services. Both are checked on the
/// addresses that will be dialled.
#[derive(Debug)]
pub struct Exchange {
    url: Url,
    params: AnnounceParams,
    timeout: Duration,
    deadline: Instant,
    redirects: u32,
    /// Whether the tracker, or one that redirected, was reached over the public internet.
    from_global: bool,
    state: State,
    /// Addresses of the host not yet tried.
    addresses: VecDeque<SocketAddr>,
    steps: VecDeque<Step>,
}

#[derive(Debug)]
enum State {
    Resolving,
    Connecting { remote: SocketAddr, until: Instant },
    Receiving { remote: SocketAddr, parser: ResponseParser, silent: bool },
    Done,
}

impl Exchange {
    /// Begins an announce to the tracker at `url` that takes no longer than `timeout`, redirects included.
    ///
    /// # Errors
    /// [`TrackerError::Url`] where the URL is none that we can use.
    pub fn new(
        now: Instant,
        url: &str,
        params: AnnounceParams,
        timeout: Duration,
    ) -> Result<Self, TrackerError> {
        let mut exchange = Self {
            url: announce_url::parse(url)?,
            params,
            timeout,
            deadline: now + timeout,
            redirects: 0,
            from_global: false,
            state: State::Resolving,
            addresses: VecDeque::new(),
            steps: VecDeque::new(),
        };
        exchange.find_host(now);
        Ok(exchange)
    }

    /// The next thing to do; `None` when there is nothing but to wait, and for ever after [`Step::Done`].
    pub fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When to call [`timed_out`](Self::timed_out) if nothing else happens.
    pub fn deadline(&self) -> Instant {
        match self.state {
            State::Connecting { until, .. } => until.min(self.deadline),
            State::Done => Instant::FAR_FUTURE,
            State::Resolving | State::Receiving { .. } => self.deadline,
        }
    }

    /// The answer to [`Step::Resolve`].
    pub fn resolved(&mut self, now: Instant, result: Result<Vec<IpAddr>, ResolveError>) {
        if !matches!(self.state, State::Resolving) {
            return;
        }
        match result {
            Ok(ips) => self.found_host(now, &ips),
            Err(error) => self.finish(Err(error.into())),
        }
    }

    /// The connection is open.
    pub fn connected(&mut self) {
        let State::Connecting { remote, .. } = self.state else { return };
        self.state = State::Receiving { remote, parser: ResponseParser::new(), silent: true };
        self.steps.push_back(Step::Send(query::encode(&self.url, &self.params)));
    }

    /// The connection could not be opened. The host's next address is tried.
    pub fn connect_failed(&mut self, now: Instant, error: NetError) {
        if matches!(self.state, State::Connecting { .. }) && !self.try_next_address(now) {
            self.finish(Err(TrackerError::Connect(error)));
        }
    }

    /// Bytes came on the connection.
    pub fn received(&mut self, now: Instant, data: &[u8]) {
        let State::Receiving { parser, silent, .. } = &mut self.state else { return };
        *silent &= data.is_empty();
        match parser.receive(data) {
            Ok(None) => {}
            Ok(Some(response)) => {
                self.steps.push_back(Step::Disconnect);
                self.answered(now, &response);
            }
            Err(error) => {
                self.steps.push_back(Step::Disconnect);
                self.unusable(error);
            }
        }
    }

    /// The connection has ended: in order, or for a reason.
    pub fn closed(&mut self, now: Instant, error: Option<NetError>) {
        let silent = match self.state {
            State::Connecting { .. } => return self.connect_failed(now, error.unwrap_or(NetError::Reset)),
            State::Receiving { silent, .. } => silent,
            State::Resolving | State::Done => return,
        };
        if silent && self.try_next_address(now) {
            return;
        }
        let State::Receiving { parser, .. } = &mut self.state else { return };
        match (parser.end(), error) {
            (Ok(response), _) => self.answered(now, &response),
            (Err(HttpError::Incomplete), Some(error @ NetError::Tls(_))) if silent => {
                self.finish(Err(TrackerError::Connect(error)));
            }
            (Err(HttpError::Incomplete), Some(error)) => self.finish(Err(TrackerError::Broken(error))),
            (Err(error), _) => self.unusable(error),
        }
    }

    /// Time has passed. Harmless before [`deadline`](Self::deadline).
    pub fn timed_out(&mut self, now: Instant) {
        if now < self.deadline() {
            return;
        }
        match &mut self.state {
            State::Done => {}
            State::Resolving => self.finish(Err(TrackerError::TimedOut(self.timeout))),
            State::Connecting { .. } => {
                self.steps.push_back(Step::Disconnect);
                if now >= self.deadline {
                    self.finish(Err(TrackerError::TimedOut(self.timeout)));
                } else {
                    self.connect_failed(now, NetError::TimedOut);
                }
            }
            State::Receiving { parser, .. } => {
                // Some servers leave the connection open behind a whole answer that gives no length.
                let answer = parser.end().ok().and_then(|r| read(&r).ok());
                self.steps.push_back(Step::Disconnect);
                self.finish(answer.ok_or(TrackerError::TimedOut(self.timeout)));
            }
        }
    }

    /// Begins with a host: looks up its name, or takes its address as it is.
    fn find_host(&mut self, now: Instant) {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => self.found_host(now, &[ip.into()]),
            Some(Host::Ipv6(ip)) => self.found_host(now, &[ip.into()]),
            Some(Host::Domain(name)) => {
                self.steps.push_back(Step::Resolve { host: name.into() });
                self.state = State::Resolving;
            }
            None => self.finish(Err(UrlError::Malformed("no host".into()).into())),
        }
    }

    fn found_host(&mut self, now: Instant, ips: &[IpAddr]) {
        let port = self.url.port_or_known_default().unwrap_or(80);
        let allowed = ips.iter().copied().filter(|ip| self.may_dial(*ip));
        let tried = in_turn(allowed).take(MAX_TRACKER_ADDRESSES);
        self.addresses = tried.map(|ip| SocketAddr::new(ip, port)).collect();
        if self.try_next_address(now) {
            return;
        }
        self.finish(Err(if ips.is_empty() { ResolveError::NotFound.into() } else { self.off_limits() }));
    }

    /// Whether an address may be dialled.
    fn may_dial(&self, ip: IpAddr) -> bool {
        let intrudes = self.from_global && !reach::is_global(ip);
        let misuses = reach::is_this_machine(ip) && !self.url.path().starts_with("/announce");
        !intrudes && !misuses
    }

    /// Dials the next address, if there is one. While others wait behind it, it gets part of the time only.
    fn try_next_address(&mut self, now: Instant) -> bool {
        let Some(remote) = self.addresses.pop_front() else { return false };
        let patience = if self.addresses.is_empty() {
            CONNECT_TIMEOUT
        } else {
            (CONNECT_TIMEOUT / 2).min(self.deadline.since(now) / 2)
        };
        let tls = (self.url.scheme() == "https").then(|| match self.url.host() {
            Some(Host::Domain(name)) => name.into(),
            _ => remote.ip().to_string().into(),
        });
        self.steps.push_back(Step::Connect { remote, tls });
        self.state = State::Connecting { remote, until: now + patience };
        true
    }

    /// A whole response is here, and the connection is gone.
    fn answered(&mut self, now: Instant, response: &Response) {
        match (&response.head.location, response.head.status) {
            (Some(location), 301 | 302 | 303 | 307 | 308) => self.redirect(now, location),
            _ => self.finish(read(response)),
        }
    }

    /// The response cannot be read. If it was an error anyway, that is what the user has to know.
    fn unusable(&mut self, error: HttpError) {
        let State::Receiving { parser, .. } = &self.state else { return };
        let error = match (parser.head(), error) {
            (Some(head), _) if head.status != 200 => answer::error_of(head.status, &head.reason, b""),
            (_, HttpError::Incomplete) => TrackerError::Incomplete,
            (_, error) => TrackerError::Http(error),
        };
        self.finish(Err(error));
    }

    fn redirect(&mut self, now: Instant, location: &str) {
        if let State::Receiving { remote, .. } = self.state {
            self.from_global |= reach::is_global(remote.ip());
        }
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            let text = format!("more than {MAX_REDIRECTS} redirects");
            return self.finish(Err(TrackerError::Redirect(text.into())));
        }
        let target = self.url.join(location).map_err(|e| UrlError::Malformed(e.to_string().into()));
        match target.and_then(announce_url::check) {
            Ok(target) => {
                self.url = target;
                self.find_host(now);
            }
            Err(error) => {
                let text = format!("redirects to where we cannot follow: {error}");
                self.finish(Err(TrackerError::Redirect(text.into())));
            }
        }
    }

    fn off_limits(&self) -> TrackerError {
        if self.redirects > 0 {
            return self.bad_redirect("which a tracker must not send us to");
        }
        let shown = announce_url::shown_url(self.url.as_str());
        let why = "a tracker on this machine is asked only where its path begins with /announce";
        TrackerError::Redirect(format!("{shown} is off limits: {why}").into())
    }

    fn bad_redirect(&self, why: &str) -> TrackerError {
        let shown = announce_url::shown_url(self.url.as_str());
        TrackerError::Redirect(format!("redirects to {shown}, {why}").into())
    }

    fn finish(&mut self, result: Result<AnnounceResponse, TrackerError>) {
        self.state = State::Done;
        self.steps.push_back(Step::Done(result));
    }
}

/// Addresses of both families in turn, beginning with that of the first: where one family leads nowhere, the
/// other is not to wait behind all of it (RFC 8305).
fn in_turn(ips: impl Iterator<Item = IpAddr>) -> impl Iterator<Item = IpAddr> {
    let mut ips = ips.peekable();
    let v6_first = ips.peek().is_some_and(IpAddr::is_ipv6);
    let (first, second): (VecDeque<_>, VecDeque<_>) = ips.partition(|ip| ip.is_ipv6() == v6_first);
    let mut families = [first, second];
    core::iter::from_fn(move || {
        families.rotate_left(1);
        families[1].pop_front().or_else(|| families[0].pop_front())
    })
}

/// What a response that is no redirect says.
fn read(response: &Response) -> Result<AnnounceResponse, TrackerError> {
    let Response { head, body } = response;
    if head.status == 200 {
        return AnnounceResponse::parse(body);
    }
    Err(answer::error_of(head.status, &head.reason, body))
}
