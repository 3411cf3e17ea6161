//! What somebody waits for who wants something small.

use super::in_turn;
use crate::Signal;
use crate::bench::options::Options;
use crate::bench::peers::{Pace, Seeds, Told};
use crate::bench::stage::Stage;
use crate::bench::subjects::Role;
use crate::bench::table::Table;
use crate::deadline::Deadline;
use crate::payload::Payload;

/// A torrent of 1 MiB from one seed: to the first request, and to the end.
pub(super) fn start(stage: &Stage<'_>, options: &Options) -> Table {
    let content = stage.content(&Payload::file("small.bin", 1 << 20, 64 << 10));
    let title = "A torrent of 1 MiB, from the start of the program".into();
    in_turn(stage, options, title, |subject| {
        let ms = |seconds: f64| 1_000.0 * seconds;
        let (seeds, peers) =
            Seeds::start(stage.ips(1), &content, Pace::default()).map_err(|e| format!("no seed: {e}"))?;
        let out = stage.empty(false);
        let job = stage.job(&content, Role::Get, &out, &peers, 20);
        let mut running = subject.start(stage, &job);
        let began = running.began;
        let requested = seeds.wait_for("request", Deadline::seconds(60), |told| match told {
            Told::Requested(at) => Some(at.saturating_duration_since(began)),
            _ => None,
        })?;
        subject.wait_complete(&mut running, Deadline::seconds(60))?;
        let complete = began.elapsed();
        let usage = running.end(Signal::TERM);
        let ended = began.elapsed();
        content.verify(&out)?;
        Ok(vec![
            ("first request ms", ms(requested.as_secs_f64())),
            ("complete ms", ms(complete.as_secs_f64())),
            ("ended ms", ms(ended.as_secs_f64())),
            ("processor ms", ms(usage.processor)),
        ])
    })
}
