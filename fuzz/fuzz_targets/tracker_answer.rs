//! The body of a tracker's answer: whatever is taken from it is within its limits and fit to be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peerless_core::limits::{MAX_ANNOUNCE_PEERS, MAX_SHOWN_TEXT, MAX_TRACKER_ID};
use peerless_core::tracker::{AnnounceResponse, TrackerError};

fn is_short_line(text: &str) -> bool {
    text.chars().count() <= MAX_SHOWN_TEXT && !text.contains(['\n', '\r'])
}

fuzz_target!(|data: &[u8]| {
    let answer = match AnnounceResponse::parse(data) {
        Ok(answer) => answer,
        Err(TrackerError::Refused { text, .. }) => return assert!(is_short_line(&text) && !text.is_empty()),
        Err(TrackerError::Garbage(_)) => return,
        Err(other) => panic!("{other} says nothing of a body"),
    };
    assert!(answer.peers.len() <= MAX_ANNOUNCE_PEERS);
    for peer in &answer.peers {
        let ip = peer.ip().to_canonical();
        assert!(peer.port() != 0 && !ip.is_unspecified() && !ip.is_multicast(), "{peer} is nobody's");
    }
    for interval in [answer.interval, answer.min_interval].into_iter().flatten() {
        assert!(interval.as_secs() > 0 && interval.as_secs() <= i64::MAX as u64);
    }
    assert!(answer.tracker_id.is_none_or(|id| id.len() <= MAX_TRACKER_ID));
    assert!(answer.warning.is_none_or(|text| is_short_line(&text) && !text.is_empty()));
});
