//! The journal beside a `.part`, as an engine reads it at the start: whatever it says, and whatever the files look
//! like, a piece is had without hashing only if a record says so and its files are as they were; what was begun is
//! hashed; and the journal that is written next says the same.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use peerless_core::metainfo::Builder;
use peerless_core::{
    Action, Bitfield, Config, DiskOutcome, DiskTask, Engine, Event, FileStamp, Input, Instant, Metainfo,
    PieceDigest, PieceIndex, Place, Sha1State, Survey, TorrentError, TorrentId, TorrentOptions, sha1,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

const PIECE: u32 = 16_384;
const PIECES: u32 = 12;
/// Bytes of each file; one is empty, one ends inside a piece, one begins there.
const FILES: [u64; 4] = [5 * PIECE as u64 / 2, 0, 8 * PIECE as u64, 3 * PIECE as u64 / 2 - 7];

#[derive(Arbitrary, Debug)]
struct Story {
    /// Bytes behind the last whole record.
    tail: Vec<u8>,
    /// What became of the files since: of each the length as it should be, and the time.
    files: [Option<(bool, u16, u8)>; 4],
    /// The pieces that are found good where they are hashed.
    good: u16,
    header: Header,
    #[arbitrary(with = to_the_end)]
    journal: Vec<Record>,
}

/// Records as long as there are bytes.
fn to_the_end(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Record>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        records.push(bytes.arbitrary()?);
    }
    Ok(records)
}

#[derive(Arbitrary, Debug, PartialEq)]
enum Header {
    Right,
    OfAnother,
    Raw(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
enum Record {
    /// Kinds 1, 2 and 4: begun, had, lost.
    Pieces {
        kind: u8,
        pieces: Vec<u8>,
    },
    /// Kind 3.
    Bitfield {
        bits: u16,
    },
    /// Kind 5.
    Stamps {
        stamps: Vec<(u8, bool, u16, u8)>,
    },
    /// Kind 6.
    Closed,
    Raw {
        kind: u8,
        payload: Vec<u8>,
    },
}

static METAINFO: LazyLock<Arc<Metainfo>> = LazyLock::new(|| {
    let files = FILES.iter().enumerate().map(|(n, len)| (vec![n.to_string()], *len)).collect();
    // The hash of piece n is that of the one byte n.
    let hashes: Vec<u8> = (0..PIECES as u8).flat_map(|n| sha1(&[n]).0).collect();
    let file = Builder::directory("fuzz", files, PIECE).pieces(hashes).build().expect("it is sound");
    Arc::new(Metainfo::parse(&file).expect("it is sound"))
});

fn stamp(file: u8, whole: bool, len: u16, modified: u8) -> FileStamp {
    let len = if whole { FILES.get(usize::from(file)).copied().unwrap_or(9) } else { u64::from(len) };
    FileStamp { len, modified: modified.into() }
}

/// The journal, written by another hand than the engine's; with what it says of each piece and file.
#[derive(Default)]
struct Journal {
    bytes: Vec<u8>,
    have: BTreeSet<u32>,
    in_doubt: BTreeSet<u32>,
    stamps: BTreeMap<u32, FileStamp>,
    closed: bool,
}

impl Journal {
    fn new(story: &Story) -> Self {
        let mut journal = Self::default();
        let hash = METAINFO.info_hash().wire();
        let geometry = METAINFO.geometry();
        match &story.header {
            Header::Raw(bytes) => journal.bytes.extend(bytes),
            header => {
                journal.bytes.extend(b"peerless-j01");
                journal.bytes.extend(if *header == Header::Right { hash.0 } else { [7; 20] });
                journal.bytes.extend(geometry.piece_length().to_be_bytes());
                journal.bytes.extend(geometry.total().to_be_bytes());
                journal.bytes.extend(&sha1(&journal.bytes).0[..8]);
            }
        }
        story.journal.iter().for_each(|record| journal.add(record));
        journal.bytes.extend(&story.tail);
        journal
    }

    fn add(&mut self, record: &Record) {
        let (kind, payload) = match record {
            Record::Pieces { kind, pieces } => {
                let kind = [1, 2, 4][usize::from(*kind) % 3];
                (kind, pieces.iter().flat_map(|n| u32::from(*n % 16).to_be_bytes()).collect())
            }
            Record::Bitfield { bits } => (3, bits.to_be_bytes().to_vec()),
            Record::Stamps { stamps } => {
                let entry = |(file, whole, len, modified): &(u8, bool, u16, u8)| {
                    let file = file % 5;
                    let stamp = stamp(file, *whole, *len, *modified);
                    let (len, modified) = (stamp.len.to_be_bytes(), stamp.modified.to_be_bytes());
                    [&u32::from(file).to_be_bytes()[..], &len, &modified].concat()
                };
                (5, stamps.iter().flat_map(entry).collect())
            }
            Record::Closed => (6, vec![]),
            Record::Raw { kind, payload } => (*kind, payload.clone()),
        };
        self.apply(kind, &payload);
        let record = [&[kind][..], &(payload.len() as u32).to_be_bytes(), &payload].concat();
        let check = sha1(&[&METAINFO.info_hash().wire().0[..], &record].concat());
        self.bytes.extend([&record[..], &check.0[..8]].concat());
    }

    fn apply(&mut self, kind: u8, payload: &[u8]) {
        if !(1..=6).contains(&kind) {
            return;
        }
        self.closed = kind == 6;
        let numbers = payload.chunks_exact(4).map(|n| u32::from_be_bytes(n.try_into().expect("four bytes")));
        let pieces: Vec<u32> = match kind {
            3 if payload.len() == 2 => {
                (0..PIECES).filter(|n| payload[*n as usize / 8] & 0x80 >> (n % 8) != 0).collect()
            }
            1 | 2 | 4 => numbers.filter(|n| *n < PIECES).collect(),
            _ => vec![],
        };
        for piece in pieces {
            match kind {
                1 if self.have.contains(&piece) => {}
                1 => drop(self.in_doubt.insert(piece)),
                4 => {
                    self.have.remove(&piece);
                    self.in_doubt.insert(piece);
                }
                _ => {
                    self.have.insert(piece);
                    self.in_doubt.remove(&piece);
                }
            }
        }
        for entry in payload.chunks_exact(20).filter(|_| kind == 5) {
            let file = u32::from_be_bytes(entry[..4].try_into().expect("four bytes"));
            let len = u64::from_be_bytes(entry[4..12].try_into().expect("eight bytes"));
            let modified = i64::from_be_bytes(entry[12..].try_into().expect("eight bytes"));
            self.stamps.insert(file, FileStamp { len, modified });
        }
    }

    /// Whether a file may be taken for what it was.
    fn is_unchanged(&self, file: u32, now: Option<FileStamp>) -> bool {
        match (self.stamps.get(&file), now) {
            (Some(then), Some(now)) if self.closed => *then == now,
            (Some(then), Some(now)) => now.len >= then.len && now.modified >= then.modified,
            (None, None) => true,
            _ => false,
        }
    }
}

/// What came of a start.
struct Outcome {
    trusted: Bitfield,
    hashed: BTreeSet<u32>,
    have: Bitfield,
    /// The journal that was written at its end.
    journal: Vec<u8>,
}

/// Starts an engine that finds these files and this journal. `None` where it takes them for somebody else's: then it has
/// found nothing good, and written nothing.
fn start(files: &[Option<FileStamp>], journal: &[u8], good: u16) -> Option<Outcome> {
    let mut engine = Engine::new(Config::default(), [0; 32], Instant::ZERO);
    let id = engine
        .add_torrent(Instant::ZERO, METAINFO.clone(), TorrentOptions::default())
        .expect("it is the first");
    let mut hashed = BTreeSet::new();
    let mut trusted = None;
    while let Some(action) = engine.poll_action() {
        let Action::Disk { job, op } = action else { continue };
        let outcome = match op.task {
            DiskTask::Survey { place: Place::Part } => DiskOutcome::Survey(Survey::Present(files.to_vec())),
            DiskTask::Survey { .. } => DiskOutcome::Survey(Survey::Absent),
            DiskTask::LoadJournal { .. } => DiskOutcome::LoadJournal(Some(journal.to_vec().into())),
            DiskTask::Digest { extents, .. } => {
                trusted.get_or_insert_with(|| have(&engine, id));
                let first = extents[0];
                let at = METAINFO.layout().files()[first.file.0 as usize].offset + first.offset;
                let piece = (at / u64::from(PIECE)) as u8;
                assert!(hashed.insert(piece.into()), "piece {piece} is hashed twice");
                let mut hash = PieceDigest::from(Sha1State::new());
                let right = good & 1 << piece != 0;
                hash.update(&[if right { piece } else { u8::MAX }]);
                DiskOutcome::Digest(hash)
            }
            DiskTask::Sync { files } => {
                DiskOutcome::Sync(vec![FileStamp { len: 1 << 40, modified: 1_000 }; files.len()])
            }
            DiskTask::StoreJournal { data } => {
                trusted.get_or_insert_with(|| have(&engine, id));
                let (trusted, have) = (trusted.expect("just set"), have(&engine, id));
                return Some(Outcome { trusted, hashed, have, journal: data.to_vec() });
            }
            other => panic!("{other:?} at the start"),
        };
        engine.handle(Instant::ZERO, Input::DiskDone { job, result: Ok(outcome) });
        while let Some(event) = engine.poll_event() {
            if let Event::Failed { error, .. } = event {
                assert_eq!(error, TorrentError::TargetInTheWay);
                assert!(have(&engine, id).is_empty());
                return None;
            }
        }
    }
    panic!("the start never ends");
}

fn have(engine: &Engine, id: TorrentId) -> Bitfield {
    engine.torrent_have(id).expect("the torrent is there").clone()
}

fuzz_target!(|story: Story| {
    let journal = Journal::new(&story);
    let file = |n: usize| story.files[n].map(|(whole, len, modified)| stamp(n as u8, whole, len, modified));
    let files: Vec<Option<FileStamp>> = (0..FILES.len()).map(file).collect();
    let length = |n: usize| METAINFO.layout().files()[n].length;
    let is_longer = (0..FILES.len()).any(|n| files[n].is_some_and(|now| now.len > length(n)));
    let Some(outcome) = start(&files, &journal.bytes, story.good) else {
        assert!(is_longer || story.header != Header::Right, "our own journal is taken for another's");
        return;
    };
    assert!(!is_longer && story.header != Header::OfAnother, "what is in the way is taken for ours");

    let is_there = |piece| {
        let extents = METAINFO.layout().extents(METAINFO.geometry().piece_range(piece));
        extents.iter().all(|e| files[e.file.0 as usize].is_some_and(|now| now.len >= e.offset + e.len))
    };
    for piece in (0..PIECES).map(PieceIndex::new) {
        let n = piece.get();
        let extents = METAINFO.layout().extents(METAINFO.geometry().piece_range(piece));
        let unchanged = extents.iter().all(|e| journal.is_unchanged(e.file.0, files[e.file.0 as usize]));
        let known = journal.have.contains(&n) || journal.in_doubt.contains(&n);
        let (trusted, hashed) = (outcome.trusted.has(piece), outcome.hashed.contains(&n));
        assert!(!(trusted && hashed), "piece {n} is trusted and hashed");
        assert!(!(trusted || hashed) || is_there(piece), "piece {n} is not there");
        assert_eq!(outcome.have.has(piece), trusted || hashed && story.good & 1 << n != 0);
        // What stands behind the last record is hardly ever another one.
        if story.header == Header::Right && story.tail.len() < 8 {
            assert_eq!(trusted, journal.have.contains(&n) && unchanged && is_there(piece), "piece {n}");
            assert_eq!(hashed, known && !trusted && is_there(piece), "piece {n}");
        }
    }
    let files: Vec<_> =
        (0..FILES.len()).map(|n| Some(FileStamp { len: length(n), modified: i64::MAX })).collect();
    let later = start(&files, &outcome.journal, 0).expect("the journal is ours");
    assert!(later.trusted.minus(&outcome.have).next().is_none(), "the journal says too much");
    assert!(later.have.iter().count() + later.hashed.len() >= outcome.have.count() as usize);
});
