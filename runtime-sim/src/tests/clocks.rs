//! Hosts whose clocks are wrong, drift and jump.

use crate::units::{hours, mbit, mib, millis, minutes, secs};
use crate::{Host, HostId, HttpTracker, Link, Misdeed, ScriptedPeer, Sim};
use peerless_core::{Event, TrackerNews};

fn line() -> Link {
    Link::symmetric(mbit(20)).latency(millis(5))
}

/// A seed and leechers with these clocks, ahead by hours and faster by millionths.
fn swarm(clocks: &[(u64, i32)]) -> (Sim, Vec<HostId>) {
    let mut sim = Sim::new(7);
    let torrent = sim.torrent(mib(16), 64 << 10, &[]).unwrap();
    let host = |(n, (ahead, drift)): (usize, &(u64, i32))| {
        let host = Host::new(format!("host {n}")).link(line()).clock(hours(*ahead), *drift);
        sim.add(if n == 0 { host.seeds(&torrent) } else { host.downloads(&torrent) })
    };
    let hosts: Vec<HostId> = clocks.iter().enumerate().map(host).collect();
    for leecher in &hosts[1..] {
        sim.introduce(*leecher, hosts[0]);
    }
    (sim, hosts)
}

#[test]
fn a_swarm_whose_clocks_all_say_something_else_is_as_fast_as_any() {
    let took = |clocks: &[(u64, i32)]| {
        let (mut sim, _) = swarm(clocks);
        sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
        sim.now().as_micros()
    };
    let right = took(&[(0, 0), (0, 0), (0, 0)]);
    let wrong = took(&[(100_000, 200), (3, -500), (77, 1_000)]);
    assert!(wrong < right * 12 / 10, "{wrong} us, and {right} us with clocks that are right");
}

#[test]
fn an_engine_sees_the_time_of_its_host() {
    let (mut sim, hosts) = swarm(&[(0, 0), (5, 250_000)]);
    sim.run_for(secs(40));
    assert_eq!(sim.clock(hosts[0]), sim.now());
    assert_eq!(sim.clock(hosts[1]), sim.now() + hours(5) + secs(10));
}

/// A seed that announces itself every five minutes, by such a clock.
fn announcer(drift: i32) -> (Sim, HostId) {
    let mut sim = Sim::new(1);
    let tracker = sim.add_actor("tracker", Link::unlimited(), HttpTracker::with_interval(1, minutes(5)));
    let torrent = sim.torrent(mib(1), 64 << 10, &[HttpTracker::url(sim.addr(tracker))]).unwrap();
    let seed = sim.add(Host::new("seed").clock(hours(1), drift).seeds(&torrent));
    (sim, seed)
}

/// How often it does so in ten hours of the world.
fn announces(drift: i32) -> usize {
    let (mut sim, seed) = announcer(drift);
    sim.run_for(hours(10));
    let answered =
        |(_, event): &&(_, Event)| matches!(event, Event::Tracker { news: TrackerNews::Answered { .. }, .. });
    sim.story(seed).iter().filter(answered).count()
}

#[test]
fn what_is_due_by_a_fast_clock_is_due_early() {
    let (right, fast, slow) = (announces(0), announces(500_000), announces(-500_000));
    assert!((115..=121).contains(&right), "{right} in ten hours");
    assert!((173..=182).contains(&fast), "{fast} by a clock that is half as fast again");
    assert!((57..=61).contains(&slow), "{slow} by one that is half as fast");
}

#[test]
fn a_clock_that_jumps_by_hours_is_one_tick_and_costs_no_data() {
    let (mut sim, hosts) = swarm(&[(0, 0), (0, 0), (0, 0)]);
    for n in 1..4 {
        sim.run_for(millis(900));
        let before = sim.inputs();
        sim.jump_clock(hosts[1], hours(3 * n));
        sim.jump_clock(hosts[0], hours(1));
        sim.run_for(millis(1));
        assert!(sim.inputs() - before < 60, "{} inputs in a millisecond", sim.inputs() - before);
    }
    sim.run_until(minutes(10), |sim| sim.downloads_left() == 0).unwrap();
    let fetched = sim.traffic(hosts[1]).downloaded;
    assert!(fetched < mib(16) * 11 / 10 + mib(1), "fetched {fetched} bytes");
    for host in hosts {
        let banned = |(_, event): &(_, Event)| matches!(event, Event::PeerBanned { .. });
        assert!(!sim.story(host).iter().any(banned));
    }
}

#[test]
fn a_clock_may_change_its_speed_in_the_middle() {
    let (mut sim, hosts) = swarm(&[(0, 0), (0, 0)]);
    for drift in [-800_000, 700_000, 30, -30] {
        sim.run_for(millis(500));
        sim.set_drift(hosts[1], drift);
    }
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
}

#[test]
fn what_a_clock_that_was_touched_had_planned_is_forgotten() {
    let steps = |touched: u32| {
        let (mut sim, seed) = announcer(0);
        sim.run_for(minutes(1));
        for _ in 0..touched {
            sim.set_drift(seed, 0);
        }
        let end = sim.now() + hours(5);
        std::iter::from_fn(|| sim.step(end).then_some(())).count()
    };
    let (calm, touched) = (steps(0), steps(100));
    assert!(touched <= calm + 200, "{touched} steps in hours, and {calm} if nobody touches a clock");
}

#[test]
fn an_engine_owes_signs_of_life_by_its_own_clock() {
    let mut sim = Sim::new(1);
    let torrent = sim.torrent(mib(1), 64 << 10, &[]).unwrap();
    let idle = ScriptedPeer::seed(&torrent).does(Misdeed::ChokeForever);
    let idle = sim.add_actor("idle", line(), idle);
    let slow = sim.add(Host::new("slow").clock(hours(2), -500_000).downloads(&torrent));
    sim.introduce(slow, idle);
    // A keep-alive is due every 100 s: every 200 s by our time. The checks would say so, and it is no fault.
    sim.run_for(minutes(20));
    sim.jump_clock(slow, hours(1));
    sim.run_for(minutes(20));
    assert_eq!(sim.peers(slow).len(), 1, "and nobody left");
}

#[test]
fn a_time_of_day_that_is_set_back_costs_a_check_and_nothing_else() {
    let (mut sim, hosts) = swarm(&[(0, 0), (0, 0)]);
    let slow = Link::symmetric(mbit(4));
    sim.set_link(hosts[0], slow);
    sim.run_for(secs(12));
    sim.set_time_of_day(hosts[1], -86_400);
    sim.run_for(secs(1));
    let had = sim.status(hosts[1]).unwrap().have;
    sim.kill(hosts[1]);
    sim.start(hosts[1]);
    sim.introduce(hosts[1], hosts[0]);
    sim.run_for(secs(1));
    let resumed = sim.story(hosts[1]).iter().rev().find_map(|(_, event)| match event {
        Event::Resumed { summary, .. } => Some(*summary),
        _ => None,
    });
    let summary = resumed.unwrap();
    assert_eq!(summary.trusted, 0, "the file is older than the journal says: {summary:?}");
    assert!(had > 50 && summary.have >= had, "{had} before: {summary:?}");
    sim.run_until(minutes(5), |sim| sim.downloads_left() == 0).unwrap();
}
