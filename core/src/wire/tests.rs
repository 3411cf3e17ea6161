//! Stories of messages: cut anywhere, too long, trickled, refused.

use super::*;
use crate::limits::*;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use proptest::collection::vec as many;
use proptest::prelude::*;
use std::string::ToString;

const PIECES: u32 = 77;
const BLOCK: usize = MAX_BLOCK_MESSAGE as usize;

/// Memory that tells whether somebody still holds on to it.
struct Watched(Vec<u8>, #[expect(dead_code, reason = "it is there to be counted")] Arc<()>);

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn watched(data: Vec<u8>) -> (Bytes, Arc<()>) {
    let holders = Arc::new(());
    (Bytes::from_owner(Watched(data, holders.clone())), holders)
}

/// It takes extended messages with any id.
fn decoder() -> Decoder {
    Decoder::new(PIECES, Features::OURS).offering(u8::MAX)
}

fn encode(messages: &[Message]) -> Bytes {
    let mut out = BytesMut::new();
    messages.iter().for_each(|message| message.encode(&mut out));
    out.freeze()
}

/// Length prefix, id, and zeros, of which `present` bytes follow the prefix.
fn frame(len: u32, id: u8, present: usize) -> Bytes {
    let mut out = len.to_be_bytes().to_vec();
    out.push(id);
    out.resize(4 + present, 0);
    out.into()
}

fn block(len: usize) -> Message {
    let data: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
    Message::Piece { index: 3, begin: 16_384, data: Bytes::from(data).into() }
}

fn drain(decoder: &mut Decoder) -> Vec<Message> {
    let mut out = Vec::new();
    while let Some(message) = decoder.next().unwrap() {
        out.push(message);
    }
    out
}

fn only_payload(decoder: &mut Decoder) -> Payload {
    match decoder.next() {
        Ok(Some(Message::Piece { data, .. })) => data,
        other => panic!("no block but {other:?}"),
    }
}

/// What the decoder says to the beginning of such a message, and to all that follows.
fn refusal(mut decoder: Decoder, len: u32, id: u8) -> WireError {
    decoder.push(frame(len, id, 100));
    let error = decoder.next().unwrap_err();
    assert_eq!(decoder.held(), 0);
    decoder.push(frame(1, 0, 1));
    assert_eq!(decoder.next(), Err(error.clone()), "a failed decoder stays failed");
    assert_eq!(decoder.held(), 0);
    error
}

#[test]
fn every_message_is_written_as_the_beps_say() {
    let range = BlockRange { index: 1, begin: 2, len: 3 };
    let cases: Vec<(Message, &str, &[u8])> = vec![
        (Message::KeepAlive, "keep-alive", &[0, 0, 0, 0]),
        (Message::Choke, "choke", &[0, 0, 0, 1, 0]),
        (Message::Unchoke, "unchoke", &[0, 0, 0, 1, 1]),
        (Message::Interested, "interested", &[0, 0, 0, 1, 2]),
        (Message::NotInterested, "not interested", &[0, 0, 0, 1, 3]),
        (Message::Have(258), "have", &[0, 0, 0, 5, 4, 0, 0, 1, 2]),
        (
            Message::Bitfield(Bytes::from_static(&[0; 10])),
            "bitfield",
            &[0, 0, 0, 11, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (Message::Request(range), "request", &[0, 0, 0, 13, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        (
            Message::Piece { index: 1, begin: 2, data: Bytes::from_static(b"xyz").into() },
            "piece",
            b"\0\0\0\x0c\x07\0\0\0\x01\0\0\0\x02xyz",
        ),
        (Message::Cancel(range), "cancel", &[0, 0, 0, 13, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        (Message::Port(6881), "port", &[0, 0, 0, 3, 9, 0x1a, 0xe1]),
        (Message::Suggest(1), "suggest piece", &[0, 0, 0, 5, 13, 0, 0, 0, 1]),
        (Message::HaveAll, "have all", &[0, 0, 0, 1, 14]),
        (Message::HaveNone, "have none", &[0, 0, 0, 1, 15]),
        (Message::Reject(range), "reject request", &[0, 0, 0, 13, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        (Message::AllowedFast(1), "allowed fast", &[0, 0, 0, 5, 17, 0, 0, 0, 1]),
        (
            Message::Extended { id: 2, payload: Bytes::from_static(b"de") },
            "extended",
            b"\0\0\0\x04\x14\x02de",
        ),
        (Message::Unknown { id: 99 }, "unknown", &[0, 0, 0, 1, 99]),
    ];
    for (message, name, wire) in cases {
        assert_eq!(message.name(), name);
        assert_eq!(encode(core::slice::from_ref(&message)), wire);
        let mut decoder = decoder();
        decoder.push(Bytes::copy_from_slice(wire));
        assert_eq!(decoder.next(), Ok(Some(message)));
        assert_eq!(decoder.next(), Ok(None));
    }
}

#[test]
fn a_block_sent_as_header_and_data_is_the_same_message() {
    let message = block(BLOCK);
    let Message::Piece { index, begin, data } = &message else { unreachable!() };
    let mut decoder = decoder();
    decoder.push(Bytes::copy_from_slice(&piece_header(*index, *begin, 16_384)));
    decoder.push(data.to_bytes());
    assert_eq!(decoder.next(), Ok(Some(message)));
}

#[test]
fn a_block_within_one_push_is_the_memory_that_was_received() {
    let received = encode(&vec![block(BLOCK); 8]);
    let mut decoder = decoder();
    decoder.push(received.clone());
    for at in 0..8 {
        let payload = only_payload(&mut decoder);
        let slices: Vec<&Bytes> = payload.slices().collect();
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].as_ptr(), received[at * (BLOCK + 13) + 13..].as_ptr());
    }
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn a_block_across_two_pushes_is_two_slices_of_them() {
    let wire = encode(&[block(BLOCK)]);
    let (front, back) = (wire.slice(..6_000), wire.slice(6_000..));
    let mut decoder = decoder();
    decoder.push(front.clone());
    assert_eq!(decoder.next(), Ok(None));
    decoder.push(back.clone());
    let slices: Vec<Bytes> = only_payload(&mut decoder).into_slices().collect();
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[0].as_ptr(), front[13..].as_ptr());
    assert_eq!(slices[1].as_ptr(), back.as_ptr());
}

#[test]
fn a_small_end_of_a_push_is_copied_and_the_rest_of_the_block_is_not() {
    let wire = encode(&[block(BLOCK)]);
    let (front, holders) = watched(wire[..100].to_vec());
    let back = wire.slice(100..);
    let mut decoder = decoder();
    decoder.push(front);
    assert_eq!(decoder.next(), Ok(None));
    assert_eq!(Arc::strong_count(&holders), 1, "the decoder still pins the first push");
    decoder.push(back.clone());
    let payload = only_payload(&mut decoder);
    assert_eq!(payload.slices().map(Bytes::len).collect::<Vec<_>>(), [87, BLOCK - 87]);
    assert_eq!(payload.slices().last().unwrap().as_ptr(), back.as_ptr());
}

#[test]
fn trickled_bytes_do_not_pin_the_buffers_they_came_in() {
    let wire = encode(&[block(BLOCK)]);
    let mut decoder = decoder();
    let mut watches = Vec::new();
    for fragment in wire.chunks(MIN_SHARED_SLICE - 1) {
        // The fragment is the visible part of a large receive buffer.
        let mut buffer = fragment.to_vec();
        buffer.resize(256 << 10, 0);
        let (data, holders) = watched(buffer);
        decoder.push(data.slice(..fragment.len()));
        watches.push(holders);
        if watches.len() * (MIN_SHARED_SLICE - 1) < wire.len() {
            assert_eq!(decoder.next(), Ok(None));
        }
    }
    let payload = only_payload(&mut decoder);
    assert_eq!(payload.slices().count(), 1);
    assert_eq!(Message::Piece { index: 3, begin: 16_384, data: payload }, block(BLOCK));
    assert!(watches.iter().all(|holders| Arc::strong_count(holders) == 1));
}

#[test]
fn small_messages_that_are_kept_do_not_pin_the_push_they_came_in() {
    let bitfield = Message::Bitfield(Bytes::from_static(&[0xf0; 10]));
    let extended = Message::Extended { id: 1, payload: Bytes::from_static(b"d5:added0:e") };
    let sent = [bitfield, extended, block(100)];
    let (data, holders) = watched(encode(&sent).to_vec());
    let mut decoder = decoder();
    decoder.push(data);
    let kept = drain(&mut decoder);
    assert_eq!(kept, sent);
    assert_eq!(Arc::strong_count(&holders), 1);
}

#[test]
fn memory_grows_with_what_arrives_and_not_with_what_is_claimed() {
    // The claim is a message of the greatest length; the 1 is the extension's id, 7 all that it ever says.
    let mut head = frame(MAX_EXTENDED_MESSAGE, 20, 3).to_vec();
    head[5..].copy_from_slice(&[1, 7]);
    let mut decoder = decoder();
    decoder.push(head.into());
    assert_eq!(decoder.next(), Ok(None));
    assert!(decoder.held() <= 2, "{} bytes held for one", decoder.held());
    for arrived in 2..70_000 {
        decoder.push(Bytes::from_static(&[7]));
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.held() <= 2 * arrived);
    }
}

#[test]
fn a_long_extended_message_is_gathered_in_one_slice_and_no_more_memory_than_it_needs() {
    const LEN: usize = 100_000;
    let sent = Message::Extended { id: 1, payload: vec![5; LEN].into() };
    let mut decoder = decoder();
    for fragment in encode(core::slice::from_ref(&sent)).chunks(30_000) {
        assert_eq!(decoder.next(), Ok(None));
        let (data, holders) = watched(fragment.to_vec());
        decoder.push(data);
        if fragment.len() == 30_000 {
            assert_eq!(decoder.next(), Ok(None));
            assert!(decoder.held() <= LEN, "{} bytes held", decoder.held());
            assert_eq!(Arc::strong_count(&holders), 1);
        }
    }
    assert_eq!(drain(&mut decoder), [sent]);
}

#[test]
fn messages_of_fixed_length_must_have_it() {
    let kinds: [(u32, &[u8]); 5] =
        [(1, &[0, 1, 2, 3, 14, 15]), (3, &[9]), (5, &[4, 13, 17]), (11, &[5]), (13, &[6, 8, 16])];
    for (right, id) in kinds.iter().flat_map(|(right, ids)| ids.iter().map(move |id| (*right, *id))) {
        for len in [right - 1, right + 1, 1 << 20, u32::MAX].into_iter().filter(|len| *len > 0) {
            let expected = WireError::Length { id, len, min: right, max: right };
            assert_eq!(refusal(decoder(), len, id), expected);
        }
    }
}

#[test]
fn a_bitfield_must_fit_the_torrent() {
    for (pieces, bytes) in [(0, 0), (1, 1), (8, 1), (9, 2), (MAX_PIECES, MAX_PIECES / 8)] {
        let decoder = Decoder::new(pieces, Features::OURS);
        let (min, max) = (bytes + 1, bytes + 1);
        let error = refusal(decoder.clone(), bytes + 2, 5);
        assert_eq!(error, WireError::Length { id: 5, len: bytes + 2, min, max });
        let mut decoder = decoder;
        decoder.push(frame(bytes + 1, 5, bytes as usize + 1));
        assert_eq!(decoder.next(), Ok(Some(Message::Bitfield(vec![0; bytes as usize].into()))));
    }
}

#[test]
fn a_block_beyond_16_kib_is_refused_by_its_head() {
    let max = 9 + MAX_BLOCK_MESSAGE;
    assert_eq!(refusal(decoder(), max + 1, 7), WireError::Length { id: 7, len: max + 1, min: 9, max });
    assert_eq!(refusal(decoder(), 8, 7), WireError::Length { id: 7, len: 8, min: 9, max });
    let mut decoder = decoder();
    decoder.push(frame(9, 7, 9));
    assert!(only_payload(&mut decoder).is_empty());
}

#[test]
fn an_extended_message_beyond_a_mebibyte_is_refused() {
    let max = MAX_EXTENDED_MESSAGE;
    assert_eq!(refusal(decoder(), max + 1, 20), WireError::Length { id: 20, len: max + 1, min: 2, max });
    assert_eq!(refusal(decoder(), 1, 20), WireError::Length { id: 20, len: 1, min: 2, max });
}

#[test]
fn an_extension_handshake_has_a_limit_of_its_own() {
    let max = 2 + MAX_EXTENSION_HANDSHAKE as u32;
    let mut refused = decoder();
    refused.push(frame(max + 1, 20, 2));
    assert_eq!(refused.next(), Err(WireError::Length { id: 20, len: max + 1, min: 2, max }));
    let mut accepted = decoder();
    accepted.push(frame(max, 20, max as usize));
    assert!(matches!(accepted.next(), Ok(Some(Message::Extended { id: 0, .. }))));
}

#[test]
fn unknown_messages_are_skipped_without_being_kept() {
    let mut decoder = decoder();
    decoder.push(frame(MAX_UNKNOWN_MESSAGE, 99, 10));
    let mut missing = MAX_UNKNOWN_MESSAGE as usize - 10;
    while missing > 0 {
        assert_eq!(decoder.next(), Ok(None));
        assert_eq!(decoder.held(), 0);
        let len = missing.min(50_000);
        decoder.push(vec![1; len].into());
        missing -= len;
    }
    assert_eq!(decoder.next(), Ok(Some(Message::Unknown { id: 99 })));
    let max = MAX_UNKNOWN_MESSAGE;
    assert_eq!(refusal(decoder, max + 1, 99), WireError::Length { id: 99, len: max + 1, min: 1, max });
}

#[test]
fn fast_messages_need_the_fast_extension() {
    let plain = Decoder::new(PIECES, Features { fast: false, extended: true });
    for (id, len) in [(13, 5), (14, 1), (15, 1), (16, 13), (17, 5)] {
        assert_eq!(refusal(plain.clone(), len, id), WireError::FastNotNegotiated { id });
    }
}

#[test]
fn extended_messages_that_were_not_agreed_on_are_skipped() {
    let mut decoder = Decoder::new(PIECES, Features { fast: true, extended: false });
    decoder.push(encode(&[Message::Extended { id: 0, payload: Bytes::from_static(b"de") }, Message::Choke]));
    assert_eq!(drain(&mut decoder), [Message::Unknown { id: 20 }, Message::Choke]);
}

#[test]
fn extended_messages_that_were_not_offered_are_skipped_as_they_arrive() {
    let mut decoder = Decoder::new(PIECES, Features::OURS).offering(2);
    let offered = Message::Extended { id: 2, payload: Bytes::from_static(b"de") };
    decoder.push(encode(core::slice::from_ref(&offered)));
    assert_eq!(drain(&mut decoder), [offered]);

    // The claim is a message of the greatest length, of the first kind that was not offered.
    let mut head = frame(MAX_EXTENDED_MESSAGE, 20, 2).to_vec();
    head[5] = 3;
    decoder.push(head.into());
    let mut missing = MAX_EXTENDED_MESSAGE as usize - 2;
    while missing > 0 {
        assert_eq!(decoder.next(), Ok(None));
        assert_eq!(decoder.held(), 0);
        let len = missing.min(50_000);
        decoder.push(vec![1; len].into());
        missing -= len;
    }
    assert_eq!(drain(&mut decoder), [Message::Unknown { id: 20 }]);
    let max = MAX_EXTENDED_MESSAGE;
    assert_eq!(refusal(decoder, max + 1, 20), WireError::Length { id: 20, len: max + 1, min: 2, max });
}

#[test]
fn an_error_says_which_message_and_what_was_wrong() {
    let text = |error: WireError| error.to_string();
    assert_eq!(text(refusal(decoder(), 7, 4)), "have message (id 4) of 7 bytes instead of 5");
    assert_eq!(
        text(refusal(decoder(), 20_000, 7)),
        "piece message (id 7) of 20000 bytes instead of 9 to 16393"
    );
    assert_eq!(
        text(WireError::FastNotNegotiated { id: 14 }),
        "have all message (id 14) without the fast extension"
    );
}

fn any_range() -> impl Strategy<Value = BlockRange> {
    any::<(u32, u32, u32)>().prop_map(|(index, begin, len)| BlockRange { index, begin, len })
}

fn any_message() -> impl Strategy<Value = Message> {
    let data = prop_oneof![many(any::<u8>(), 0..100), (0..=BLOCK).prop_map(|len| vec![len as u8; len])];
    prop_oneof![
        prop_oneof![
            Just(Message::KeepAlive),
            Just(Message::Choke),
            Just(Message::Unchoke),
            Just(Message::Interested),
            Just(Message::NotInterested),
            Just(Message::HaveAll),
            Just(Message::HaveNone),
        ],
        any::<u32>().prop_map(Message::Have),
        any::<u32>().prop_map(Message::Suggest),
        any::<u32>().prop_map(Message::AllowedFast),
        any::<u16>().prop_map(Message::Port),
        any_range().prop_map(Message::Request),
        any_range().prop_map(Message::Cancel),
        any_range().prop_map(Message::Reject),
        many(any::<u8>(), 10).prop_map(|bits| Message::Bitfield(bits.into())),
        (1u8.., many(any::<u8>(), 0..6_000))
            .prop_map(|(id, payload)| Message::Extended { id, payload: payload.into() }),
        (21u8..).prop_map(|id| Message::Unknown { id }),
        (any::<(u32, u32)>(), data).prop_map(|((index, begin), data)| {
            Message::Piece { index, begin, data: Bytes::from(data).into() }
        }),
    ]
}

/// Every slice is large, or not part of any push.
fn pins_nothing(payload: &Payload, pushes: &[Bytes]) -> bool {
    let inside = |slice: &Bytes| pushes.iter().any(|push| push.as_ptr_range().contains(&slice.as_ptr()));
    payload.slices().all(|slice| slice.len() >= MIN_SHARED_SLICE || !inside(slice))
}

proptest! {
    #[test]
    fn messages_survive_any_cutting(
        sent in many(any_message(), 0..12),
        cuts in many(1usize..9_000, 1..60),
        drained_each_time in any::<bool>(),
        offered: u8,
    ) {
        let mut wire = encode(&sent);
        let (mut got, mut pushes, mut cuts) = (Vec::new(), Vec::new(), cuts.into_iter().cycle());
        let mut decoder = decoder().offering(offered);
        while !wire.is_empty() {
            // Memory of its own for each push, so that what is shared shows.
            let push = Bytes::copy_from_slice(&wire.split_to(cuts.next().unwrap().min(wire.len())));
            decoder.push(push.clone());
            pushes.push(push);
            if drained_each_time {
                got.append(&mut drain(&mut decoder));
                prop_assert!(decoder.held() <= MAX_EXTENDED_MESSAGE as usize);
            }
        }
        got.append(&mut drain(&mut decoder));
        prop_assert_eq!(decoder.held(), 0);
        for message in &got {
            if let Message::Piece { data, .. } = message {
                prop_assert!(pins_nothing(data, &pushes));
                prop_assert_eq!(data.to_bytes().len(), data.len());
            }
        }
        let skipped = |message| match message {
            Message::Extended { id, .. } if id > offered => Message::Unknown { id: 20 },
            other => other,
        };
        prop_assert_eq!(got, sent.into_iter().map(skipped).collect::<Vec<_>>());
    }

    #[test]
    fn arbitrary_bytes_never_panic_nor_fill_memory(
        heads in many((0u32..70_000, 0u8..24, many(any::<u8>(), 0..200)), 0..20),
        noise in many(any::<u8>(), 0..300),
        cut in 1usize..500,
        (fast, extended, offered) in any::<(bool, bool, u8)>(),
    ) {
        let mut wire = Vec::new();
        for (len, id, rest) in heads {
            wire.extend_from_slice(&len.to_be_bytes());
            wire.push(id);
            wire.extend_from_slice(&rest);
        }
        wire.extend_from_slice(&noise);
        let mut decoder = Decoder::new(PIECES, Features { fast, extended }).offering(offered);
        let mut arrived = 0;
        for push in wire.chunks(cut) {
            decoder.push(Bytes::copy_from_slice(push));
            arrived += push.len();
            while let Ok(Some(_)) = decoder.next() {}
            prop_assert!(decoder.held() <= 2 * arrived);
            prop_assert!(decoder.held() <= MAX_EXTENDED_MESSAGE as usize);
        }
    }
}
