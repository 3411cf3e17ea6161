//! How the window follows simulated links: fast, far, slow, changing, silent.

use super::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use std::collections::VecDeque;
use std::vec::Vec;

const MB: u64 = 1_000_000;
const GBIT: u64 = 125 * MB;
const BLOCK: u64 = BLOCK_LEN as u64;

/// A peer that answers in order, at the other end of a path with some rate and delay, and us, asking for as
/// much as the window allows and taking back what is late.
struct Link {
    window: Window,
    now: Instant,
    /// Bytes a second.
    rate: u64,
    /// A round trip.
    delay: Duration,
    /// The peer's TCP begins with ten segments a round trip and doubles that until it reaches the rate.
    opens_since: Option<Instant>,
    /// Up to so much more, different for each block.
    jitter: Duration,
    dice: ChaCha8Rng,
    /// We ask only when such a part of the window is free, rather than send a message for each block.
    part: usize,
    /// We look at the socket only so often.
    tick: Duration,
    /// The peer answers nothing.
    silent: bool,
    /// Until when the peer sends what it has begun to send.
    busy_until: Instant,
    /// When each request was sent that the peer has not begun to answer.
    asked: VecDeque<Instant>,
    /// When each block will be here that is on its way, and when it was asked for.
    coming: VecDeque<(Instant, Instant)>,
    /// When each block came.
    received: Vec<Instant>,
    timeouts: usize,
}

impl Link {
    fn new(rate: u64, delay_ms: u64) -> Self {
        let now = Instant::from_secs(500);
        let mut window = Window::new(now, None);
        window.set_limit(2_000);
        Self {
            window,
            now,
            rate,
            delay: Duration::from_millis(delay_ms),
            opens_since: None,
            part: 4,
            jitter: Duration::ZERO,
            dice: ChaCha8Rng::from_seed([1; 32]),
            tick: Duration::from_micros(1),
            silent: false,
            busy_until: now,
            asked: VecDeque::new(),
            coming: VecDeque::new(),
            received: Vec::new(),
            timeouts: 0,
        }
    }

    fn outstanding(&self) -> usize {
        self.asked.len() + self.coming.len()
    }

    fn ask(&mut self) {
        let wanted = self.window.size().saturating_sub(self.outstanding());
        if wanted > 0 && (wanted >= self.window.size() / self.part || self.outstanding() == 0) {
            self.window.sent(self.now, wanted);
            self.asked.extend(core::iter::repeat_n(self.now, wanted));
        }
    }

    /// When the peer can begin with the next block.
    fn next_start(&self) -> Option<Instant> {
        let asked_at = *self.asked.front().filter(|_| !self.silent)?;
        Some(self.busy_until.max(asked_at + self.delay / 2))
    }

    fn start(&mut self, at: Instant) {
        let Some(asked_at) = self.asked.pop_front() else { return };
        self.busy_until = at + Duration::from_micros(BLOCK * 1_000_000 / self.rate_at(at));
        let jitter = self.dice.next_u64() % (self.jitter.as_micros() as u64 + 1);
        let here = (self.busy_until + self.delay / 2).as_micros() + jitter;
        let before = self.coming.back().map_or(0, |(here, _)| here.as_micros());
        let here = here.next_multiple_of(self.tick.as_micros() as u64).max(before);
        self.coming.push_back((Instant::from_micros(here), asked_at));
    }

    fn rate_at(&self, at: Instant) -> u64 {
        let Some(since) = self.opens_since else { return self.rate };
        let trips = at.since(since).as_micros() / self.delay.as_micros();
        let window = 14_600_u64 << trips.min(40);
        (window * 1_000 / self.delay.as_millis() as u64).min(self.rate)
    }

    fn receive(&mut self) {
        while let Some((here, asked_at)) = self.coming.front().copied()
            && here <= self.now
        {
            self.coming.pop_front();
            self.received.push(here);
            self.window.received(here, BLOCK_LEN, asked_at);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.asked.front().map(|asked_at| *asked_at + self.window.timeout())
    }

    fn give_up(&mut self) {
        if self.deadline().is_none_or(|at| at > self.now) {
            return;
        }
        let before = self.asked.len();
        let (now, timeout) = (self.now, self.window.timeout());
        self.asked.retain(|asked_at| now.since(*asked_at) < timeout);
        self.timeouts += before - self.asked.len();
        self.window.timed_out(self.now);
    }

    /// Lets `time` pass; the bytes that came meanwhile.
    fn run(&mut self, time: Duration) -> u64 {
        let end = self.now + time;
        let before = self.received.len();
        loop {
            self.ask();
            let start = self.next_start();
            let block = self.coming.front().map(|(here, _)| *here);
            let loss = self.deadline();
            let Some(next) = start.into_iter().chain(block).chain(loss).min() else { break };
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            if start.is_some_and(|at| at <= next) {
                self.start(next);
            }
            self.receive();
            self.give_up();
        }
        self.now = end;
        (self.received.len() - before) as u64 * BLOCK
    }

    fn run_ms(&mut self, ms: u64) -> u64 {
        self.run(Duration::from_millis(ms))
    }

    /// How much of the link is used in the next `ms` milliseconds, in percent.
    fn use_of(&mut self, ms: u64) -> u64 {
        self.run_ms(ms) * 100_000 / ms / self.rate
    }

    /// How long a block that is asked for now would wait behind others.
    fn queue(&self) -> Duration {
        let micros = self.asked.len() as u64 * BLOCK * 1_000_000 / self.rate;
        Duration::from_micros(micros).saturating_sub(self.delay / 2)
    }
}

#[test]
fn a_gigabit_is_filled_after_a_second_over_any_distance() {
    for delay in [0, 1, 10, 50, 200] {
        let mut link = Link::new(GBIT, delay);
        link.run_ms(1_000);
        let first = link.use_of(1_000);
        let later = link.use_of(30_000);
        assert!(first >= 95 && later >= 97, "{delay} ms: {first} %, then {later} %");
    }
}

#[test]
fn a_seed_on_the_same_machine_is_at_full_speed_within_milliseconds() {
    let mut link = Link::new(4_000 * MB, 0);
    link.delay = Duration::from_micros(100);
    link.run_ms(3);
    let used = link.use_of(10);
    assert!(used >= 95, "{used} %");
}

#[test]
fn in_a_crowd_who_is_new_and_near_is_asked_for_all_it_could_give_and_others_for_little() {
    let mut near = Link::new(4 * MB, 50);
    near.run_ms(60);
    assert!(near.window.size() > FIRST);
    assert_eq!(near.window.size_in_crowd(), near.window.size(), "nothing queues yet");
    near.run_ms(2_000);
    let (alone, in_crowd) = (near.window.size(), near.window.size_in_crowd());
    assert!((12..=16).contains(&in_crowd) && in_crowd * 4 < alone, "{in_crowd} of {alone}: a delay's worth");
    let mut late = Link::new(GBIT, 600);
    late.run_ms(700);
    assert_eq!(late.window.size_in_crowd(), 2, "what comes late may have stood in our own queue");
}

#[test]
fn a_path_that_is_known_to_be_long_is_filled_a_round_trip_sooner() {
    let trips = |known: Option<u64>| {
        let mut link = Link::new(GBIT, 200);
        link.window = Window::new(link.now, known.map(Duration::from_millis));
        link.window.set_limit(2_000);
        (1..20).find(|_| {
            link.run_ms(200);
            link.window.size() >= 1_500
        })
    };
    assert_eq!(trips(None), trips(Some(100)), "not long enough");
    assert!(trips(Some(200)) < trips(None), "{:?}", trips(Some(200)));
}

#[test]
fn a_long_path_is_filled_within_a_few_round_trips() {
    let mut link = Link::new(GBIT, 200);
    // The answers to what is asked in the sixth round trip.
    link.run_ms(1_200);
    let used = link.use_of(200);
    assert!(used >= 95, "{used} %");
}

#[test]
fn a_connection_that_is_still_getting_up_to_speed_is_not_held_back() {
    for (rate, delay) in [(4 * MB, 80), (4 * MB, 200), (40 * MB, 100), (GBIT, 50)] {
        let mut link = Link::new(rate, delay);
        link.opens_since = Some(link.now);
        let mut trips = 0;
        while link.rate_at(link.now) < rate {
            link.run_ms(delay);
            trips += 1;
        }
        link.run_ms(4 * delay);
        let used = link.use_of(1_000);
        assert!(used >= 90, "{rate} B/s, {delay} ms: {used} % after {trips} + 4 round trips");
        link.run_ms(1_000);
        let used = link.use_of(5_000);
        assert!(used >= 95, "{rate} B/s, {delay} ms: {used} % in the end");
    }
}

#[test]
fn a_home_line_is_filled_and_its_queue_stays_short() {
    let mut link = Link::new(4 * MB, 80);
    link.window.set_limit(250);
    link.run_ms(1_000);
    for second in 0..60 {
        let used = link.use_of(1_000);
        // The dips are probes.
        assert!(used >= 90, "second {second}: {used} %");
        assert!(link.queue() <= Duration::from_millis(600), "second {second}: {:?}", link.queue());
    }
    let used = link.use_of(60_000);
    assert!(used >= 97 && link.window.is_fast(), "{used} %");
}

#[test]
fn a_slow_peer_is_asked_for_little() {
    let mut link = Link::new(20_000, 80);
    link.run_ms(20_000);
    for minute in 0..5 {
        let used = link.use_of(60_000);
        assert!(used >= 95, "minute {minute}: {used} %");
        assert!(link.window.size() <= 8, "minute {minute}: {}", link.window.size());
    }
    assert_eq!(link.timeouts, 0);
    assert!(!link.window.is_fast());
}

#[test]
fn reading_only_now_and_then_does_not_slow_a_peer_down() {
    for (rate, delay, tick) in [(GBIT, 10, 20), (4 * MB, 80, 50), (GBIT, 0, 5), (20_000, 80, 50)] {
        let mut link = Link::new(rate, delay);
        link.tick = Duration::from_millis(tick);
        link.run_ms(2_000);
        let used = link.use_of(60_000);
        assert!(used >= 95, "{rate} B/s, {delay} ms, read every {tick} ms: {used} %");
    }
}

#[test]
fn a_path_that_is_anything_but_even_is_filled_as_well() {
    for (rate, delay, jitter) in [(4 * MB, 80, 60), (4 * MB, 20, 150), (GBIT, 20, 20), (100_000, 100, 400)] {
        let mut link = Link::new(rate, delay);
        link.jitter = Duration::from_millis(jitter);
        link.run_ms(3_000);
        let used = link.use_of(60_000);
        assert!(used >= 95, "{rate} B/s, {delay} ms, {jitter} ms more or less: {used} %");
        assert!(link.queue() <= Duration::from_millis(1_200), "{rate} B/s, {delay} ms: {:?}", link.queue());
    }
}

#[test]
fn the_window_does_not_feed_on_its_own_queue() {
    for (rate, delay) in [(4 * MB, 80), (400_000, 20), (12 * MB, 5)] {
        let mut link = Link::new(rate, delay);
        link.run_ms(5_000);
        let mut longest = Duration::ZERO;
        for _ in 0..600 {
            link.run_ms(1_000);
            longest = longest.max(link.queue());
        }
        assert!(longest <= Duration::from_millis(700), "{rate} B/s, {delay} ms: {longest:?}");
    }
}

#[test]
fn a_peer_that_becomes_faster_or_slower_is_followed() {
    let mut link = Link::new(4 * MB, 50);
    for (rate, settled_ms) in
        [(400_000, 6_000), (40 * MB, 4_000), (4 * MB, 6_000), (100_000, 20_000), (40 * MB, 6_000)]
    {
        link.rate = rate;
        link.run_ms(settled_ms);
        let used = link.use_of(5_000);
        assert!(used >= 95, "{rate} B/s: {used} %");
        assert!(link.queue() <= Duration::from_millis(800), "{rate} B/s: {:?}", link.queue());
        assert_eq!(link.timeouts, 0, "{rate} B/s: late is not silent");
    }
}

#[test]
fn a_path_that_becomes_longer_or_shorter_is_noticed() {
    for (longer, settled_ms) in [(100, 2_000), (300, 4_000), (800, 7_000), (1_500, 15_000)] {
        for part in [4, 1_000] {
            let mut link = Link::new(4 * MB, 10);
            link.part = part;
            link.run_ms(20_000);
            link.delay = Duration::from_millis(longer);
            link.run_ms(settled_ms);
            let used = link.use_of(10_000);
            assert!(used >= 93, "{longer} ms: {used} %");
            link.run_ms(20_000);
            link.delay = Duration::from_millis(10);
            link.run_ms(10_000 + 32 * longer);
            assert!(link.queue() <= Duration::from_millis(500), "from {longer} ms: {:?}", link.queue());
        }
    }
}

#[test]
fn the_peers_limit_is_kept() {
    let mut link = Link::new(GBIT, 100);
    assert!(link.window.size() <= 8);
    link.window.set_limit(100);
    for _ in 0..100 {
        link.run_ms(100);
        assert!(link.window.size() <= 100);
    }
    link.window.set_limit(5);
    assert!(link.window.size() <= 5);
    link.window.set_limit(0);
    assert_eq!(link.window.size(), 1, "what cannot be asked cannot be downloaded");
    link.window.set_limit(usize::MAX);
    for _ in 0..100 {
        link.run_ms(100);
        assert!(link.window.size() <= limits::MAX_OUTSTANDING_REQUESTS);
    }
}

#[test]
fn a_peer_that_falls_silent_is_snubbed_and_recovers_when_it_delivers() {
    let mut link = Link::new(4 * MB, 80);
    link.run_ms(10_000);
    link.silent = true;
    link.run_ms(4_000);
    assert!(!link.window.is_snubbed());
    link.run_ms(3_000);
    assert!(link.window.is_snubbed() && !link.window.is_fast());
    assert_eq!((link.window.size(), link.outstanding()), (1, 1), "one request is left to find out");
    link.run_ms(60_000);
    assert!(link.window.is_snubbed());

    link.silent = false;
    link.run_ms(20_000);
    link.run_ms(2_000);
    assert!(!link.window.is_snubbed());
    let used = link.use_of(2_000);
    assert!(used >= 95, "{used} %");
}

#[test]
fn a_peer_that_only_became_very_slow_is_given_the_time_to_show_it() {
    let mut link = Link::new(4 * MB, 80);
    link.run_ms(10_000);
    // A block takes 16 seconds now.
    link.asked.clear();
    link.rate = 1_000;
    link.run_ms(120_000);
    let before = link.received.len();
    link.run_ms(120_000);
    assert!(link.received.len() >= before + 6, "{} blocks in two minutes", link.received.len() - before);
    assert!(!link.window.is_snubbed());
}

#[test]
fn the_time_of_a_peer_that_snubs_doubles_until_it_delivers() {
    let mut window = Window::new(Instant::ZERO, None);
    let mut now = Instant::from_secs(1);
    window.sent(Instant::ZERO, 8);
    window.received(now, BLOCK_LEN, Instant::ZERO);
    now = now + window.timeout();
    window.timed_out(now);
    let first = window.timeout();
    // What was sent along with the first runs out with it.
    window.timed_out(now + Duration::from_millis(200));
    assert_eq!(window.timeout(), first);
    for doubled in [first * 2, first * 4, first * 8] {
        now = now + window.timeout();
        window.timed_out(now);
        assert_eq!(window.timeout(), doubled.min(Duration::from_secs(60)));
    }
    window.received(now + Duration::from_secs(1), BLOCK_LEN, now);
    assert!(!window.is_snubbed());
    window.timed_out(now + Duration::from_secs(60));
    assert!(window.timeout() <= first);
}

#[test]
fn a_peer_that_never_answers_is_snubbed_after_twenty_seconds() {
    let mut link = Link::new(4 * MB, 80);
    link.silent = true;
    link.run_ms(19_000);
    assert!(!link.window.is_snubbed());
    link.run_ms(2_000);
    assert!(link.window.is_snubbed());
}

#[test]
fn a_choke_starts_the_window_over() {
    let mut link = Link::new(4 * MB, 80);
    link.run_ms(5_000);
    assert!(link.window.size() > 8);
    link.window.choked();
    link.coming.clear();
    link.asked.clear();
    assert_eq!(link.window.size(), 8);
    link.run_ms(120_000);
    let used = link.use_of(1_000);
    assert!(used >= 95 && !link.window.is_snubbed(), "{used} %");
}

#[test]
fn a_peer_that_snubs_and_then_chokes_has_not_yet_made_good() {
    let mut window = Window::new(Instant::ZERO, None);
    window.sent(Instant::ZERO, 8);
    window.timed_out(Instant::from_secs(20));
    window.choked();
    assert!(window.is_snubbed());
    assert_eq!(window.size(), 1);
}

#[test]
fn a_request_has_time_to_get_through_the_queue_but_not_for_ever() {
    let mut link = Link::new(4 * MB, 80);
    assert_eq!(link.window.timeout(), Duration::from_secs(20));
    link.run_ms(5_000);
    assert_eq!(link.window.timeout(), Duration::from_secs(5));
    let mut link = Link::new(8_000, 80);
    link.run_ms(120_000);
    let timeout = link.window.timeout();
    assert!(timeout > link.queue() && timeout <= Duration::from_secs(60), "{timeout:?}");
    assert_eq!(link.timeouts, 0);
}

#[test]
fn a_pause_in_what_we_want_is_not_held_against_the_peer() {
    let mut link = Link::new(40 * MB, 50);
    link.run_ms(5_000);
    let size = link.window.size();
    for _ in 0..20 {
        // Nothing to ask for: the blocks that are on their way come in, then there is silence.
        while let Some(at) = link.next_start() {
            link.start(at);
        }
        while let Some((here, _)) = link.coming.front() {
            link.now = *here;
            link.receive();
        }
        link.now = link.now + Duration::from_secs(30);
        link.run_ms(150);
        assert!(link.window.size() >= size / 2, "{} after {size}", link.window.size());
    }
}

#[test]
fn wanting_little_for_a_while_is_not_held_against_the_peer() {
    let mut link = Link::new(40 * MB, 50);
    link.run_ms(5_000);
    let size = link.window.size();
    link.coming.clear();
    link.asked.clear();
    // A few blocks at a time, as when few pieces are left that the peer has.
    let mut asked: VecDeque<_> = [link.now; 4].into();
    link.window.sent(link.now, 4);
    for _ in 0..1_000 {
        link.now = link.now + Duration::from_millis(20);
        link.window.received(link.now, BLOCK_LEN, asked.pop_front().unwrap());
        link.window.sent(link.now, 1);
        asked.push_back(link.now);
    }
    assert!(link.window.size() >= size / 2, "{} after {size}", link.window.size());
}

#[test]
fn asking_for_little_does_not_blow_the_window_up() {
    let mut window = Window::new(Instant::ZERO, None);
    let mut now = Instant::ZERO;
    for _ in 0..10_000 {
        window.sent(now, 4);
        let asked_at = now;
        now = now + Duration::from_millis(50);
        (0..4).for_each(|_| window.received(now, BLOCK_LEN, asked_at));
    }
    assert_eq!(window.size(), 8);
}

#[test]
fn counts_that_do_not_add_up_do_no_harm() {
    let mut window = Window::new(Instant::from_secs(9), None);
    window.received(Instant::from_secs(10), 0, Instant::from_secs(20));
    window.sent(Instant::from_secs(1), usize::MAX);
    window.sent(Instant::from_secs(1), 1);
    window.received(Instant::from_secs(2), u32::MAX, Instant::ZERO);
    window.received(Instant::FAR_FUTURE, u32::MAX, Instant::ZERO);
    window.timed_out(Instant::FAR_FUTURE);
    window.received(Instant::ZERO, 1, Instant::FAR_FUTURE);
    assert!(window.size() >= 1 && window.timeout() <= Duration::from_secs(60));
}
