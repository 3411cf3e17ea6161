//! Every value of the engine's contract that goes in, field by field and kind by kind.
//!
//! A number that names a kind is never given to another one. Whoever adds a field or a kind is told by the
//! compiler that it is missing here; what that does to recordings made before is for the version to say.

use super::code::{Code, Out, Take};
use super::error::Fault;
use crate::command::Command;
use crate::config::{Config, Goal, PeerAddr, SeedPolicy, TorrentOptions, UploadSlots};
use crate::disk::{Allocation, DiskError, DiskErrorKind, DiskOutcome, DiskTask, FileStamp, Place, Survey};
use crate::hash::Sha1State;
use crate::ids::{ConnId, FileIndex, JobId, Sha1Hash, TorrentId};
use crate::input::{Input, NetError, ResolveError};
use crate::metainfo::Metainfo;
use crate::piece_digest::PieceDigest;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// A struct: its fields in this order.
macro_rules! code_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl Code for $name {
            fn put(&self, out: &mut Out) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }

            fn take(from: &mut Take) -> Result<Self, Fault> {
                $(let $field = Code::take(from)?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// An enum: a byte that names the kind, then its fields in this order.
macro_rules! code_enum {
    ($name:ident, $what:literal, $($tag:literal $kind:ident $({ $($field:ident),* })? $(($($inner:ident),*))?),* $(,)?) => {
        impl Code for $name {
            fn put(&self, out: &mut Out) {
                match self {
                    $(Self::$kind $({ $($field),* })? $(($($inner),*))? => {
                        out.bytes.push($tag);
                        $($($field.put(out);)*)?
                        $($($inner.put(out);)*)?
                    })*
                }
            }

            fn take(from: &mut Take) -> Result<Self, Fault> {
                Ok(match from.byte()? {
                    $($tag => {
                        $($(let $field = Code::take(from)?;)*)?
                        $($(let $inner = Code::take(from)?;)*)?
                        Self::$kind $({ $($field),* })? $(($($inner),*))?
                    })*
                    tag => return Err(Fault::Kind { of: $what, tag }),
                })
            }
        }
    };
}

/// A number in clothes.
macro_rules! code_newtype {
    ($($name:ident: $get:expr, $make:expr;)*) => {$(
        impl Code for $name {
            fn put(&self, out: &mut Out) {
                ($get)(self).put(out);
            }

            fn take(from: &mut Take) -> Result<Self, Fault> {
                Code::take(from).map($make)
            }
        }
    )*};
}

code_newtype! {
    ConnId: |id: &Self| id.get(), Self::from_number;
    JobId: |id: &Self| id.get(), Self;
    TorrentId: |id: &Self| id.0, Self;
    FileIndex: |index: &Self| index.0, Self;
    Sha1Hash: |hash: &Self| hash.0, Self;
}

code_enum!(Input, "an input",
    10 Listening { local },
    11 Connected { conn, local },
    12 ConnectFailed { conn, error },
    13 Accepted { conn, remote },
    14 AcceptFailed { error },
    15 Received { conn, data },
    16 Sent { conn, bytes },
    17 Closed { conn, error },
    18 Resolved { job, result },
    19 DiskDone { job, result },
    20 Timeout,
);

code_enum!(NetError, "a network error",
    0 Refused,
    1 TimedOut,
    2 Unreachable,
    3 Reset,
    4 NoPort,
    5 TooManyFiles,
    6 Denied,
    7 Tls(text),
    8 Other { code, text },
);

code_enum!(ResolveError, "a lookup error", 0 NotFound, 1 Failed(text));

code_enum!(Command, "a command",
    100 AddTorrent { metainfo, options },
    101 AddPeer { torrent, peer },
    102 StopTorrent { torrent },
    103 RemoveTorrent { torrent },
    104 Shutdown,
);

/// As the number that it was when it was always fixed; the greatest says that it follows the line.
impl Code for UploadSlots {
    fn put(&self, out: &mut Out) {
        match self {
            Self::FollowLine => u64::MAX.put(out),
            Self::Fixed(count) => count.put(out),
        }
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        Ok(match Code::take(from)? {
            u64::MAX => Self::FollowLine,
            count => Self::Fixed(usize::try_from(count).map_err(|_| Fault::Number)?),
        })
    }
}

code_struct!(Config {
    peer_id_prefix,
    client_name,
    max_peers,
    max_half_open,
    max_per_address,
    memory_budget,
    upload_slots,
    max_open_pieces,
    dial,
    stop_timeout,
});

code_struct!(TorrentOptions { goal, seeding, peers, timeout, stall_timeout, allocation, recheck, wait_disk });

code_enum!(Goal, "a goal", 0 Download, 1 Seed, 2 Verify);
code_enum!(SeedPolicy, "a policy of seeding", 0 Stop, 1 Forever, 2 Until { ratio_permille, time });
code_enum!(PeerAddr, "a peer's address", 0 Addr(addr), 1 Host(host, port));
code_enum!(Allocation, "an allocation", 0 Sparse, 1 Full, 2 None);
code_enum!(Place, "a place", 0 Final, 1 Part, 2 Journal, 3 JournalNew);
code_enum!(Survey, "what a survey found", 0 Absent, 1 Present(stamps), 2 WrongKind);
code_struct!(FileStamp { len, modified });
code_struct!(DiskError { action, path, kind });

code_enum!(DiskErrorKind, "a disk error",
    0 NoSpace,
    1 Denied,
    2 NotFound,
    3 Short,
    4 InTheWay,
    5 InUse,
    6 Symlink,
    7 TooLarge,
    8 TooManyFiles,
    9 Other { code, text },
    10 ReadOnly,
);

code_enum!(DiskOutcome, "what the disk did",
    0 Survey(survey),
    1 Write(state),
    2 Digest(state),
    3 Read { data, stamps },
    4 Sync(stamps),
    5 LoadJournal(data),
    6 StoreJournal,
    7 AppendJournal,
    8 FillUp,
    9 Publish,
    10 DeleteJournal,
    11 Mend { hash, stamps },
);

/// Only how far it is, and the digest of what it has taken in: the verdict.
impl Code for Sha1State {
    fn put(&self, out: &mut Out) {
        self.len().put(out);
        self.finish().put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let len = u64::take(from)?;
        Ok(Self::known(Code::take(from)?, len))
    }
}

/// Likewise, and where they were asked for, the digests of the blocks.
impl Code for PieceDigest {
    fn put(&self, out: &mut Out) {
        self.whole().put(out);
        self.wants_blocks().then(|| self.clone().into_blocks()).put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let whole = Sha1State::take(from)?;
        let blocks: Option<Vec<Sha1Hash>> = Code::take(from)?;
        Ok(match blocks {
            None => whole.into(),
            Some(blocks) => Self::known(whole, blocks),
        })
    }
}

/// The .torrent file, which is read again.
impl Code for Arc<Metainfo> {
    fn put(&self, out: &mut Out) {
        self.file().put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        let file = Bytes::take(from)?;
        Metainfo::parse(&file).map(Self::new).map_err(Fault::Torrent)
    }
}

/// The verbs of [`DiskError`], by number.
impl Code for &'static str {
    fn put(&self, out: &mut Out) {
        let verb = DiskTask::VERBS.iter().position(|verb| verb == self);
        verb.unwrap_or(DiskTask::VERBS.len()).put(out);
    }

    fn take(from: &mut Take) -> Result<Self, Fault> {
        Ok(DiskTask::VERBS.get(usize::take(from)?).copied().unwrap_or("use"))
    }
}
