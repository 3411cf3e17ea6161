//! Connections over which nothing comes, and those over which a little comes all the time.

use super::in_turn;
use crate::Signal;
use crate::bench::content::Content;
use crate::bench::options::Options;
use crate::bench::peers::{Crowd, Idle, Order, Told};
use crate::bench::running::Running;
use crate::bench::stage::Stage;
use crate::bench::subjects::{Role, Subject};
use crate::bench::table::{Sample, Table};
use crate::deadline::Deadline;
use crate::payload::Payload;
use std::time::{Duration, Instant};

/// How long all connections together may take, in seconds.
const PATIENCE: u64 = 60;

/// Peers that connect to a client that has nothing, have nothing and stay.
pub(super) fn connections(stage: &Stage<'_>, options: &Options) -> Table {
    let title = format!(
        "{} idle peers, watched for {} s; then each tells of a piece once a second",
        options.peers,
        options.window.as_secs()
    );
    let content = stage.content(&Payload::file("waited-for.bin", 256 << 20, 128 << 10));
    in_turn(stage, options, title, |subject| watch(stage, subject, &content, options))
}

fn watch(
    stage: &Stage<'_>,
    subject: Subject,
    content: &Content,
    options: &Options,
) -> Result<Sample, String> {
    let out = stage.empty(false);
    let job = stage.job(content, Role::Get, &out, &[], options.peers + 50);
    let running = subject.start(stage, &job);
    stage.hear("first announce", Deadline::seconds(PATIENCE), |announce| announce.text("event") == "started");
    running.rest();
    let before = running.anonymous();
    let to = stage.reach(subject, &job);
    let crowd =
        Idle::start(stage.ips(options.peers), to, content).map_err(|e| format!("no idle peers: {e}"))?;
    let began = Instant::now();
    let connected = connect(&crowd, options.peers);
    let connecting = began.elapsed().as_secs_f64();
    if connected == 0 {
        return Err("nobody could connect".into());
    }
    running.rest();
    let (idle, lost) = load(&running, &crowd, options.window);
    let each = (running.anonymous() - before) / connected as f64;
    crowd.order(Order::Have);
    // What comes first is not yet what comes all the time.
    let (_, lost_first) = load(&running, &crowd, Duration::from_secs(1));
    let (telling, lost_telling) = load(&running, &crowd, options.window);
    let peak = running.peak();
    running.end(Signal::TERM);
    Ok(vec![
        ("connected", connected as f64),
        ("lost", (lost + lost_first + lost_telling) as f64),
        ("all connected after s", connecting),
        ("KiB a connection", each),
        ("idle: ms/s", idle),
        ("with haves: ms/s", telling),
        ("peak MiB", peak),
        ("peers' processor s", crowd.end()),
    ])
}

/// Waits until so many are connected, or it is in vain; how many are.
fn connect(crowd: &Crowd, wanted: usize) -> usize {
    let (mut connected, mut lost) = (0, 0);
    let deadline = Deadline::seconds(PATIENCE);
    let _ = crowd.wait_for("connections", deadline, |told| {
        match told {
            Told::Connected => connected += 1,
            Told::Lost(_) => lost += 1,
            _ => {}
        }
        (connected + lost >= wanted).then_some(())
    });
    connected
}

/// Milliseconds of processor time that the client takes in each second of the next so long; and how many
/// connections are lost.
fn load(running: &Running, crowd: &Crowd, window: Duration) -> (f64, usize) {
    let (before, began) = (running.processor(), Instant::now());
    let lost = crowd.watch(window);
    (1_000.0 * (running.processor() - before) / began.elapsed().as_secs_f64(), lost)
}
