//! The session's own promises: waiting, waking, shutting down, refusing.

use crate::actor::{Actor, end, perform, settings};
use crate::stage::Stage;
use peerless_core::{AddError, Event, TorrentOptions};
use peerless_runtime::{Session, SessionError};
use std::time::{Duration, Instant};

stories![
    a_wake_from_another_thread_ends_the_wait,
    a_wake_before_the_wait_counts,
    many_wakes_do_not_starve_a_download,
    waits_of_no_length_do_not_starve_a_download,
    a_wait_without_events_ends_in_time,
    a_session_without_torrents_shuts_down_at_once,
    a_session_that_shuts_down_takes_no_torrent,
    a_torrent_is_taken_once,
];

fn a_wake_from_another_thread_ends_the_wait<S: Session>() {
    let mut session = S::open(settings()).unwrap();
    for _ in 0..20 {
        let waker = session.waker();
        let thread = std::thread::spawn(move || waker.wake());
        // Were it not woken it would wait for ever.
        assert_eq!(session.wait(None).unwrap(), None);
        thread.join().unwrap();
    }
}

fn a_wake_before_the_wait_counts<S: Session>() {
    let mut session = S::open(settings()).unwrap();
    let waker = session.waker();
    waker.wake();
    waker.wake();
    assert_eq!(session.wait(None).unwrap(), None);
    // Both were one: the next wait has to run its time.
    let begun = Instant::now();
    assert_eq!(session.wait(Some(Duration::from_millis(50))).unwrap(), None);
    assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
}

fn many_wakes_do_not_starve_a_download<S: Session>() {
    let stage = Stage::file(20);
    let seed = Actor::<S>::seed(&stage);
    let leecher = Actor::<S>::leecher(&stage, &[seed.addr()]);
    let wakers = [seed.session.waker(), leecher.session.waker()];
    let mut both = [seed, leecher];
    perform(&mut both, "the download", |all| {
        wakers.iter().for_each(peerless_runtime::Waker::wake);
        all[1].has_stopped()
    });
    stage.assert_copied();
    end(&mut both);
}

fn waits_of_no_length_do_not_starve_a_download<S: Session>() {
    let stage = Stage::file(20);
    let seed = Actor::<S>::seed(&stage);
    let leecher = Actor::leecher(&stage, &[seed.addr()]);
    let mut both = [seed, leecher];
    both.iter_mut().for_each(|actor| actor.patience = Duration::ZERO);
    perform(&mut both, "the download", |all| all[1].has_stopped());
    stage.assert_copied();
    end(&mut both);
}

fn a_wait_without_events_ends_in_time<S: Session>() {
    let mut session = S::open(settings()).unwrap();
    for millis in [0, 1, 30] {
        let (begun, time) = (Instant::now(), Duration::from_millis(millis));
        assert_eq!(session.wait(Some(time)).unwrap(), None);
        let took = begun.elapsed();
        assert!(took >= time && took < time + Duration::from_secs(5), "{took:?} for {time:?}");
    }
}

fn a_session_without_torrents_shuts_down_at_once<S: Session>() {
    let mut session = S::open(settings()).unwrap();
    session.shutdown();
    assert_eq!(session.wait(Some(Duration::ZERO)).unwrap(), Some(Event::ShutDown));
    assert_eq!(session.wait(Some(Duration::ZERO)).unwrap(), None);
}

fn a_session_that_shuts_down_takes_no_torrent<S: Session>() {
    let stage = Stage::file(2);
    let mut session = S::open(settings()).unwrap();
    session.shutdown();
    let refused = session.add(stage.metainfo.clone(), stage.target(), TorrentOptions::default());
    assert_eq!(refused, Err(SessionError::Add(AddError::ShuttingDown)));
}

fn a_torrent_is_taken_once<S: Session>() {
    let stage = Stage::file(2);
    let mut actor = Actor::<S>::seed(&stage);
    let refused = actor.session.add(stage.metainfo.clone(), stage.target(), TorrentOptions::default());
    assert_eq!(refused, Err(SessionError::Add(AddError::Duplicate)));
    // The target of the one that was refused is free.
    actor.stop();
    let mut actors = [actor];
    perform(&mut actors, "the stop", |all| all[0].has_stopped());
    let [actor] = &mut actors;
    let again = actor.session.add(stage.metainfo.clone(), stage.target(), TorrentOptions::default());
    assert!(again.is_ok(), "{again:?}");
}
