//! Peers that the user named by the name of a host: looked up, and again for as long as that fails.

use super::{Job, Torrent};
use crate::context::Context;
use crate::event::Event;
use crate::input::ResolveError;
use crate::peer_list::Source;
use crate::time::{Duration, Instant};
use crate::timers::TorrentTimer;
use crate::why::Why;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// Time from a lookup that failed to the next; doubles each time in a row.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest time between two lookups.
const MAX_RETRY: Duration = Duration::from_secs(300);

/// A host that the user named.
#[derive(Clone, Debug)]
pub(super) struct NamedPeer {
    host: Box<str>,
    port: u16,
    /// Lookups that failed, all in a row.
    failures: u32,
    state: Lookup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    UnderWay,
    FailedUntil(Instant),
    Done,
}

impl Torrent {
    /// The user named a peer by its host's name.
    pub(super) fn look_up(&mut self, cx: &mut Context, host: Box<str>, port: u16) {
        let job = Job::PeerHost(self.named.len());
        cx.resolve(self.id, host.clone(), job);
        self.named.push(NamedPeer { host, port, failures: 0, state: Lookup::UnderWay });
    }

    /// A [`Job::PeerHost`] has come to its end.
    pub(super) fn peer_resolved(
        &mut self,
        cx: &mut Context,
        which: usize,
        result: Result<Vec<IpAddr>, ResolveError>,
    ) {
        let Some(peer) = self.named.get_mut(which) else { return };
        let found =
            result.and_then(|found| if found.is_empty() { Err(ResolveError::NotFound) } else { Ok(found) });
        match found {
            Ok(found) => {
                peer.state = Lookup::Done;
                for ip in found {
                    self.list.add(cx.now, SocketAddr::new(ip, peer.port), Source::User);
                }
                self.dial(cx);
            }
            Err(error) => {
                peer.failures = peer.failures.saturating_add(1);
                let retry = FIRST_RETRY.saturating_mul(1 << (peer.failures - 1).min(16)).min(MAX_RETRY);
                peer.state = Lookup::FailedUntil(cx.now + retry);
                let (torrent, host, port) = (self.id, peer.host.clone(), peer.port);
                cx.out.tell(Event::PeerLookupFailed { torrent, host, port, error, retry });
                cx.timers.no_later_than(self.key(TorrentTimer::Lookup), cx.now + retry);
            }
        }
    }

    /// It is time to look a host up again.
    pub(super) fn look_up_again(&mut self, cx: &mut Context) {
        if !self.is_networking() {
            return;
        }
        for (which, peer) in self.named.iter_mut().enumerate() {
            if matches!(peer.state, Lookup::FailedUntil(at) if at <= cx.now) {
                peer.state = Lookup::UnderWay;
                cx.resolve(self.id, peer.host.clone(), Job::PeerHost(which));
            }
        }
        if let Some(next) = self.next_lookup() {
            self.set_timer(cx, TorrentTimer::Lookup, next);
        }
    }

    /// Why there is still no peer of those that the user named.
    pub(super) fn why_no_named_peer(&self, now: Instant) -> Option<Why> {
        let count = |state: fn(&Lookup) -> bool| {
            u32::try_from(self.named.iter().filter(|peer| state(&peer.state)).count()).unwrap_or(u32::MAX)
        };
        let asked = count(|state| *state == Lookup::UnderWay);
        if asked > 0 {
            return Some(Why::LookingUp { hosts: asked });
        }
        let retry = self.next_lookup()?.since(now);
        Some(Why::LookupsFail { hosts: count(|state| *state != Lookup::Done), retry })
    }

    fn next_lookup(&self) -> Option<Instant> {
        let failed = |peer: &NamedPeer| match peer.state {
            Lookup::FailedUntil(at) => Some(at),
            Lookup::UnderWay | Lookup::Done => None,
        };
        self.named.iter().filter_map(failed).min()
    }
}
