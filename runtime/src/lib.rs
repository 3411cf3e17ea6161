//! What the real drivers of Peerless share, and neither should write twice: files, hashing, TLS, settings.
//!
//! A driver moves bytes and keeps time. It opens a [`Shared`], performs the [`Action`](peerless_core::Action)s
//! on sockets that [`Shared::next_action`] hands it (those on files and names are done behind it), and hands
//! in what happened. To an application every driver is a [`Session`].
//!
//! Nothing here decides: what is written, in which order, and what it means is the core's.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod clock;
mod entropy;
mod error;
mod hash;
pub mod net;
mod receive;
mod recording;
mod rlimit;
mod session;
mod settings;
mod shared;
mod store;
mod stream;
mod tls;
mod workers;

pub use clock::Clock;
pub use entropy::seed;
pub use error::SessionError;
pub use hash::{hash_lanes, hash_together};
pub use receive::{RECEIVE_BUFFER, ReceiveBuffer};
pub use recording::{RecordingState, check_recording, open_recording};
pub use rlimit::{Descriptors, Share, make_room};
pub use session::{Session, Waker};
pub use settings::{Listen, RECORD_LIMIT, Recording, Settings};
pub use shared::{MAX_SERVED, Shared};
pub use store::{Contents, Scratch, Store, StoredFile};
pub use stream::{Read, Stream};
pub use tls::{TlsClient, TlsRoots};
pub use workers::{Notify, Workers, lock};
