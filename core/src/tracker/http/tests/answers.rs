//! Every answer that trackers give, and what else comes instead of one.

use super::*;

fn status(line: &str, body: &str) -> (u16, Box<str>) {
    match answer(format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()) {
        Err(TrackerError::Status { status, text }) => (status, text),
        other => panic!("{other:?}"),
    }
}

fn body(body: impl AsRef<[u8]>) -> Result<AnnounceResponse, TrackerError> {
    answer(&[b"HTTP/1.1 200 OK\r\n\r\n", body.as_ref()].concat())
}

#[test]
fn a_compact_answer_is_read_whole() {
    let response = body(
        b"d8:completei3e11:external ip4:\x05\x06\x07\x0810:incompletei4e8:intervali1800e12:min intervali900e\
          5:peers12:\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x08\0\x50\
          6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1\
          10:tracker id2:\xffx15:warning message6:slow\n!e",
    );
    let peers = ["[2001:db8::1]:6881", "1.2.3.4:6881", "5.6.7.8:80"];
    let expected = AnnounceResponse {
        interval: Some(Duration::from_secs(1_800)),
        min_interval: Some(Duration::from_secs(900)),
        tracker_id: Some(b"\xffx".as_slice().into()),
        complete: Some(3),
        incomplete: Some(4),
        external_ip: Some(ip("5.6.7.8")),
        warning: Some("slow !".into()),
        leftover: 0,
        peers: peers.iter().map(|p| p.parse().unwrap()).collect(),
    };
    assert_eq!(response, Ok(expected));
}

#[test]
fn peers_may_be_dictionaries() {
    let response = body(
        "d8:intervali60e5:peersl\
         d2:ip7:1.2.3.47:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee\
         d2:ip11:2001:db8::14:porti80ee\
         d2:ip12:host.example4:porti1ee\
         d2:ip7:1.2.3.44:porti-1ee\
         d2:ip7:1.2.3.44:porti65536ee\
         d4:porti1eei5e3:abc\
         ee",
    );
    assert_eq!(
        response.unwrap().peers,
        ["1.2.3.4:6881".parse().unwrap(), "[2001:db8::1]:80".parse().unwrap()]
    );
}

#[test]
fn peers_that_nobody_can_dial_are_left_out() {
    let response = body(
        b"d8:intervali60e5:peers31:\x01\x02\x03\x04\0\0\0\0\0\0\x1a\xe1\xe0\0\0\x01\0\x50\xff\xff\xff\xff\0\x50\
          \x01\x02\x03\x04\0\x50\x01e",
    );
    let response = response.unwrap();
    assert_eq!(response.peers, ["1.2.3.4:80".parse().unwrap()], "and a cut one at the end too");
    assert_eq!(response.leftover, 1);
}

#[test]
fn a_list_that_is_cut_short_is_used_as_far_as_it_goes() {
    let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[1, 0x1a, 0xe1]].concat();
    let cut =
        [b"d8:intervali60e5:peers10:\x01\x02\x03\x04\x1a\xe1\x05\x06\x07\x086:peers620:", &v6[..], b"xye"]
            .concat();
    let response = body(cut).unwrap();
    assert_eq!(response.peers, ["[2001:db8::1]:6881".parse().unwrap(), "1.2.3.4:6881".parse().unwrap()]);
    assert_eq!(response.leftover, 4 + 2);
}

#[test]
fn a_part_of_a_peer_and_no_other_makes_no_sense() {
    for answer in [&b"d8:intervali60e5:peers5:abcdee"[..], b"d8:intervali60e6:peers617:abcdefghijklmnopqe"] {
        assert!(matches!(body(answer), Err(TrackerError::Garbage(_))), "{answer:?}");
    }
    assert_eq!(body(b"d8:intervali60e5:peers0:e").unwrap().peers, []);
}

#[test]
fn a_flood_of_peers_is_cut_and_leaves_room_for_both_families() {
    let v4 = [1, 2, 3, 4, 0, 80].repeat(5_000);
    let v6 = [&[0x20; 16][..], &[0, 80]].concat().repeat(5_000);
    let mut bytes = format!("d8:intervali60e5:peers{}:", v4.len()).into_bytes();
    bytes.extend([&v4[..], format!("6:peers6{}:", v6.len()).as_bytes(), &v6, b"e"].concat());
    let peers = body(&bytes).unwrap().peers;
    assert_eq!(peers.len(), MAX_ANNOUNCE_PEERS);
    assert_eq!(peers.iter().filter(|p| p.is_ipv6()).count(), MAX_ANNOUNCE_PEERS / 2);
}

#[test]
fn optional_keys_of_the_wrong_type_are_taken_as_missing() {
    let response = body(
        "d8:complete1:x11:external ip3:abc10:incompletei-1e8:interval4:180012:min intervalle5:peers0:6:peers6i1e\
         10:tracker idi5e15:warning messageli1eee",
    );
    assert_eq!(response, Ok(AnnounceResponse::default()));
    let long_id = format!("d8:intervali1e10:tracker id300:{}e", "x".repeat(300));
    assert_eq!(body(long_id).unwrap().tracker_id, None);
}

#[test]
fn absurd_intervals_are_values_like_any_other() {
    let interval = |text: &str| body(format!("d8:interval{text}5:peers0:e")).unwrap().interval;
    assert_eq!(interval("i0e"), None);
    assert_eq!(interval("i-5e"), None);
    assert_eq!(interval("i9223372036854775807e"), Some(Duration::from_secs(i64::MAX as u64)));
}

#[test]
fn answers_without_sense_are_garbage() {
    for (bytes, expected) in [
        ("", "it is empty"),
        ("i5e", "it is not a dictionary"),
        ("de", "it has neither peers nor an interval"),
        ("d8:intervali60e5:peersi5ee", "its peers are an integer"),
        ("d8:intervali60e5:peersdee", "its peers are a dictionary"),
        ("d8:intervali60e5:peers9:abc", "bencode: a string longer than the 3 bytes left at byte 22"),
        ("Torrent  not\nregistered", "not bencode, but \"Torrent not registered\""),
        ("<html><title>Log in</title></html>", "a web page, \"Log in\""),
    ] {
        assert_eq!(body(bytes), Err(TrackerError::Garbage(expected.into())), "{bytes}");
    }
}

#[test]
fn a_refusal_is_told_in_the_trackers_words() {
    let refused = |bytes: &str| match body(bytes) {
        Err(TrackerError::Refused { text, retry_in }) => (text, retry_in),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("d14:failure reason7:not\nyoue"), ("not you".into(), None));
    assert_eq!(refused("d14:failure reason0:e").0, "no reason given".into());
    let long = format!("d14:failure reason5000:{}e", "x".repeat(5_000));
    assert_eq!(refused(&long).0.chars().count(), MAX_SHOWN_TEXT);
    let retry = |value: &str| refused(&format!("d14:failure reason1:x8:retry in{value}e")).1;
    assert_eq!(retry("5:never"), Some(RetryIn::Never));
    assert_eq!(retry("i10e"), Some(RetryIn::After(Duration::from_secs(600))));
    assert_eq!(retry("2:10"), Some(RetryIn::After(Duration::from_secs(600))));
    assert_eq!(retry("i-1e"), None);
    assert_eq!(retry("4:soon"), None);
    let far = RetryIn::After(Duration::from_secs(u64::MAX));
    assert_eq!(retry("i9223372036854775807e"), Some(far));
}

#[test]
fn an_http_error_tells_the_most_useful_line() {
    assert_eq!(status("400 Bad Request", "passkey\r\nunknown"), (400, "passkey unknown".into()));
    let page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
    assert_eq!(status("502 Bad Gateway", page), (502, "Bad Gateway".into()));
    assert_eq!(status("404 Not Found", ""), (404, "Not Found".into()));
    assert_eq!(status("404", ""), (404, "no reason given".into()));
    assert_eq!(status("302 Found", ""), (302, "Found".into()), "a redirect without a target");
    let refused = answer(b"HTTP/1.1 400 Bad Request\r\n\r\nd14:failure reason6:bannede");
    assert_eq!(refused, Err(TrackerError::Refused { text: "banned".into(), retry_in: None }));
    let refused = refused.unwrap_err();
    assert_eq!(format!("{refused}"), "tracker: says: banned");
}

#[test]
fn an_http_error_whose_body_cannot_be_read_is_still_told() {
    let too_long = answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 99999999\r\n\r\n");
    assert_eq!(too_long, Err(TrackerError::Status { status: 503, text: "Busy".into() }));
    let cut = answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nab");
    assert_eq!(cut, Err(TrackerError::Status { status: 503, text: "Busy".into() }));
}

#[test]
fn what_is_not_an_answer_is_told_apart() {
    assert_eq!(answer(b""), Err(TrackerError::Incomplete));
    assert_eq!(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nde"), Err(TrackerError::Incomplete));
    assert_eq!(answer(b"SSH-2.0-x"), Err(TrackerError::Http(HttpError::NotHttp)));
    let long = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n");
    assert_eq!(long, Err(TrackerError::Http(HttpError::BodyTooLong)));
}

proptest! {
    #[test]
    fn an_answer_of_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = body(&bytes);
        let _ = answer(&bytes);
        let _ = answer(&[b"HTTP/1.1 400 X\r\n\r\n<html><", &bytes[..]].concat());
    }

    #[test]
    fn peers_read_back_as_they_were_written(
        peers in prop::collection::vec((1u8..224, any::<[u8; 3]>(), 1u16..), 0..MAX_ANNOUNCE_PEERS),
    ) {
        let mut bytes = format!("d5:peers{}:", peers.len() * 6).into_bytes();
        for (a, [b, c, d], port) in &peers {
            bytes.extend([*a, *b, *c, *d]);
            bytes.extend(port.to_be_bytes());
        }
        bytes.push(b'e');
        let expected: Vec<SocketAddr> =
            peers.iter().map(|(a, [b, c, d], port)| SocketAddr::from(([*a, *b, *c, *d], *port))).collect();
        prop_assert_eq!(body(&bytes).unwrap().peers, expected);
    }
}
