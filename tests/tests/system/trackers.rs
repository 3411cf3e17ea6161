//! Every kind of answer that a tracker gives, and what the user reads of those that are of no use.

use peerless_tests::script_tracker::{chunked, compact, dictionaries, gzipped, http, with_peers};
use peerless_tests::{
    Announce, Answer, Deadline, Driver, Lab, Manner, Payload, Process, ScriptPeer, ScriptTracker, Signal,
    Torrent, both_drivers, same_bytes,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

fn payload() -> Payload {
    Payload::file("file.bin", 1 << 20, 64 << 10)
}

/// Our client downloads from an honest seed, of which the tracker tells it by what `answers` makes.
fn downloads_by(lab: &Lab, driver: Driver, answers: impl Fn(SocketAddr) -> Vec<Vec<u8>>) -> Vec<Announce> {
    downloads_by_seed_at(lab, driver, lab.next_addr().into(), answers)
}

fn downloads_by_seed_at(
    lab: &Lab,
    driver: Driver,
    at: SocketAddr,
    answers: impl Fn(SocketAddr) -> Vec<Vec<u8>>,
) -> Vec<Announce> {
    let addr = lab.next_addr();
    let torrent = torrent(lab, &[&[&format!("http://{addr}/announce?pass=word")]]);
    let seed = ScriptPeer::seed(at, &torrent, Manner::Honest);
    let tracker = ScriptTracker::start(addr, answers(seed.addr).into_iter().map(Answer::Raw).collect());
    completes(lab, driver, &torrent);
    tracker.announces()
}

/// One of two trackers does as `bad` says: our client completes by the other, and tells of the bad one all of
/// `words`. So it is with both in one tier, and with the bad one in a tier before.
fn completes_in_spite_of(lab: &Lab, driver: Driver, bad: &[Answer], words: &[&str]) {
    let said = said_of(lab, driver, bad, false);
    let unsaid = |said: &str| words.iter().find(|word| !said.contains(**word)).copied();
    assert_eq!(unsaid(&said), None, "tiers: nothing was said of this:\n{said}");
    // Within a tier they come in random order, and the bad one may not be asked at all.
    let in_turn = (0..20).any(|_| unsaid(&said_of(lab, driver, bad, true)).is_none());
    assert!(in_turn, "one tier: nothing was said of {words:?} in twenty runs");
}

/// What our client says when one of two trackers does as `bad` says.
fn said_of(lab: &Lab, driver: Driver, bad: &[Answer], one_tier: bool) -> String {
    let at = [lab.next_addr(), lab.next_addr()];
    let [first, second] = at.map(|addr| format!("http://{addr}/announce"));
    let torrent = match one_tier {
        true => torrent(lab, &[&[&first, &second]]),
        false => torrent(lab, &[&[&first], &[&second]]),
    };
    let seed = ScriptPeer::seed(lab.next_addr(), &torrent, Manner::Honest);
    if !bad.is_empty() {
        ScriptTracker::start(at[0], bad.to_vec());
    }
    let answer = http("200 OK", "", &with_peers(&compact(&[seed.addr])));
    ScriptTracker::start(at[1], vec![Answer::Raw(answer)]);
    let said = completes(lab, driver, &torrent).stderr().join("\n");
    assert!(
        !said.chars().any(|c| c.is_control() && c != '\n'),
        "control characters reach the user: {said:?}"
    );
    said
}

fn torrent(lab: &Lab, tiers: &[&[&str]]) -> Torrent {
    Torrent::new(&lab.dir("torrents"), &payload(), tiers)
}

/// Our client downloads, and the copy is compared and removed.
fn completes(lab: &Lab, driver: Driver, torrent: &Torrent) -> Process {
    let out = lab.dir("out").join(torrent.payload.name());
    let args = [torrent.path.as_os_str(), "-o".as_ref(), out.as_os_str()];
    let mut process = lab.peerless(driver, "get", args);
    let status = process.wait_exit(Deadline::seconds(60));
    assert_eq!(status.code(), Some(0), "peerless get: {status}");
    assert_eq!(same_bytes(&torrent.payload.write(&lab.dir("source")), &out), Ok(()));
    std::fs::remove_file(&out).expect("just compared");
    process
}

fn ok(body: &[u8]) -> Vec<u8> {
    http("200 OK", "Content-Type: text/plain\r\n", body)
}

/// A bencoded answer with one more entry, which sorts before `interval`.
fn with_entry(entry: &str, peer: SocketAddr) -> Vec<u8> {
    let answer = with_peers(&compact(&[peer]));
    [b"d", entry.as_bytes(), &answer[1..]].concat()
}

both_drivers! {
    fn an_announce_says_all_that_bep_3_wants(lab, driver) {
        let announces = downloads_by(lab, driver, |seed| vec![ok(&with_peers(&compact(&[seed])))]);
        let [started, completed, stopped] = announces.as_slice() else {
            panic!("not started, completed, stopped: {announces:#?}");
        };
        let hash = torrent(lab, &[]).info_hash;
        for announce in &announces {
            assert_eq!(announce.path, "/announce");
            assert!(!announce.text("key").is_empty());
            assert!(announce.query.starts_with("pass=word&"), "{}", announce.query);
            assert_eq!(announce.params["info_hash"], hash.0);
            assert_eq!(announce.params["peer_id"], started.params["peer_id"]);
            assert_eq!(announce.params["peer_id"].len(), 20);
            assert_eq!(announce.text("compact"), "1");
            assert_eq!(announce.text("port"), started.text("port"));
            assert_eq!(announce.text("uploaded"), "0");
            assert!(announce.headers.iter().any(|h| h.to_ascii_lowercase().starts_with("host: 198.18.")));
        }
        assert!(started.text("port").parse::<u16>().unwrap() > 0);
        assert_eq!((started.text("event").as_str(), started.text("left").as_str()), ("started", "1048576"));
        assert_eq!((completed.text("event").as_str(), completed.text("left").as_str()), ("completed", "0"));
        assert_eq!(completed.text("downloaded"), "1048576");
        assert_eq!((stopped.text("event").as_str(), stopped.text("left").as_str()), ("stopped", "0"));
        assert_eq!(stopped.text("numwant"), "0");
    }

    fn peers_come_as_dictionaries(lab, driver) {
        downloads_by(lab, driver, |seed| vec![ok(&with_peers(&dictionaries(&[seed])))]);
    }

    fn peers_come_with_ipv6_addresses(lab, driver) {
        let Some(at) = lab.next_addr_v6() else { return };
        downloads_by_seed_at(lab, driver, at.into(), |seed| {
            vec![ok(&[b"d8:intervali1800e6:peers6".as_slice(), &compact(&[seed]), b"e"].concat())]
        });
    }

    fn peers_come_as_dictionaries_with_ipv6_addresses(lab, driver) {
        let Some(at) = lab.next_addr_v6() else { return };
        downloads_by_seed_at(lab, driver, at.into(), |seed| vec![ok(&with_peers(&dictionaries(&[seed])))]);
    }

    fn an_answer_comes_in_chunks(lab, driver) {
        downloads_by(lab, driver, |seed| vec![chunked(&with_peers(&compact(&[seed])))]);
    }

    fn an_answer_comes_compressed(lab, driver) {
        downloads_by(lab, driver, |seed| vec![gzipped(&with_peers(&compact(&[seed])))]);
    }

    fn an_answer_ends_with_the_connection(lab, driver) {
        downloads_by(lab, driver, |seed| {
            vec![[b"HTTP/1.0 200 OK\r\n\r\n".as_slice(), &with_peers(&compact(&[seed]))].concat()]
        });
    }

    fn an_answer_comes_byte_by_byte(lab, driver) {
        let addr = lab.next_addr();
        let torrent = torrent(lab, &[&[&format!("http://{addr}/announce")]]);
        let seed = ScriptPeer::seed(lab.next_addr(), &torrent, Manner::Honest);
        let answer = ok(&with_peers(&compact(&[seed.addr])));
        ScriptTracker::start(addr, vec![Answer::Slowly(answer, Duration::from_millis(5))]);
        completes(lab, driver, &torrent);
    }

    fn a_redirect_is_followed(lab, driver) {
        let announces = downloads_by(lab, driver, |seed| {
            let elsewhere = http("302 Found", "Location: /announce/elsewhere?other=word\r\n", b"");
            vec![elsewhere, ok(&with_peers(&compact(&[seed])))]
        });
        assert_eq!(announces[1].path, "/announce/elsewhere");
        assert_eq!(announces[1].text("other"), "word");
        assert_eq!(announces[1].params["info_hash"], announces[0].params["info_hash"]);
    }

    fn a_tracker_id_is_given_back(lab, driver) {
        let announces = downloads_by(lab, driver, |seed| {
            let answer = with_peers(&compact(&[seed]));
            vec![ok(&[&answer[..answer.len() - 1], b"10:tracker id3:a&be"].concat())]
        });
        assert!(!announces[0].params.contains_key("trackerid"));
        assert_eq!(announces[1].text("trackerid"), "a&b");
    }

    fn an_external_address_does_no_harm(lab, driver) {
        downloads_by(lab, driver, |seed| vec![ok(&with_entry("11:external ip4:\u{1}\u{2}\u{3}\u{4}", seed))]);
    }

    fn a_warning_is_shown_and_the_peers_are_used(lab, driver) {
        let addr = lab.next_addr();
        let torrent = torrent(lab, &[&[&format!("http://{addr}/announce")]]);
        let seed = ScriptPeer::seed(lab.next_addr(), &torrent, Manner::Honest);
        let answer = with_peers(&compact(&[seed.addr]));
        let answer = [&answer[..answer.len() - 1], b"15:warning message17:old client, shamee"].concat();
        ScriptTracker::start(addr, vec![Answer::Raw(ok(&answer))]);
        let process = completes(lab, driver, &torrent);
        let said = process.stderr().join("\n");
        assert!(said.contains("old client, shame"), "{said}");
    }

    fn a_refusal_is_shown_and_another_tracker_asked(lab, driver) {
        let refusal = ok(b"d14:failure reason22:torrent not known heree");
        completes_in_spite_of(lab, driver, &[Answer::Raw(refusal)], &["torrent not known here"]);
    }

    fn a_refusal_for_good_is_shown_and_another_tracker_asked(lab, driver) {
        let refusal = ok(b"d14:failure reason7:go away8:retry in5:nevere");
        completes_in_spite_of(lab, driver, &[Answer::Raw(refusal)], &["go away"]);
    }

    fn the_text_of_an_http_error_is_shown(lab, driver) {
        let answer = http("400 Bad Request", "", b"id not of length 20\n");
        completes_in_spite_of(lab, driver, &[Answer::Raw(answer)], &["400", "id not of length 20"]);
    }

    fn a_tracker_that_is_down_is_named(lab, driver) {
        completes_in_spite_of(lab, driver, &[], &["refused"]);
    }

    fn a_tracker_that_never_answers_holds_nothing_back(lab, driver) {
        completes_in_spite_of(lab, driver, &[Answer::RawThenSilence(Vec::new())], &["no answer after 5s"]);
    }

    fn a_tracker_that_stops_in_mid_answer_holds_nothing_back(lab, driver) {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nd8:inter".to_vec();
        completes_in_spite_of(lab, driver, &[Answer::RawThenSilence(half.clone())], &["no answer after 5s"]);
        completes_in_spite_of(lab, driver, &[Answer::Raw(half)], &["the connection ended before the answer did"]);
    }

    fn garbage_is_no_answer(lab, driver) {
        for garbage in [
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            ok(b"<html>hello</html>"),
            ok(b"d8:intervali1800e5:peersi3ee"),
            ok(&[b"d".as_slice(), &[b'l'; 5000]].concat()),
            http("200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08\x00not gzip at all"),
            Vec::new(),
        ] {
            completes_in_spite_of(lab, driver, &[Answer::Raw(garbage)], &["tracker:"]);
            }
    }

    fn half_a_peer_is_none(lab, driver) {
        let answer = ok(b"d8:intervali1800e5:peers5:\x01\x02\x03\x04\x05e");
        completes_in_spite_of(lab, driver, &[Answer::Raw(answer)], &["end in the middle of the first address"]);
    }

    fn a_ring_of_redirects_is_left(lab, driver) {
        let ring = http("302 Found", "Location: /announce\r\n", b"");
        completes_in_spite_of(lab, driver, &[Answer::Raw(ring)], &["redirect"]);
    }

    fn escapes_for_the_terminal_do_not_reach_it(lab, driver) {
        let refusal = ok(b"d14:failure reason12:\x1b]0;owned\x07\r\ne");
        completes_in_spite_of(lab, driver, &[Answer::Raw(refusal)], &["owned"]);
    }

    #[ignore = "20 seconds of waiting: run by .ci/full"]
    fn a_min_interval_is_kept_to_when_peers_run_out(lab, driver) {
        let addr = lab.next_addr();
        let torrent = torrent(lab, &[&[&format!("http://{addr}/announce")]]);
        // Nobody is there: the peers run out at once.
        let nobody = compact(&[lab.next_addr().into()]);
        let answer = [b"d8:intervali1800e12:min intervali20e5:peers".as_slice(), &nobody, b"e"].concat();
        let tracker = ScriptTracker::start(addr, vec![Answer::Raw(ok(&answer))]);
        let out = lab.dir("out").join("file.bin");
        let mut process = lab.peerless(driver, "get", [torrent.path.as_os_str(), "-o".as_ref(), out.as_os_str()]);
        tracker.wait_for("first announce", Deadline::seconds(30), |_| true);
        let first = Instant::now();
        tracker.wait_for("second announce", Deadline::seconds(60), |a| a.text("event").is_empty());
        let waited = first.elapsed();
        // Without the minimum it would have been two minutes, or the fifteen seconds that are the least of all.
        assert!(waited > Duration::from_secs(19) && waited < Duration::from_secs(40), "{waited:?}");
        process.stop(Signal::INT);
    }

    fn an_interval_of_nothing_is_no_busy_loop(lab, driver) {
        for interval in ["i0e", "i-1e", "i9223372036854775807e"] {
            let announces = downloads_by(lab, driver, |seed| {
                let peers = compact(&[seed]);
                vec![ok(&[b"d8:interval", interval.as_bytes(), b"5:peers", &peers, b"e"].concat())]
            });
            assert!(announces.len() <= 3, "{announces:#?}");
            }
    }
}
