//! How the cost of a download grows, ours alone: with peers, with pieces, with files.

use super::download::{Plan, download, mib};
use super::{guarded, rounds};
use crate::Signal;
use crate::bench::content::Content;
use crate::bench::options::Options;
use crate::bench::peers::{Pace, Seeds, Told};
use crate::bench::stage::Stage;
use crate::bench::subjects::{Role, Subject};
use crate::bench::table::{Sample, Table};
use crate::deadline::Deadline;
use crate::payload::Payload;

/// Bytes that are measured of a torrent that is larger.
const MEASURED: u64 = 64 << 20;

/// The same file from 1 to 1,000 seeds.
pub(super) fn peers(stage: &Stage<'_>, options: &Options) -> Table {
    let payload = Payload::file("from-many.bin", (options.size / 4).max(1), 256 << 10);
    let content = stage.content(&payload);
    let title = format!("Growth: {} from more and more seeds, as fast as they can", mib(&content));
    over(options, title, "seeds", &[1, 10, 100, 1_000], |subject, seeds| {
        let plan = Plan { content: &content, seeds: seeds as usize, pace: Pace::default(), in_memory: false };
        download(stage, subject, &plan)
    })
}

/// The same bytes of torrents of more and more pieces.
pub(super) fn pieces(stage: &Stage<'_>, options: &Options) -> Table {
    let title =
        format!("Growth: the first {} MiB of torrents of more and more pieces of 16 KiB", MEASURED >> 20);
    over(options, title, "pieces", &[1_000, 10_000, 100_000, 500_000], |subject, pieces| {
        begin(stage, subject, &stage.repeating(pieces, 16 << 10))
    })
}

/// The same bytes in more and more files.
pub(super) fn files(stage: &Stage<'_>, options: &Options) -> Table {
    let title = format!("Growth: {} MiB in more and more files", MEASURED >> 20);
    over(options, title, "files", &[1, 10, 100, 1_000, 10_000, 100_000], |subject, count| {
        let len = MEASURED / u64::from(count);
        let files = (0..count).map(|n| (format!("{:03}/{n:06}.dat", n / 1_000), len)).collect();
        let content = stage.content(&Payload::of_files(&format!("{count}-files"), files, 256 << 10));
        let plan = Plan { content: &content, seeds: 1, pace: Pace::default(), in_memory: true };
        download(stage, subject, &plan)
    })
}

/// A row for each number and driver. All of them take turns.
fn over(
    options: &Options,
    title: String,
    what: &'static str,
    numbers: &[u32],
    mut run: impl FnMut(Subject, u32) -> Result<Sample, String>,
) -> Table {
    let mut table = Table::new(title, what);
    for round in rounds(options) {
        for number in numbers {
            for subject in options.clients.iter().filter(|client| client.is_ours()) {
                let sample = guarded(|| run(*subject, *number));
                if round.counts || sample.is_err() {
                    table.add(&format!("{number}, {}", subject.name()), sample);
                }
            }
        }
    }
    table
}

/// The begin of a download, to which the start of the program does not count.
fn begin(stage: &Stage<'_>, subject: Subject, content: &Content) -> Result<Sample, String> {
    let measured = MEASURED.min(content.total / 4 * 3);
    let pace = Pace { tell_after: Some(measured), ..Pace::default() };
    let (seeds, peers) = Seeds::start(stage.ips(1), content, pace).map_err(|e| format!("no seed: {e}"))?;
    let out = stage.empty(false);
    let job = stage.job(content, Role::Get, &out, &peers, 20);
    let running = subject.start(stage, &job);
    let deadline = Deadline::seconds(120);
    let requested = seeds.wait_for("request", deadline, |told| match told {
        Told::Requested(at) => Some(*at),
        _ => None,
    })?;
    let before = running.processor();
    seeds.wait_for("blocks", deadline, |told| (*told == Told::Served).then_some(()))?;
    let wall = requested.elapsed().as_secs_f64();
    let (processor, peak) = (running.processor() - before, running.peak());
    let ms = 1_000.0 * requested.saturating_duration_since(running.began).as_secs_f64();
    running.end(Signal::TERM);
    let mib = measured as f64 / f64::from(1 << 20);
    Ok(vec![
        ("first request ms", ms),
        ("processor ms before it", 1_000.0 * before),
        ("processor s/GiB", processor / mib * 1024.0),
        ("MiB/s", mib / wall),
        ("peak MiB", peak),
    ])
}
