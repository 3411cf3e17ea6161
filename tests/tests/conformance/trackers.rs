//! Trackers on loopback: each form of answer, one that is down, one that is silent, one behind TLS.

use crate::actor::{Actor, download_from, end, perform, settings};
use crate::https;
use crate::stage::Stage;
use peerless_core::tracker::TrackerError;
use peerless_core::{Event, NetError, TrackerNews};
use peerless_runtime::{Session, Settings};
use peerless_tests::script_tracker::{chunked, compact, dictionaries, gzipped, http, with_peers};
use peerless_tests::{Announce, Answer, Deadline, Manner, ScriptPeer, ScriptTracker};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::time::{Duration, Instant};

stories![
    a_compact_answer_leads_to_peers,
    an_answer_of_dictionaries_leads_to_peers,
    an_answer_in_chunks_leads_to_peers,
    an_answer_under_gzip_leads_to_peers,
    an_answer_that_drips_leads_to_peers,
    a_tracker_is_found_by_name,
    a_tracker_behind_tls_leads_to_peers,
    a_certificate_that_nobody_vouches_for_is_refused,
    the_second_tier_helps_where_the_first_is_down,
    a_tracker_hears_how_it_went,
    a_tracker_hears_that_a_download_was_given_up,
    a_silent_tracker_does_not_hold_up_the_end,
    a_tracker_that_falls_silent_does_not_hold_up_the_end,
];

/// A tracker at any port of 127.0.0.1.
fn tracker(answer: Answer) -> ScriptTracker {
    ScriptTracker::start(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0), vec![answer])
}

/// A scripted seed of the stage's torrent.
fn seed(stage: &Stage) -> ScriptPeer {
    ScriptPeer::seed((Ipv4Addr::LOCALHOST, 0), &stage.torrent, Manner::Honest)
}

fn plain(peers: &[SocketAddr]) -> Answer {
    Answer::Raw(http("200 OK", "", &with_peers(&compact(peers))))
}

/// Downloads from the peers that trackers name.
fn download<S: Session>(stage: &Stage, settings: Settings) -> Actor<S> {
    let mut actors = [Actor::<S>::with(settings, stage.metainfo.clone(), stage.target(), download_from(&[]))];
    perform(&mut actors, "the download", |all| all[0].has_stopped());
    assert_eq!(actors[0].failure(), None);
    stage.assert_copied();
    end(&mut actors);
    let [actor] = actors;
    actor
}

/// Downloads from a seed that is known from this answer alone.
fn leads_to_peers<S: Session>(answer: impl FnOnce(SocketAddr) -> Answer) {
    let mut stage = Stage::file(5);
    let seed = seed(&stage);
    let tracker = tracker(answer(seed.addr));
    stage.track(&[&[&tracker.url()]]);
    download::<S>(&stage, settings());
}

fn a_compact_answer_leads_to_peers<S: Session>() {
    leads_to_peers::<S>(|seed| plain(&[seed]));
}

fn an_answer_of_dictionaries_leads_to_peers<S: Session>() {
    leads_to_peers::<S>(|seed| Answer::Raw(http("200 OK", "", &with_peers(&dictionaries(&[seed])))));
}

fn an_answer_in_chunks_leads_to_peers<S: Session>() {
    leads_to_peers::<S>(|seed| Answer::Raw(chunked(&with_peers(&compact(&[seed])))));
}

fn an_answer_under_gzip_leads_to_peers<S: Session>() {
    leads_to_peers::<S>(|seed| Answer::Raw(gzipped(&with_peers(&compact(&[seed])))));
}

fn an_answer_that_drips_leads_to_peers<S: Session>() {
    leads_to_peers::<S>(|seed| {
        Answer::Slowly(http("200 OK", "", &with_peers(&compact(&[seed]))), Duration::from_millis(1))
    });
}

/// The name may have an address of each family; at one of them nobody listens.
fn a_tracker_is_found_by_name<S: Session>() {
    let mut stage = Stage::file(5);
    let tracker = tracker(plain(&[seed(&stage).addr]));
    stage.track(&[&[&tracker.url().replace("127.0.0.1", "localhost")]]);
    download::<S>(&stage, settings());
    assert!(!tracker.announces().is_empty());
}

fn a_tracker_behind_tls_leads_to_peers<S: Session>() {
    let mut stage = Stage::file(5);
    let tracker = tracker(plain(&[seed(&stage).addr]));
    stage.track(&[&[&https::front(&tracker)]]);
    download::<S>(&stage, Settings { extra_roots: Some(https::authority()), ..settings() });
    assert!(!tracker.announces().is_empty());
}

fn a_certificate_that_nobody_vouches_for_is_refused<S: Session>() {
    let mut stage = Stage::file(5);
    let (seed, tracker) = (seed(&stage), tracker(plain(&[])));
    stage.track(&[&[&https::front(&tracker)]]);
    let mut actors = [Actor::<S>::leecher(&stage, &[])];
    perform(&mut actors, "word of the tracker", |all| {
        all[0].has_told(|e| matches!(e, Event::Tracker { .. }))
    });
    let refused = |event: &Event| {
        let Event::Tracker { news: TrackerNews::Failed { error, .. }, .. } = event else { return false };
        matches!(error, TrackerError::Connect(NetError::Tls(_)) | TrackerError::Broken(NetError::Tls(_)))
    };
    assert!(actors[0].has_told(refused), "{:#?}", actors[0].events);
    assert_eq!((tracker.announces(), seed.connections()), (vec![], 0));
    end(&mut actors);
}

fn the_second_tier_helps_where_the_first_is_down<S: Session>() {
    let mut stage = Stage::file(5);
    let down = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let works = tracker(plain(&[seed(&stage).addr]));
    stage.track(&[&[&format!("http://{down}/announce")], &[&works.url()]]);
    let actor = download::<S>(&stage, settings());
    let refused = TrackerError::Connect(NetError::Refused);
    assert!(actor.has_told(|event| {
        matches!(event, Event::Tracker { news: TrackerNews::Failed { error, .. }, .. } if *error == refused)
    }));
}

/// The events of the announces, in order.
fn told(announces: &[Announce]) -> Vec<String> {
    announces.iter().map(|announce| announce.text("event")).collect()
}

fn a_tracker_hears_how_it_went<S: Session>() {
    let mut stage = Stage::file(5);
    let tracker = tracker(plain(&[seed(&stage).addr]));
    stage.track(&[&[&tracker.url()]]);
    let actor = download::<S>(&stage, settings());
    let announces = tracker.announces();
    assert_eq!(told(&announces), ["started", "completed", "stopped"]);
    let total = stage.torrent.payload.total().to_string();
    let left: Vec<_> = announces.iter().map(|announce| announce.text("left")).collect();
    assert_eq!(left, [&total, "0", "0"]);
    assert_eq!(announces[2].text("downloaded"), total);
    for announce in &announces {
        assert_eq!(announce.params["info_hash"], stage.torrent.info_hash.0);
        assert_eq!(announce.params["peer_id"], actor.session.engine().peer_id().0);
        assert_eq!(announce.text("port"), actor.addr().port().to_string());
    }
}

fn a_tracker_hears_that_a_download_was_given_up<S: Session>() {
    let mut stage = Stage::file(5);
    let tracker = tracker(plain(&[]));
    stage.track(&[&[&tracker.url()]]);
    let mut actors = [Actor::<S>::leecher(&stage, &[])];
    let answered = |event: &Event| matches!(event, Event::Tracker { news: TrackerNews::Answered { .. }, .. });
    perform(&mut actors, "the tracker's answer", |all| all[0].has_told(answered));
    end(&mut actors);
    let stopped = tracker.wait_for("word of the end", Deadline::seconds(1), |a| a.text("event") == "stopped");
    assert_eq!(stopped.text("left"), stage.torrent.payload.total().to_string());
    assert_eq!(told(&tracker.announces()), ["started", "stopped"]);
}

const SILENCE: Answer = Answer::RawThenSilence(Vec::new());

/// Ends a session whose tracker it asked and, if so, heard.
fn ends_in_time<S: Session>(tracker: &ScriptTracker, heard: bool) {
    let mut stage = Stage::file(5);
    stage.track(&[&[&tracker.url()]]);
    let mut actors = [Actor::<S>::leecher(&stage, &[])];
    perform(&mut actors, "the first announce", |all| {
        all[0].has_told(|event| matches!(event, Event::Tracker { .. }))
            || !heard && !tracker.announces().is_empty()
    });
    let begun = Instant::now();
    end(&mut actors);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

fn a_silent_tracker_does_not_hold_up_the_end<S: Session>() {
    ends_in_time::<S>(&tracker(SILENCE), false);
}

fn a_tracker_that_falls_silent_does_not_hold_up_the_end<S: Session>() {
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let tracker = ScriptTracker::start(at, vec![plain(&[]), SILENCE]);
    ends_in_time::<S>(&tracker, true);
    assert_eq!(told(&tracker.announces()), ["started", "stopped"]);
}
