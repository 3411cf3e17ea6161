//! Clients that have everything: how they find out, and what it costs them to give it.

use super::download::{file, mib};
use super::in_turn;
use crate::Signal;
use crate::bench::content::Content;
use crate::bench::options::Options;
use crate::bench::peers::{Leeches, Told};
use crate::bench::stage::{Stage, dismiss};
use crate::bench::subjects::{Role, Subject};
use crate::bench::table::{Sample, Table};
use crate::deadline::Deadline;
use crate::payload::Payload;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How long a check or the leechers may take, in seconds.
const PATIENCE: u64 = 300;

/// From the start until the client knows that all is there.
pub(super) fn check(stage: &Stage<'_>, options: &Options) -> Table {
    let (content, parent) = placed(stage, options);
    let title = format!("Check of {}, from the start until the client knows", mib(&content));
    in_turn(stage, options, title, |subject| {
        let job = stage.job(&content, Role::Seed, &parent, &[], 20);
        let running = subject.start(stage, &job);
        subject.wait_checked(stage, &running, Deadline::seconds(PATIENCE));
        let wall = running.began.elapsed().as_secs_f64();
        let (processor, peak) = (running.processor(), running.peak());
        running.end(Signal::TERM);
        Ok(vec![
            ("processor s/GiB", processor / content.gib()),
            ("wall s", wall),
            ("MiB/s", content.gib() * 1024.0 / wall),
            ("peak MiB", peak),
        ])
    })
}

/// To so many leechers at once, which want as much as there is, together.
pub(super) fn seed(stage: &Stage<'_>, options: &Options, leeches: usize) -> Table {
    let (content, parent) = placed(stage, options);
    let title = format!("Seeding {} in all to {leeches} at once", mib(&content));
    in_turn(stage, options, title, |subject| seed_once(stage, subject, &content, &parent, leeches))
}

fn seed_once(
    stage: &Stage<'_>,
    subject: Subject,
    content: &Content,
    parent: &Path,
    count: usize,
) -> Result<Sample, String> {
    let job = stage.job(content, Role::Seed, parent, &[], count + 20);
    let running = subject.start(stage, &job);
    subject.wait_checked(stage, &running, Deadline::seconds(PATIENCE));
    running.rest();
    let (before, began) = (running.processor(), Instant::now());
    let to = stage.reach(subject, &job);
    let leeches = Leeches::start(&stage.ips(count), to, content, content.total / count as u64)
        .map_err(|e| format!("no leechers: {e}"))?;
    let deadline = Deadline::seconds(PATIENCE);
    for _ in 0..count {
        leeches.wait_for("end of a leecher", deadline, |told| (*told == Told::Finished).then_some(()))?;
    }
    let wall = began.elapsed().as_secs_f64();
    let (processor, peak) = (running.processor() - before, running.peak());
    let usage = running.end(Signal::TERM);
    Ok(vec![
        ("processor s/GiB", processor / content.gib()),
        ("wall s", wall),
        ("MiB/s", content.gib() * 1024.0 / wall),
        ("peak MiB", peak),
        ("context switches, with the check", usage.switches as f64),
        ("leechers' processor s/GiB", dismiss(leeches, content.gib())),
    ])
}

/// The large torrent, and the directory in which all of it is.
fn placed(stage: &Stage<'_>, options: &Options) -> (Content, PathBuf) {
    let content = file(stage, options, 1 << 20);
    let parent = stage.lab.dir("complete");
    if content.verify(&parent).is_err() {
        Payload::file(&content.name, options.size, 1 << 20).write(&parent);
    }
    (content, parent)
}
