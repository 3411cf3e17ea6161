//! Every value of the contract, written and read back.

use super::super::code::{Code, Out, Take};
use crate::metainfo::Builder;
use crate::*;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Debug;
use core::net::{IpAddr, SocketAddr, SocketAddrV6};
use proptest::collection::vec as list;
use proptest::option::of;
use proptest::prelude::*;
use proptest::result::maybe_ok;

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

fn data() -> impl Strategy<Value = Bytes> {
    list(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn duration() -> impl Strategy<Value = Duration> {
    (any::<u64>(), 0u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
}

fn socket() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<(u16, u32, u32)>()).prop_map(|(ip, (port, flow, scope))| match ip {
        IpAddr::V4(_) => SocketAddr::new(ip, port),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, flow, scope).into(),
    })
}

fn conn() -> impl Strategy<Value = ConnId> {
    any::<u64>().prop_map(ConnId::from_number)
}

fn torrent_id() -> impl Strategy<Value = TorrentId> {
    any::<u32>().prop_map(TorrentId)
}

fn net_error() -> impl Strategy<Value = NetError> {
    prop_oneof![
        Just(NetError::Refused),
        Just(NetError::TimedOut),
        Just(NetError::Unreachable),
        Just(NetError::Reset),
        Just(NetError::NoPort),
        Just(NetError::TooManyFiles),
        Just(NetError::Denied),
        text().prop_map(NetError::Tls),
        (any::<i32>(), text()).prop_map(|(code, text)| NetError::Other { code, text }),
    ]
}

fn disk_error() -> impl Strategy<Value = DiskError> {
    let kind = prop_oneof![
        Just(DiskErrorKind::NoSpace),
        Just(DiskErrorKind::Denied),
        Just(DiskErrorKind::ReadOnly),
        Just(DiskErrorKind::NotFound),
        Just(DiskErrorKind::Short),
        Just(DiskErrorKind::InTheWay),
        Just(DiskErrorKind::InUse),
        Just(DiskErrorKind::Symlink),
        Just(DiskErrorKind::TooLarge),
        Just(DiskErrorKind::TooManyFiles),
        (any::<i32>(), text()).prop_map(|(code, text)| DiskErrorKind::Other { code, text }),
    ];
    let action = proptest::sample::select(&DiskTask::VERBS[..]);
    (action, text(), kind).prop_map(|(action, path, kind)| DiskError { action, path, kind })
}

fn stamp() -> impl Strategy<Value = FileStamp> {
    any::<(u64, i64)>().prop_map(|(len, modified)| FileStamp { len, modified })
}

/// A digest whose bytes are gone: that of any others is read back as such a one.
fn state() -> impl Strategy<Value = Sha1State> {
    any::<([u8; 20], u64)>().prop_map(|(digest, len)| Sha1State::known(Sha1Hash(digest), len))
}

fn disk_outcome() -> impl Strategy<Value = DiskOutcome> {
    let survey = prop_oneof![
        Just(Survey::Absent),
        list(of(stamp()), 0..5).prop_map(Survey::Present),
        Just(Survey::WrongKind),
    ];
    prop_oneof![
        survey.prop_map(DiskOutcome::Survey),
        of(state()).prop_map(DiskOutcome::Write),
        state().prop_map(|state| DiskOutcome::Digest(state.into())),
        (state(), list(any::<[u8; 20]>().prop_map(Sha1Hash), 0..5))
            .prop_map(|(state, blocks)| DiskOutcome::Digest(PieceDigest::known(state, blocks))),
        (data(), list(stamp(), 0..5)).prop_map(|(data, stamps)| DiskOutcome::Read { data, stamps }),
        (of(state()), list(stamp(), 0..5)).prop_map(|(hash, stamps)| DiskOutcome::Mend { hash, stamps }),
        list(stamp(), 0..5).prop_map(DiskOutcome::Sync),
        of(data()).prop_map(DiskOutcome::LoadJournal),
        Just(DiskOutcome::StoreJournal),
        Just(DiskOutcome::AppendJournal),
        Just(DiskOutcome::FillUp),
        Just(DiskOutcome::Publish),
        Just(DiskOutcome::DeleteJournal),
    ]
}

pub(crate) fn input() -> impl Strategy<Value = Input> {
    let resolve_error = prop_oneof![Just(ResolveError::NotFound), text().prop_map(ResolveError::Failed)];
    let found = maybe_ok(list(any::<IpAddr>(), 0..4), resolve_error);
    let job = || any::<u64>().prop_map(JobId);
    prop_oneof![
        socket().prop_map(|local| Input::Listening { local }),
        (conn(), socket()).prop_map(|(conn, local)| Input::Connected { conn, local }),
        (conn(), net_error()).prop_map(|(conn, error)| Input::ConnectFailed { conn, error }),
        (conn(), socket()).prop_map(|(conn, remote)| Input::Accepted { conn, remote }),
        net_error().prop_map(|error| Input::AcceptFailed { error }),
        (conn(), data()).prop_map(|(conn, data)| Input::Received { conn, data }),
        (conn(), any::<usize>()).prop_map(|(conn, bytes)| Input::Sent { conn, bytes }),
        (conn(), of(net_error())).prop_map(|(conn, error)| Input::Closed { conn, error }),
        (job(), found).prop_map(|(job, result)| Input::Resolved { job, result }),
        (job(), maybe_ok(disk_outcome(), disk_error()))
            .prop_map(|(job, result)| Input::DiskDone { job, result }),
        Just(Input::Timeout),
    ]
}

fn metainfo(name: &str) -> Arc<Metainfo> {
    let file = Builder::file(name, 50_000, 16_384).pieces(vec![7; 80]).build().unwrap();
    Arc::new(Metainfo::parse(&file).unwrap())
}

pub(crate) fn options() -> impl Strategy<Value = TorrentOptions> {
    let seeding = prop_oneof![
        Just(SeedPolicy::Stop),
        Just(SeedPolicy::Forever),
        (of(any::<u64>()), of(duration()))
            .prop_map(|(ratio_permille, time)| SeedPolicy::Until { ratio_permille, time }),
    ];
    let peer = prop_oneof![
        socket().prop_map(PeerAddr::Addr),
        (text(), any::<u16>()).prop_map(|(host, port)| PeerAddr::Host(host, port)),
    ];
    let goal = proptest::sample::select(&[Goal::Download, Goal::Seed, Goal::Verify][..]);
    let allocation = proptest::sample::select(&[Allocation::Sparse, Allocation::Full, Allocation::None][..]);
    (
        goal,
        seeding,
        list(peer, 0..4),
        of(duration()),
        of(duration()),
        allocation,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(goal, seeding, peers, timeout, stall_timeout, allocation, recheck, wait_disk)| {
            TorrentOptions { goal, seeding, peers, timeout, stall_timeout, allocation, recheck, wait_disk }
        })
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let name = proptest::string::string_regex("[a-z]{1,20}").unwrap();
    prop_oneof![
        (name, options()).prop_map(|(name, options)| Command::AddTorrent {
            metainfo: metainfo(&name),
            options: Box::new(options)
        }),
        (torrent_id(), socket()).prop_map(|(torrent, peer)| Command::AddPeer { torrent, peer }),
        torrent_id().prop_map(|torrent| Command::StopTorrent { torrent }),
        torrent_id().prop_map(|torrent| Command::RemoveTorrent { torrent }),
        Just(Command::Shutdown),
    ]
}

pub(crate) fn config() -> impl Strategy<Value = Config> {
    let numbers = any::<(usize, usize, usize, usize, usize, usize)>();
    (any::<[u8; 8]>(), text(), numbers, any::<bool>(), duration()).prop_map(
        |(peer_id_prefix, client_name, numbers, dial, stop_timeout)| {
            let (max_peers, max_half_open, max_per_address, memory_budget, upload_slots, max_open_pieces) =
                numbers;
            Config {
                peer_id_prefix,
                client_name,
                max_peers,
                max_half_open,
                max_per_address,
                memory_budget,
                upload_slots: match upload_slots % 4 {
                    0 => UploadSlots::FollowLine,
                    _ => UploadSlots::Fixed(upload_slots / 2),
                },
                max_open_pieces,
                dial,
                stop_timeout,
            }
        },
    )
}

/// Writes a value and reads it back; nothing may be left over.
fn there_and_back<T: Code + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let mut out = Out::default();
    value.put(&mut out);
    let mut from = Take(out.bytes.into());
    prop_assert_eq!(&T::take(&mut from).unwrap(), value);
    prop_assert!(from.0.is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn every_input_comes_back(input in input()) {
        there_and_back(&input)?;
    }

    #[test]
    fn every_command_comes_back(command in command()) {
        there_and_back(&command)?;
    }

    #[test]
    fn every_configuration_comes_back(config in config()) {
        there_and_back(&config)?;
    }

    #[test]
    fn every_number_comes_back(a in any::<u64>(), b in any::<i64>(), c in any::<i32>()) {
        there_and_back(&a)?;
        there_and_back(&b)?;
        there_and_back(&c)?;
    }

    #[test]
    fn what_is_left_out_becomes_zeros(
        data in list(1u8..=255, 0..300),
        cuts in list(0usize..300, 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(data.len())).collect();
        cuts.sort_unstable();
        let left_out: Vec<_> = cuts.as_chunks::<2>().0.iter().map(|[a, b]| *a..*b).collect();
        let mut expected = data.clone();
        left_out.iter().for_each(|range| expected[range.clone()].fill(0));
        let mut out = Out { left_out, ..Out::default() };
        Bytes::from(data).put(&mut out);
        let mut from = Take(out.bytes.into());
        prop_assert_eq!(&Bytes::take(&mut from).unwrap()[..], &expected[..]);
        prop_assert!(from.0.is_empty());
    }

    #[test]
    fn garbage_is_never_a_panic(garbage in list(any::<u8>(), 0..100)) {
        let garbage = Bytes::from(garbage);
        let _ = Input::take(&mut Take(garbage.clone()));
        let _ = Command::take(&mut Take(garbage.clone()));
        let _ = Config::take(&mut Take(garbage));
    }
}

#[test]
fn a_running_digest_comes_back_as_its_verdict() {
    let mut state = Sha1State::new();
    state.update(&[1; 100]);
    let mut out = Out::default();
    state.put(&mut out);
    let back = Sha1State::take(&mut Take(out.bytes.into())).unwrap();
    assert_eq!((back.len(), back.finish(), back.is_known()), (100, state.finish(), true));
}

#[test]
fn a_claim_costs_no_memory() {
    use super::super::error::Fault;
    use crate::limits::{MAX_RECORDED_LIST, MAX_RECORDED_ZEROS};
    let take = |numbers: &[u64]| {
        let mut out = Out::default();
        numbers.iter().for_each(|n| out.number(*n));
        Take(out.bytes.into())
    };
    let len = MAX_RECORDED_ZEROS + 1;
    let too_long = Fault::TooLong { len, limit: MAX_RECORDED_ZEROS };
    assert_eq!(Bytes::take(&mut take(&[len as u64, 0, len as u64])), Err(too_long));
    let zeros = Bytes::take(&mut take(&[MAX_RECORDED_ZEROS as u64, 0, MAX_RECORDED_ZEROS as u64])).unwrap();
    assert_eq!(zeros.len(), MAX_RECORDED_ZEROS);
    assert_eq!(Bytes::take(&mut take(&[9, 0, 8])), Err(Fault::Short));
    assert_eq!(Bytes::take(&mut take(&[9, 0, 10])), Err(Fault::Number));
    let len = MAX_RECORDED_LIST + 1;
    let too_long = Fault::TooLong { len, limit: MAX_RECORDED_LIST };
    assert_eq!(Vec::<u8>::take(&mut take(&[len as u64])), Err(too_long));
    assert_eq!(Vec::<u8>::take(&mut take(&[MAX_RECORDED_LIST as u64])), Err(Fault::Short));
    assert_eq!(u64::take(&mut Take(Bytes::from_static(&[0xff; 10]))), Err(Fault::Number));
    assert_eq!(u64::take(&mut Take(Bytes::from_static(&[0x80; 9]))), Err(Fault::Short));
}
