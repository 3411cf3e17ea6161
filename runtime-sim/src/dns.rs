//! The names that hosts can look up: what they stand for, how long that takes, and what goes wrong.

use peerless_core::{Duration, ResolveError};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A lookup takes this, unless the name is a slow one.
const LOOKUP: Duration = Duration::from_millis(20);

/// See the module. A name that was never set does not exist.
#[derive(Debug, Default)]
pub struct Dns {
    names: BTreeMap<String, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    addrs: Vec<IpAddr>,
    delay: Option<Duration>,
    error: Option<ResolveError>,
}

impl Dns {
    /// From now on this name stands for these addresses, best first.
    pub fn set(&mut self, name: impl Into<String>, addrs: impl IntoIterator<Item = IpAddr>) {
        self.entry(name).addrs = addrs.into_iter().collect();
    }

    /// From now on lookups of this name fail so; `None`: they work again.
    pub fn set_error(&mut self, name: impl Into<String>, error: Option<ResolveError>) {
        self.entry(name).error = error;
    }

    /// From now on lookups of this name take so long, whether they succeed or fail.
    pub fn set_delay(&mut self, name: impl Into<String>, delay: Duration) {
        self.entry(name).delay = Some(delay);
    }

    fn entry(&mut self, name: impl Into<String>) -> &mut Entry {
        self.names.entry(name.into()).or_default()
    }

    /// What comes of a lookup, and after how long. Only addresses of families are given that the host has, unless
    /// there are no others.
    pub(crate) fn look_up(
        &self,
        name: &str,
        own: &[IpAddr],
    ) -> (Duration, Result<Vec<IpAddr>, ResolveError>) {
        let Some(entry) = self.names.get(name) else { return (LOOKUP, Err(ResolveError::NotFound)) };
        let of_use = |addr: &&IpAddr| own.iter().any(|own| own.is_ipv4() == addr.is_ipv4());
        let mut addrs: Vec<IpAddr> = entry.addrs.iter().filter(of_use).copied().collect();
        if addrs.is_empty() {
            addrs.clone_from(&entry.addrs);
        }
        let result = match &entry.error {
            Some(error) => Err(error.clone()),
            None if addrs.is_empty() => Err(ResolveError::NotFound),
            None => Ok(addrs),
        };
        (entry.delay.unwrap_or(LOOKUP), result)
    }
}
