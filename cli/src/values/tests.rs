//! What the options take, and what they refuse.

use super::*;

#[test]
fn times_have_units_and_plain_numbers_are_seconds() {
    let seconds = |text| duration(text).map(|d| d.as_secs());
    assert_eq!(seconds("90"), Ok(90));
    assert_eq!(seconds("30s"), Ok(30));
    assert_eq!(seconds("5m"), Ok(300));
    assert_eq!(seconds("1h"), Ok(3_600));
    assert_eq!(seconds("1h30m"), Ok(5_400));
    assert_eq!(seconds("2d"), Ok(172_800));
    assert_eq!(seconds("0"), Ok(0));
}

#[test]
fn a_time_that_is_none_is_refused() {
    for text in ["", "s", "5x", "-1", "1.5h", "1h30", "30 s", "h1", "ß", "99999999999999999999", "99999d"] {
        assert!(duration(text).is_err(), "{text:?}");
    }
    assert!(positive_duration("0").is_err());
}

#[test]
fn ratios_are_thousandths() {
    assert_eq!(ratio("2"), Ok(2_000));
    assert_eq!(ratio("1.5"), Ok(1_500));
    assert_eq!(ratio("0.25"), Ok(250));
    assert_eq!(ratio(".125"), Ok(125));
    assert_eq!(ratio("1."), Ok(1_000));
    for text in ["", ".", "-1", "1,5", "1.2345", "1e3", "99999999999", "inf", "NaN"] {
        assert!(ratio(text).is_err(), "{text:?}");
    }
}

#[test]
fn piece_lengths_are_powers_of_two() {
    assert_eq!(piece_length("16K"), Ok(16 << 10));
    assert_eq!(piece_length("256KiB"), Ok(256 << 10));
    assert_eq!(piece_length("1m"), Ok(1 << 20));
    assert_eq!(piece_length("65536"), Ok(65_536));
    for text in ["", "0", "8K", "100K", "1T", "K", "1G", "18446744073709551615M", "-1"] {
        assert!(piece_length(text).is_err(), "{text:?}");
    }
}

#[test]
fn peers_are_addresses_or_names_with_a_port() {
    assert_eq!(peer("1.2.3.4:5"), Ok(PeerAddr::Addr("1.2.3.4:5".parse().unwrap())));
    assert_eq!(peer("[::1]:6881"), Ok(PeerAddr::Addr("[::1]:6881".parse().unwrap())));
    assert_eq!(peer("seed.example:80"), Ok(PeerAddr::Host("seed.example".into(), 80)));
    assert_eq!(peer("localhost:80"), Ok(PeerAddr::Host("localhost".into(), 80)));
}

#[test]
fn a_peer_that_cannot_be_reached_by_its_name_is_refused() {
    for text in [
        "",
        "host",
        "host:",
        "host:0",
        "host:65536",
        ":80",
        "::1:6881",
        "[::1:80",
        "[1.2.3.4]:80",
        "a b:80",
        "a..b:80",
        "1.2.3:80",
        "1.2.3.400:80",
        "bücher.example:80",
        "a\u{1b}b:80",
    ] {
        assert!(peer(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_moment_may_be_a_fraction_of_a_second() {
    assert_eq!(moment(".5"), Ok(Duration::from_millis(500)));
    assert_eq!(moment("12.000001s"), Ok(Duration::from_micros(12_000_001)));
    assert_eq!(moment("3."), Ok(Duration::from_secs(3)));
    assert_eq!(moment("2m"), Ok(Duration::from_secs(120)));
    for text in [".", "s", ".s", "1.2.3", "1.0000001", "-.5", ".5m"] {
        assert!(moment(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_recording_has_a_least_and_a_largest_limit() {
    assert_eq!(recording_limit("4K"), Ok(4_096));
    assert_eq!(recording_limit("16G"), Ok(16 << 30));
    for text in ["0", "4095", "17179869185", "17G", "much"] {
        assert!(recording_limit(text).is_err(), "{text:?}");
    }
    assert_eq!(positive_size("1"), Ok(1));
    assert!(positive_size("0").is_err());
}
