//! The stories: what can happen around the engine, and how they are made of any bytes.

use super::disk::{Before, Fault, Loss};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};

/// The longest story.
const MAX_OPS: usize = 1_000;

/// A torrent, how it is taken on, and what happens to it.
#[derive(Arbitrary, Debug)]
pub(crate) struct Story {
    pub(crate) torrent: u8,
    #[arbitrary(with = mostly_nothing)]
    pub(crate) before: Before,
    pub(crate) goal: u8,
    pub(crate) seed_for: Option<u16>,
    pub(crate) wait_disk: bool,
    pub(crate) recheck: bool,
    pub(crate) max_peers: u8,
    pub(crate) max_open_pieces: u8,
    pub(crate) upload_slots: u8,
    #[arbitrary(with = to_the_end)]
    pub(crate) ops: Vec<Op>,
}

/// Something that happens.
#[derive(Arbitrary, Debug)]
pub(crate) enum Op {
    Wait {
        millis: u16,
    },
    WaitLong {
        secs: u16,
    },
    AddPeer {
        n: u8,
    },
    AddHonest {
        n: u8,
    },
    Accept {
        n: u8,
        hello: Option<Hello>,
    },
    AcceptHonest {
        n: u8,
    },
    AcceptFailed,
    Connected {
        conn: u8,
        hello: Option<Hello>,
    },
    Hello {
        conn: u8,
        hello: Hello,
    },
    HalfAHello {
        conn: u8,
        len: u8,
    },
    Say {
        conn: u8,
        what: Say,
    },
    /// A scripted peer that says it has everything, and unchokes.
    AcceptSeed {
        n: u8,
        hello: Hello,
    },
    Answer {
        conn: u8,
        n: u8,
        how: How,
    },
    /// All requests, in their order; one block is wrong, if so.
    AnswerAll {
        conn: u8,
        wrong: bool,
    },
    Raw {
        conn: u8,
        data: Vec<u8>,
    },
    TooLate {
        data: Vec<u8>,
    },
    Close {
        conn: u8,
        error: Option<Trouble>,
    },
    Flush {
        conn: u8,
    },
    Disk {
        n: u8,
        #[arbitrary(with = rarely)]
        fault: Option<Fault>,
    },
    DiskAll {
        #[arbitrary(with = rarely)]
        fault: Option<Fault>,
    },
    Tracker {
        does: Tracker,
    },
    Resolved {
        ips: u8,
    },
    Stop {
        #[arbitrary(with = seldom)]
        sure: bool,
    },
    Again,
    Shutdown {
        #[arbitrary(with = seldom)]
        sure: bool,
    },
    Crash {
        #[arbitrary(with = seldom)]
        sure: bool,
        losses: Vec<Loss>,
        journal: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Hello {
    pub(crate) fast: bool,
    pub(crate) extended: bool,
    pub(crate) id: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Reset,
    NoPort,
    TooManyFiles,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    Right,
    Wrong,
    Reject,
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Say {
    KeepAlive,
    Choke,
    Unchoke,
    Interested,
    NotInterested,
    Have { n: u8 },
    Bitfield { bits: u32 },
    HaveAll,
    HaveNone,
    Request { n: u8, begin: u8, len: u8 },
    Cancel { n: u8, begin: u8, len: u8 },
    Reject { n: u8, begin: u8, len: u8 },
    Piece { n: u8, block: u8, right: bool },
    Suggest { n: u8 },
    AllowedFast { n: u8 },
    Port,
    Extended { id: u8, payload: Vec<u8> },
    ExtensionHandshake { reqq: Option<u16>, port: Option<u16>, upload_only: bool },
}

#[derive(Arbitrary, Debug)]
pub(crate) enum Tracker {
    Connected,
    Fails,
    Answers { peers: u8, interval: u16 },
    Refuses,
    Says { data: Vec<u8> },
}

/// Operations as long as there are bytes: an input of any bytes is a long story.
fn to_the_end(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Op>> {
    let mut ops = Vec::new();
    while !bytes.is_empty() && ops.len() < MAX_OPS {
        ops.push(bytes.arbitrary()?);
    }
    Ok(ops)
}

/// A target that is there already is the end of most downloads.
fn mostly_nothing(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Before> {
    if bytes.ratio(7, 8)? { Ok(Before::Nothing) } else { bytes.arbitrary() }
}

/// One of forty operations of a disk fails: most failures end the download.
fn rarely(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Option<Fault>> {
    bytes.ratio(1, 40)?.then(|| bytes.arbitrary()).transpose()
}

/// What ends so much that nothing else would come far if it were as likely.
fn seldom(bytes: &mut Unstructured<'_>) -> arbitrary::Result<bool> {
    bytes.ratio(1, 16)
}
