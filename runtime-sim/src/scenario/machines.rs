//! Scenarios of machines that fail: crashes, power cuts, full and slow disks; and of torrents of unusual shapes.

use super::{Report, Scenario, Setup, Swarm};
use crate::dice::Dice;
use crate::disk::DiskSpeed;
use crate::host::Host;
use crate::net::Link;
use crate::units::{Rate, hours, mbit, mib, millis, minutes, secs};
use peerless_core::{Event, MetainfoError, SeedPolicy, TorrentOptions};

/// See [`Scenario::all`].
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("crashing", "leechers are killed or lose power, again and again", 10, crashing),
    Scenario::new(
        "full-disk",
        "every third disk is full at the half, and has room a minute later",
        9,
        full_disk,
    ),
    Scenario::new("slow-disk", "fast lines into disks that are slower", 4, slow_disk),
    Scenario::new("suspended", "every other leecher sleeps for hours, its clock going on", 8, suspended),
    Scenario::new("clocks", "all clocks are wrong and drift, and some jump by hours", 9, clocks),
    Scenario::new("many-pieces", "10,000 pieces", 4, many_pieces),
    Scenario::new("huge-pieces", "at least four pieces of 16 MiB", 4, huge_pieces),
    Scenario::new("tiny-pieces", "pieces of 4 KiB: smaller than a block", 4, tiny_pieces),
];

fn line() -> Link {
    Link::symmetric(mbit(20))
}

fn crashing(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    swarm.seed(line());
    let mut dice = Dice::new(setup.seed, "crashes");
    for _ in 0..peers {
        let host = swarm.leecher(line());
        for n in 0..4 {
            let (whole, window) = (swarm.part(1_000), swarm.part(375));
            let (when, off) = (window * n + dice.time(window), whole / 12 + dice.time(whole * 3 / 4));
            let gentle = dice.chance(500);
            swarm.sim.after(when, move |sim| {
                // It may still be off after the crash before.
                if sim.engine(host).is_some() {
                    if gentle {
                        sim.kill(host);
                    } else {
                        sim.cut_power(host);
                    }
                    sim.after(off, move |sim| sim.start(host));
                }
            });
        }
    }
    Ok(swarm.finish("crashing", hours(10)))
}

fn full_disk(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    let size = swarm.torrent.metainfo.geometry().total();
    swarm.seed(line());
    let options =
        TorrentOptions { wait_disk: true, seeding: SeedPolicy::Forever, ..TorrentOptions::default() };
    for n in 0..peers {
        let host = Host::new(format!("leecher {}", n + 1)).link(line()).with(&swarm.torrent, options.clone());
        let host = swarm.add(host);
        if n % 3 == 0 {
            swarm.sim.disk(host).set_capacity(Some(size / 2));
            let is_full = |event: &Event| matches!(event, Event::DiskTrouble { .. });
            swarm.when(
                move |sim| sim.story(host).iter().any(|(_, event)| is_full(event)),
                move |sim| sim.after(minutes(1), move |sim| sim.disk(host).set_capacity(None)),
            );
        }
        swarm.sim.start(host);
    }
    Ok(swarm.finish("full-disk", hours(10)))
}

fn slow_disk(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    swarm.seed(Link::symmetric(mbit(200)));
    let speed = DiskSpeed { rate: Rate(mib(2)), access: millis(10), ..DiskSpeed::default() };
    for n in 0..peers {
        let host = Host::new(format!("leecher {}", n + 1)).link(Link::symmetric(mbit(200)));
        let host = swarm.add(host.disk(speed).downloads(&swarm.torrent));
        swarm.sim.start(host);
    }
    Ok(swarm.finish("slow-disk", hours(10)))
}

fn suspended(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    swarm.seed(line());
    let mut dice = Dice::new(setup.seed, "sleep");
    for n in 0..peers {
        let host = swarm.leecher(line());
        if n % 2 == 0 {
            let (when, long) = (dice.time(swarm.part(700)), minutes(30) + dice.time(hours(5)));
            swarm.sim.after(when, move |sim| {
                sim.suspend(host);
                sim.after(long, move |sim| sim.resume(host));
            });
        }
    }
    Ok(swarm.finish("suspended", hours(10)))
}

fn clocks(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::usual(setup, mib(32))?;
    let seed = swarm.seed(line());
    let mut dice = Dice::new(setup.seed, "clocks");
    for n in 0..peers {
        let (ahead, drift) = (dice.time(hours(10_000)), drift(&mut dice));
        let host = Host::new(format!("leecher {}", n + 1)).link(line()).clock(ahead, drift);
        let host = swarm.add(host.downloads(&swarm.torrent));
        swarm.sim.start(host);
        // Of three, one has a clock that only drifts, one jumps, and one is set back and starts again.
        if n % 3 == 1 {
            for _ in 0..3 {
                let (when, by) = (dice.time(swarm.part(700)), secs(30) + dice.time(hours(5)));
                swarm.sim.after(when, move |sim| sim.jump_clock(host, by));
            }
        }
        if n % 3 == 2 {
            let part = swarm.part(250);
            swarm.sim.after(dice.time(part), move |sim| sim.set_time_of_day(host, -86_400));
            swarm.sim.after(part + dice.time(part), move |sim| {
                sim.kill(host);
                sim.start(host);
            });
        }
    }
    let (when, by) = (dice.time(swarm.part(400)), secs(30) + dice.time(hours(5)));
    swarm.sim.after(when, move |sim| sim.jump_clock(seed, by));
    swarm.sim.set_drift(seed, drift(&mut dice));
    Ok(swarm.finish("clocks", hours(10)))
}

/// What is usual among quartz clocks and a little worse: 500 millionths either way, at most.
fn drift(dice: &mut Dice) -> i32 {
    i32::try_from(dice.below(1_001)).map_or(0, |n| n - 500)
}

/// Always 10,000: of 16 KiB, or of less where less was asked for.
fn many_pieces(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    let each = (setup.size(mib(160)) / MANY).clamp(1, u64::from(HUGE));
    shape(setup, peers, "many-pieces", MANY * each, each as u32)
}

fn huge_pieces(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    shape(setup, peers, "huge-pieces", setup.size(mib(128)).max(4 * u64::from(HUGE)), HUGE)
}

fn tiny_pieces(setup: &Setup, peers: u32) -> Result<Report, MetainfoError> {
    shape(setup, peers, "tiny-pieces", setup.size(mib(4) + 1_234), 4 << 10)
}

/// A few leechers of a torrent of this shape.
fn shape(
    setup: &Setup,
    peers: u32,
    name: &'static str,
    size: u64,
    piece_length: u32,
) -> Result<Report, MetainfoError> {
    let mut swarm = Swarm::new(setup, size, piece_length)?;
    swarm.seed(line());
    for _ in 0..peers {
        swarm.leecher(line());
    }
    Ok(swarm.finish(name, hours(10)))
}

const MANY: u64 = 10_000;
const HUGE: u32 = 16 << 20;
