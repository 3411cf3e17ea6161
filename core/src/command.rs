//! What the application wants of an engine, as a value: for recording a session, and for sending it elsewhere.

use crate::config::TorrentOptions;
use crate::ids::TorrentId;
use crate::metainfo::Metainfo;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::net::SocketAddr;

/// A command. Each is also a method of [`Engine`](crate::Engine), which is the way to give one at once;
/// [`Engine::command`](crate::Engine::command) does the same with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// See [`Engine::add_torrent`](crate::Engine::add_torrent).
    AddTorrent {
        /// What to download or seed.
        metainfo: Arc<Metainfo>,
        /// How.
        options: Box<TorrentOptions>,
    },
    /// See [`Engine::add_peer`](crate::Engine::add_peer).
    AddPeer {
        /// For which torrent.
        torrent: TorrentId,
        /// Where the peer listens.
        peer: SocketAddr,
    },
    /// See [`Engine::stop_torrent`](crate::Engine::stop_torrent).
    StopTorrent {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// See [`Engine::remove_torrent`](crate::Engine::remove_torrent).
    RemoveTorrent {
        /// Which torrent.
        torrent: TorrentId,
    },
    /// See [`Engine::shutdown`](crate::Engine::shutdown).
    Shutdown,
}
