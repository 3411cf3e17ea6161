//! Recordings of simulated engines: each replays by itself, without the swarm around it.

use super::{line, minutes, secs};
use crate::units::mib;
use crate::{Host, HostId, Sim};
use peerless_core::TorrentId;
use peerless_core::record::{End, Ending, RecordOptions, Replay};

const PLAIN: RecordOptions = RecordOptions { payload: false, mask: false, limit: u64::MAX };

/// A seed and two leechers, all recorded.
fn swarm(options: RecordOptions) -> (Sim, [HostId; 3]) {
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(mib(2), 64 << 10, &[]).unwrap();
    let host = |name: &str| Host::new(name).link(line()).recorded(options);
    let seed = sim.add(host("seed").seeds(&torrent));
    // The second has a clock that is wrong: a recording goes by the clock of its engine.
    let leechers = [host("one"), host("two").clock(minutes(5), -20_000)];
    let leechers = leechers.map(|host| sim.add(host.downloads(&torrent)));
    leechers.iter().for_each(|leecher| sim.introduce(*leecher, seed));
    sim.introduce(leechers[0], leechers[1]);
    (sim, [seed, leechers[0], leechers[1]])
}

fn replay(sim: &Sim, host: HostId) -> (Replay, Ending) {
    let mut replay = Replay::new(sim.recording(host).into()).unwrap();
    let ending = replay.run().unwrap_or_else(|error| panic!("{}: {error}", sim.host_name(host)));
    (replay, ending)
}

#[test]
fn every_engine_of_a_swarm_replays() {
    for options in [PLAIN, RecordOptions { payload: true, ..PLAIN }, RecordOptions { mask: true, ..PLAIN }] {
        let (mut sim, hosts) = swarm(options);
        sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
        for host in hosts {
            sim.shut_down(host);
        }
        sim.run_for(secs(10));
        for host in hosts {
            let (replay, ending) = replay(&sim, host);
            assert_eq!(ending, Ending::Whole(End::Session), "{}", sim.host_name(host));
            let have = replay.engine().torrent(replay.now(), TorrentId(0)).map(|status| status.have);
            assert_eq!(have, Some(32), "{}", sim.host_name(host));
        }
        let [seed, ..] = hosts;
        assert_eq!(sim.recording(seed).len() > 2 << 20, options.payload);
    }
}

#[test]
fn what_still_runs_is_recorded_up_to_now() {
    let (mut sim, hosts) = swarm(PLAIN);
    let mut before = [0; 3];
    for _ in 0..20 {
        sim.run_for(secs(1));
        for (host, before) in hosts.into_iter().zip(&mut before) {
            let (replay, ending) = replay(&sim, host);
            assert_eq!(ending, Ending::Whole(End::Session), "{}", sim.host_name(host));
            let (found, now) = (replay.engine().torrent(replay.now(), TorrentId(0)), sim.status(host));
            assert_eq!(found.map(|status| status.have), now.map(|status| status.have));
            assert!(replay.steps() >= *before);
            *before = replay.steps();
        }
    }
    assert!(before.into_iter().all(|steps| steps > 100), "{before:?}");
}

#[test]
fn a_recording_changes_nothing() {
    let run = |options: Option<RecordOptions>| {
        let mut sim = Sim::new(2);
        let torrent = sim.torrent(mib(1), 64 << 10, &[]).unwrap();
        let seed = sim.add(Host::new("seed").link(line()).seeds(&torrent));
        let leecher = Host::new("leecher").link(line()).downloads(&torrent);
        let leecher = sim.add(match options {
            None => leecher,
            Some(options) => leecher.recorded(options),
        });
        sim.introduce(leecher, seed);
        sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
        sim.digest()
    };
    assert_eq!(run(None), run(Some(PLAIN)));
}

#[test]
fn what_was_recorded_of_a_killed_engine_replays_as_far_as_it_goes() {
    let (mut sim, [_, leecher, _]) = swarm(PLAIN);
    sim.run_until(minutes(1), |sim| sim.status(leecher).is_some_and(|status| status.have > 10)).unwrap();
    sim.kill(leecher);
    let (first, ending) = replay(&sim, leecher);
    assert_eq!(ending, Ending::Torn);
    assert!(first.engine().torrent(first.now(), TorrentId(0)).is_some_and(|status| status.have > 5));
    // The next life is recorded anew, and takes up what the first has left on the disk.
    sim.start(leecher);
    sim.run_for(secs(1));
    let (second, _) = replay(&sim, leecher);
    assert!(second.header().start > first.header().start);
}
