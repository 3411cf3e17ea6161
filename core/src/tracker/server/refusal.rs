//! Why a tracker does not do what it is asked for.

/// Why an announce or a scrape is refused. Its text is what the client is told (`failure reason`, BEP 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A parameter that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter is no number, or is too large.
    #[error("{0} is not a number")]
    NoNumber(&'static str),
    /// Nobody can listen on this port.
    #[error("port must be 1 to 65535")]
    Port,
    /// An id of this length.
    #[error("{name} has {len} bytes instead of 20")]
    IdLength {
        /// Which parameter.
        name: &'static str,
        /// Bytes that it has.
        len: usize,
    },
    /// The query is not percent-encoded.
    #[error("a % without two hexadecimal digits")]
    Escape,
    /// More parameters than anyone needs.
    #[error("too many parameters")]
    TooManyParameters,
    /// A scrape of more torrents than one may ask for.
    #[error("more than {0} torrents in one scrape")]
    TooManyScraped(usize),
    /// The tracker takes no more torrents.
    #[error("this tracker is full: too many torrents")]
    FullOfTorrents,
    /// The tracker or the swarm takes no more peers.
    #[error("this tracker is full: too many peers")]
    FullOfPeers,
}
