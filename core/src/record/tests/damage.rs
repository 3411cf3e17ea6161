//! Recordings that were torn, changed, or never were any.

use super::values::{command, config, input};
use crate::record::{Asked, End, Entry, Fault, Header, Reader, RecordError, RecordOptions, Recorder, Step};
use crate::*;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::prelude::*;

const ALL: RecordOptions = RecordOptions { payload: true, mask: false, limit: u64::MAX };

/// A recording of these, each a millisecond after the one before, without an engine.
fn recording(config: &Config, steps: &[Step], options: RecordOptions) -> Vec<u8> {
    let mut recorder = Recorder::new(config, [5; 32], Instant::from_secs(1), options);
    for (n, step) in steps.iter().enumerate() {
        let now = Instant::from_millis(1_000 + n as u64);
        recorder.event(&Event::ShutDown);
        match step {
            Step::Input(input) => recorder.input(now, input),
            Step::Command(command) => recorder.command(now, command),
            _ => unreachable!(),
        }
    }
    recorder.end();
    let mut out = Vec::new();
    recorder.drain_into(&mut out);
    out
}

/// Reads to the end; with whether it was torn.
fn read(data: &[u8]) -> Result<(Header, Vec<Entry>, bool), RecordError> {
    let mut reader = Reader::new(Bytes::copy_from_slice(data))?;
    let mut entries = Vec::new();
    while let Some(entry) = reader.next()? {
        entries.push(entry);
    }
    Ok((reader.header().clone(), entries, reader.is_torn()))
}

fn some() -> Vec<u8> {
    let conn = ConnId::accepted(1);
    let steps = [
        Step::Input(Input::Timeout),
        Step::Input(Input::Sent { conn, bytes: 300 }),
        Step::Input(Input::Received { conn, data: Bytes::from_static(b"hello") }),
        Step::Command(Command::Shutdown),
    ];
    recording(&Config::default(), &steps, ALL)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![input().prop_map(Step::Input), command().prop_map(Step::Command)];
    proptest::collection::vec(step, 0..20)
}

proptest! {
    #[test]
    fn what_is_recorded_is_read(config in config(), steps in steps()) {
        let (header, entries, torn) = read(&recording(&config, &steps, ALL)).unwrap();
        prop_assert_eq!((header.config, header.seed, header.start), (config, [5; 32], Instant::from_secs(1)));
        prop_assert!(!torn);
        let (last, entries) = entries.split_last().unwrap();
        let is_end = matches!(last.what, Step::End { why: End::Session, .. });
        prop_assert!(is_end);
        prop_assert_eq!(entries.len(), steps.len());
        for (n, (entry, step)) in entries.iter().zip(steps).enumerate() {
            prop_assert_eq!(&entry.what, &step);
            prop_assert_eq!(entry.at, Instant::from_millis(1_000 + n as u64));
            prop_assert_eq!(entry.asked, Asked { events: 1, ..Asked::default() });
        }
    }

    #[test]
    fn any_changed_byte_is_an_error_or_a_torn_end(at in 0usize..1_000, change in 1u8..=255) {
        let mut data = some();
        let at = at % data.len();
        data[at] ^= change;
        match read(&data) {
            Ok((_, _, torn)) => prop_assert!(torn),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn garbage_behind_the_header_is_an_error_or_a_torn_end(
        garbage in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        let data = [recording(&Config::default(), &[], ALL), garbage].concat();
        match read(&data) {
            Ok((_, _, torn)) => prop_assert!(torn),
            Err(error) => prop_assert!(matches!(error, RecordError::Damaged { .. }), "{}", error),
        }
    }
}

#[test]
fn a_torn_end_costs_the_last_entry_only() {
    let data = some();
    let mut reader = Reader::new(data.clone().into()).unwrap();
    let mut ends = vec![reader.position()];
    while reader.next().unwrap().is_some() {
        ends.push(reader.position());
    }
    for len in ends[0]..data.len() {
        let (_, entries, torn) = read(&data[..len]).unwrap();
        assert_eq!(entries.len(), ends.iter().filter(|end| **end <= len).count() - 1);
        assert_eq!(torn, !ends.contains(&len));
    }
    // A crash of the whole machine may leave zeros.
    let (_, entries, torn) = read(&[&data[..ends[2]], &[0; 500]].concat()).unwrap();
    assert_eq!((entries.len(), torn), (2, true));
    for len in ends[0]..*ends.last().unwrap() {
        for zeros in [1, 3, 500] {
            let (_, entries, torn) = read(&[&data[..len], &vec![0; zeros]].concat()).unwrap();
            // Of what was cut off, zeros are not missed.
            let is_whole = |end: &&usize| {
                **end <= len + zeros && data[len.min(**end)..**end].iter().all(|byte| *byte == 0)
            };
            let whole = ends.iter().filter(is_whole).count() - 1;
            let expected = (whole, ends[whole] != len + zeros);
            assert_eq!((entries.len(), torn), expected, "{len}, then {zeros} zeros");
        }
    }
    // Anything else behind it was written later, and so what comes before it was whole once.
    let changed = [&data[..ends[1] - 1], &[data[ends[1] - 1] ^ 1, 0, 0, 7]].concat();
    assert!(matches!(read(&changed), Err(RecordError::Damaged { fault: Fault::Check, .. })));
    for len in 0..ends[0] {
        assert!(read(&data[..len]).is_err());
    }
}

#[test]
fn what_is_no_recording_is_told_from_a_later_one() {
    for data in [&b""[..], b"peerless", b"peerless-j01....", b"d8:announce"] {
        assert_eq!(read(data).unwrap_err(), RecordError::NotARecording);
    }
    let mut data = some();
    data[11] = b'2';
    let later = read(&data).unwrap_err();
    assert_eq!(later, RecordError::Version { found: "02".into() });
    assert_eq!(later.to_string(), "unsupported: a recording of version 02; this program reads version 01");
}

#[test]
fn nothing_follows_the_end() {
    let (mut data, more) = (some(), some());
    let header = Reader::new(more.clone().into()).unwrap().position();
    let position = data.len();
    data.extend_from_slice(&more[header..]);
    let fault = Fault::Long(more.len() - header);
    assert_eq!(read(&data).unwrap_err(), RecordError::Damaged { position, fault });
    // Not even what could be the beginning of something, or nothing.
    for junk in [&[9][..], &[0], &[0; 500], &[200, 1, 7, 7]] {
        let data = [&data[..position], junk].concat();
        let fault = Fault::Long(junk.len());
        assert_eq!(read(&data).unwrap_err(), RecordError::Damaged { position, fault });
    }
}

#[test]
fn a_recording_ends_at_its_limit() {
    let input = Input::Received { conn: ConnId::accepted(0), data: Bytes::from_static(&[9; 100]) };
    for limit in 0..2_000 {
        let steps = vec![Step::Input(input.clone()); 20];
        let whole = recording(&Config::default(), &[], ALL).len() as u64;
        let data = recording(&Config::default(), &steps, RecordOptions { limit, ..ALL });
        assert!(data.len() as u64 <= limit.max(whole), "{} of {limit}", data.len());
        let (_, entries, torn) = read(&data).unwrap();
        assert!(!torn);
        let Some(Entry { what: Step::End { why: End::Limit, .. }, asked, .. }) = entries.last() else {
            panic!("{limit}")
        };
        // What was taken out before the entry that did not fit is not lost.
        assert_eq!(asked.events, 1);
    }
}

#[test]
fn whole_digests_stand_between() {
    let steps = vec![Step::Input(Input::Timeout); 5_000];
    let (_, entries, _) = read(&recording(&Config::default(), &steps, ALL)).unwrap();
    let checks = entries.iter().filter(|entry| matches!(entry.what, Step::Check { .. }));
    assert_eq!(checks.count(), 4);
}
