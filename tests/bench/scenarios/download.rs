//! Downloads: from one fast seed, from one far away, from a swarm of slow ones; of one file and of many.

use super::in_turn;
use crate::Signal;
use crate::bench::content::Content;
use crate::bench::options::Options;
use crate::bench::peers::{Pace, Seeds};
use crate::bench::stage::{Stage, dismiss, warm};
use crate::bench::subjects::{Role, Subject};
use crate::bench::table::{Sample, Table};
use crate::deadline::Deadline;
use crate::payload::Payload;
use std::time::Duration;

/// How long one download may take, in seconds.
const PATIENCE: u64 = 600;

/// Seeds of a swarm, and what each sends, in bytes a second.
const SEEDS: usize = 30;
const RATE: f64 = 4e6;

/// What is to be downloaded, and from whom.
pub(super) struct Plan<'a> {
    pub(super) content: &'a Content,
    pub(super) seeds: usize,
    pub(super) pace: Pace,
    /// Whether the data goes where memory is the disk.
    pub(super) in_memory: bool,
}

/// One seed that sends as fast as it can.
pub(super) fn fast(stage: &Stage<'_>, options: &Options, piece_length: u32) -> Table {
    let content = file(stage, options, piece_length);
    let title = format!("Download of {}, pieces of {} KiB, one fast seed", mib(&content), piece_length >> 10);
    let plan = Plan { content: &content, seeds: 1, pace: Pace::default(), in_memory: false };
    in_turn(stage, options, title, |subject| download(stage, subject, &plan))
}

/// One fast seed that answers after 50 ms.
pub(super) fn far(stage: &Stage<'_>, options: &Options) -> Table {
    let content = file(stage, options, 1 << 20);
    let title = format!("Download of {}, one fast seed that answers after 50 ms", mib(&content));
    let pace = Pace { delay: Duration::from_millis(50), ..Pace::default() };
    let plan = Plan { content: &content, seeds: 1, pace, in_memory: false };
    in_turn(stage, options, title, |subject| download(stage, subject, &plan))
}

/// Many seeds, each of which is slow.
pub(super) fn swarm(stage: &Stage<'_>, options: &Options) -> Table {
    let content = file(stage, options, 1 << 20);
    let title = format!("Download of {}, {SEEDS} seeds of {} MB/s each", mib(&content), RATE / 1e6);
    let pace = Pace { rate: Some(RATE), ..Pace::default() };
    let plan = Plan { content: &content, seeds: SEEDS, pace, in_memory: false };
    in_turn(stage, options, title, |subject| download(stage, subject, &plan))
}

/// Many small files, half as many bytes as the large one has.
pub(super) fn files(stage: &Stage<'_>, options: &Options) -> Table {
    let mut files = Vec::new();
    let mut left = options.size / 2;
    while left > 0 {
        let n = files.len() as u64;
        let len = (20 + n.wrapping_mul(0x9e37_79b9) % 181).min(left.div_ceil(1024)) << 10;
        files.push((format!("{:02}/{n:06}.dat", n % 20), len.min(left)));
        left -= len.min(left);
    }
    let title = format!("Download of {} files of 20 to 200 KiB, one fast seed", files.len());
    let content = stage.content(&Payload::of_files("small", files, 256 << 10));
    let plan = Plan { content: &content, seeds: 1, pace: Pace::default(), in_memory: true };
    in_turn(stage, options, title, |subject| download(stage, subject, &plan))
}

/// One run.
pub(super) fn download(stage: &Stage<'_>, subject: Subject, plan: &Plan<'_>) -> Result<Sample, String> {
    let content = plan.content;
    let (seeds, peers) =
        Seeds::start(stage.ips(plan.seeds), content, plan.pace).map_err(|e| format!("no seeds: {e}"))?;
    let out = stage.empty(plan.in_memory);
    let job = stage.job(content, Role::Get, &out, &peers, plan.seeds + 20);
    warm(content.total + (64 << 20));
    let mut running = subject.start(stage, &job);
    subject.wait_complete(&mut running, Deadline::seconds(PATIENCE))?;
    let wall = running.began.elapsed().as_secs_f64();
    let peak = running.peak();
    let usage = running.end(Signal::TERM);
    let seeds = dismiss(seeds, content.gib());
    content.verify(&out)?;
    let speed = content.total as f64 / wall;
    let mut sample = vec![
        ("processor s/GiB", usage.processor / content.gib()),
        ("of it user", usage.user / content.gib()),
        ("wall s", wall),
        ("MiB/s", speed / f64::from(1 << 20)),
    ];
    if let Some(rate) = plan.pace.rate {
        sample.push(("% of the seeds' sum", 100.0 * speed / (rate * plan.seeds as f64)));
    }
    sample.extend([
        ("peak MiB", peak),
        ("context switches", usage.switches as f64),
        ("seeds' processor s/GiB", seeds),
    ]);
    Ok(sample)
}

/// The large torrent.
pub(super) fn file(stage: &Stage<'_>, options: &Options, piece_length: u32) -> Content {
    stage.content(&Payload::file(&format!("large-{}k.bin", piece_length >> 10), options.size, piece_length))
}

/// How large it is, in words.
pub(super) fn mib(content: &Content) -> String {
    format!("{} MiB", content.total >> 20)
}
