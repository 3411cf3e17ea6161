//! What a peer can do wrong.

use crate::units::secs;
use peerless_core::Duration;

/// Writes the enum and the list of all its kinds from one place, so that no kind is forgotten in the list.
macro_rules! misdeeds {
    ($($(#[$about:meta])* $name:ident $(($of:ty) = $usual:expr)?,)*) => {
        /// A way to break the rules, or the spirit of them. Several can be switched on at once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Misdeed {
            $($(#[$about])* $name $(($of))?,)*
        }

        impl Misdeed {
            /// One of every kind there is, with an amount that is a nuisance where it takes one.
            pub const EVERY: &'static [Self] = &[$(Self::$name $(($usual))?,)*];
        }
    };
}

misdeeds! {
    /// It takes connections and says nothing.
    SilentAccept,
    /// It sends the first half of its handshake, and then nothing.
    HalfHandshake,
    /// Its handshake is that of another protocol.
    WrongProtocol,
    /// Its handshake names another torrent.
    WrongTorrent,
    /// It sends its handshake a second time.
    SecondHandshake,
    /// Its bitfield has the wrong length.
    WrongBitfield,
    /// It says that it has everything. For what it has not it is silent when asked.
    ClaimAll,
    /// It says that it has a piece that does not exist.
    OutOfRange,
    /// It never unchokes.
    ChokeForever,
    /// It unchokes and answers no request.
    NeverServe,
    /// It unchokes and rejects every request.
    RejectAll,
    /// It chokes and unchokes in turn, each for so long.
    Flap(Duration) = secs(3),
    /// It sends no more than so many bytes a second on each connection.
    Trickle(u32) = 2_000,
    /// So many blocks in 1,000 that it sends have a wrong byte.
    Corrupt(u32) = 100,
    /// It sends so many blocks a second that nobody asked for.
    Unasked(u32) = 20,
    /// It sends half a block, and then nothing.
    StopInBlock,
    /// It breaks the connection in the middle of a block when it has sent so many bytes of blocks on it.
    CloseAfter(u64) = 50_000,
    /// It shuts its half of the connection behind the first block that it sends, and still takes what comes.
    HalfClose,
    /// It announces a message of 2 GiB.
    Oversize,
    /// It sends random bytes.
    Noise,
    /// It sends hundreds of useless messages a second, each of them allowed.
    Chatter,
    /// It requests hundreds of blocks a second, the same again and again, whether it is choked or not.
    Flood,
    /// It requests, and does not read what comes.
    NeverRead,
}

/// Between two things that are done again and again.
pub(super) const TICK: Duration = Duration::from_millis(250);

impl Misdeed {
    /// What it does is done at the beginning of a connection, and can be done at no other time.
    pub const fn greets(self) -> bool {
        matches!(
            self,
            Self::SilentAccept
                | Self::HalfHandshake
                | Self::WrongProtocol
                | Self::WrongTorrent
                | Self::WrongBitfield
                | Self::ClaimAll
        )
    }

    /// Something is to be done for it again and again.
    pub(super) const fn recurs(self) -> bool {
        matches!(
            self,
            Self::Flap(_)
                | Self::Trickle(_)
                | Self::Unasked(_)
                | Self::Chatter
                | Self::Flood
                | Self::NeverRead
        )
    }
}

/// When a misdeed is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) from: Duration,
    /// For ever, where it is `None`.
    pub(super) until: Option<Duration>,
    pub(super) misdeed: Misdeed,
}
