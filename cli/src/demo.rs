//! `peerless demo`: a tracker, a seed and a download on this machine, with a word on each step.

use crate::args;
use crate::console;
use crate::create::{self, Recipe};
use crate::driver::{self, Job};
use crate::exit::{Exit, Failure};
use crate::output::View;
use crate::report::Report;
use crate::run::{Run, STOP_LIMIT};
use crate::signals::Litter;
use crate::text;
use crate::tracker::Server;
use peerless_core::{Event, Goal, Metainfo, SeedPolicy, TorrentOptions, TrackerNews};
use peerless_runtime::{Listen, Session, SessionError, Settings, Waker};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The files that are shared, in MiB, and then one that is smaller than a piece.
const FILES: [(&str, usize); 3] = [("film.bin", 48), ("music/first.bin", 12), ("music/second.bin", 4)];
const NOTE: (&str, &[u8]) = ("read me.txt", b"Nothing here is worth reading: it is random data.\n");
/// The seed is ready long before this, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);
/// With fewer free descriptors than these nothing is begun.
const DESCRIPTORS: usize = 8;

/// Runs the demo in a temporary directory, which is gone afterwards.
pub(crate) fn run(args: &args::Demo) -> Result<Report, Failure> {
    // To delete a tree takes a descriptor for each of its levels: rather make none.
    let spare: std::io::Result<Vec<File>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    drop(spare.map_err(|_| SessionError::TooFewDescriptors(DESCRIPTORS))?);
    let dir = Litter::make("peerless-demo-");
    let dir = dir.map_err(|error| Failure::io("create a directory in", &std::env::temp_dir(), &error))?;
    play(args, dir.path())
}

fn play(args: &args::Demo, dir: &Path) -> Result<Report, Failure> {
    let (data, copy) = (dir.join("seed/holiday"), dir.join("download/holiday"));
    // Each by itself: where a signal has deleted all, nothing is made anew.
    for name in ["download", "seed", "seed/holiday", "seed/holiday/music"] {
        fs::create_dir(dir.join(name)).map_err(|e| Failure::io("create", dir, &e))?;
    }
    step(1, &format!("Some data to share: random files in {}", data.display()));
    write_files(&data)?;

    let tracker = Server::start(([127, 0, 0, 1], 0).into(), Box::new(|_| {}))
        .map_err(|e| Failure::new(Exit::Network, format!("tracker: {}", crate::exit::reason(&e))))?;
    let url = tracker.announce_url();
    step(2, &format!("A tracker at {url}. It knows who shares what, and never sees the data."));

    let torrent = create::make(&data, &Recipe { announce: &[url], ..Recipe::default() })?;
    let metainfo = Arc::new(Metainfo::parse(&torrent)?);
    step(3, &describe(&metainfo, torrent.len()));

    step(4, "A seed: it checks that it has every piece, and tells the tracker where it can be reached.");
    let seed = Seed::start(Arc::clone(&metainfo), data.clone())?;

    step(
        5,
        &format!(
            "A download with the {:?} driver. It knows only the torrent file: it asks the tracker for peers, \
             connects to the seed, asks for blocks of 16 KiB, and keeps a piece when its hash matches.",
            args.driver
        ),
    );
    let report = download(args, metainfo, copy.clone())?;
    drop(seed);
    drop(tracker);
    if report.exit != Exit::Complete {
        return Ok(report);
    }
    let bytes = compare(&data, &copy)?;
    step(
        6,
        &format!(
            "All {} of the copy are those of the original. The seed and the tracker have stopped, and the files are deleted.",
            text::count(bytes, "byte")
        ),
    );
    console::person("");
    console::person("The same with a torrent of your own: peerless FILE.torrent");
    console::person("To share something of yours:        peerless create PATH --announce URL");
    Ok(Report::complete())
}

fn step(number: u32, sentence: &str) {
    console::person(&format!("{number}. {sentence}"));
}

fn describe(metainfo: &Metainfo, size: usize) -> String {
    let geometry = metainfo.geometry();
    format!(
        "A torrent file of {}: the names and sizes of {}, and a hash for each of {} of {}. The hash of all \
         that, {}, is what peers know it by.",
        text::bytes(size as u64),
        text::count(metainfo.layout().files().len() as u64, "file"),
        text::count(geometry.num_pieces().into(), "piece"),
        text::bytes(geometry.piece_length().into()),
        metainfo.info_hash().wire(),
    )
}

fn write_files(root: &Path) -> Result<(), Failure> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut block = vec![0; 1 << 20];
    for (name, mib) in FILES {
        let path = root.join(name);
        let failed = |error: std::io::Error| Failure::io("write", &path, &error);
        let mut file = File::create(&path).map_err(failed)?;
        for _ in 0..mib {
            for word in block.as_chunks_mut::<8>().0 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *word = state.to_le_bytes();
            }
            file.write_all(&block).map_err(failed)?;
        }
    }
    let path = root.join(NOTE.0);
    fs::write(&path, NOTE.1).map_err(|error| Failure::io("write", &path, &error))
}

fn download(args: &args::Demo, metainfo: Arc<Metainfo>, target: PathBuf) -> Result<Report, Failure> {
    // Nobody waits a whole minute for a copy on the same machine.
    let options =
        TorrentOptions { stall_timeout: Some(Duration::from_secs(60)), ..TorrentOptions::default() };
    let run = Run { metainfo, target, options, view: View::new(args::Output::default()), port: None };
    driver::with_session(args.driver, on_loopback(), run)
}

fn on_loopback() -> Settings {
    Settings { listen: Some(Listen::loopback(0)), ..Settings::default() }
}

/// Compares two directories of the demo, and counts their bytes.
fn compare(one: &Path, other: &Path) -> Result<u64, Failure> {
    let mut total = 0;
    for name in FILES.iter().map(|f| f.0).chain([NOTE.0]) {
        let (mut a, mut b) = (open(&one.join(name))?, open(&other.join(name))?);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        loop {
            fill(&mut a, &mut x).map_err(|error| Failure::io("read", &one.join(name), &error))?;
            fill(&mut b, &mut y).map_err(|error| Failure::io("read", &other.join(name), &error))?;
            if x != y {
                return Err(Failure::new(Exit::Bug, format!("bug: {name} differs from the original")));
            }
            total += x.len() as u64;
            if x.is_empty() {
                break;
            }
        }
    }
    Ok(total)
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::io("open", path, &error))
}

/// Reads the next MiB, or what is left.
fn fill(file: &mut File, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    buffer.clear();
    file.take(1 << 20).read_to_end(buffer)
}

/// A seed on a thread of its own; dropping it stops it cleanly.
struct Seed {
    waker: Waker,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Seed {
    /// Starts it, and waits until the tracker knows it.
    fn start(metainfo: Arc<Metainfo>, target: PathBuf) -> Result<Self, Failure> {
        let (tell, told) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let job = SeedJob { metainfo, target, stop: Arc::clone(&stop), tell: tell.clone() };
        let thread = std::thread::Builder::new()
            .name("seed".to_owned())
            .spawn(move || {
                let done = driver::with_session(args::Driver::Mio, on_loopback(), job);
                if let Err(failure) = done.and_then(|result| result) {
                    let _ = tell.send(News::Failed(failure));
                }
            })
            .map_err(|e| Failure::new(Exit::Bug, format!("limit: {}", crate::exit::reason(&e))))?;
        let failed = |news| match news {
            Ok(News::Failed(failure)) => failure,
            _ => Failure::new(Exit::Network, "tracker: the seed could not announce itself"),
        };
        let waker = match told.recv_timeout(PATIENCE) {
            Ok(News::Opened(waker)) => waker,
            other => return Err(failed(other)),
        };
        let seed = Self { waker, stop, thread: Some(thread) };
        match told.recv_timeout(PATIENCE) {
            Ok(News::Announced) => Ok(seed),
            other => Err(failed(other)),
        }
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a seed tells of itself.
enum News {
    Opened(Waker),
    Announced,
    Failed(Failure),
}

struct SeedJob {
    metainfo: Arc<Metainfo>,
    target: PathBuf,
    stop: Arc<AtomicBool>,
    tell: mpsc::Sender<News>,
}

impl Job for SeedJob {
    type Output = Result<(), Failure>;

    fn run<S: Session>(self, mut session: S) -> Result<(), Failure> {
        // Nobody listens any more where the demo has failed: then it stops this thread as well.
        let _ = self.tell.send(News::Opened(session.waker()));
        let options =
            TorrentOptions { goal: Goal::Seed, seeding: SeedPolicy::Forever, ..TorrentOptions::default() };
        session.add(self.metainfo, self.target, options)?;
        let mut stopping = false;
        loop {
            match session.wait(stopping.then_some(STOP_LIMIT))? {
                Some(Event::Tracker { news: TrackerNews::Answered { .. }, .. }) => {
                    let _ = self.tell.send(News::Announced);
                }
                Some(Event::Failed { error, .. }) => return Err(Failure::from(&error)),
                Some(Event::ShutDown) => return Ok(()),
                None if stopping => return Ok(()),
                _ => {}
            }
            if !stopping && self.stop.load(Ordering::SeqCst) {
                stopping = true;
                session.shutdown();
            }
        }
    }
}
