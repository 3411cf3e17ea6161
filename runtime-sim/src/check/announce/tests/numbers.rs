//! What went over the wires and stands on the disk.

use super::*;

/// A client that is given a block and gives one.
fn trade(client: &mut Client) {
    let peer = meet(client, 1)[0];
    let mut hears = |bytes: &[u8]| {
        let at = client.at();
        client.watched.received(at, peer, &client.disk, bytes).unwrap();
    };
    let block = |index| piece_header(index, 0, 16_384).into_iter().chain([0; 16_384]).collect::<Vec<u8>>();
    hears(&block(3));
    hears(&[0, 0, 0, 1, INTERESTED]);
    let mut request = bytes::BytesMut::new();
    Message::Request(BlockRange { index: 1, begin: 0, len: 16_384 }).encode(&mut request);
    hears(&request);
    client.watched.serial += 1;
    client.sends(peer, &[0, 0, 0, 2, 5, 0b1100_0000]).unwrap();
    client.sends(peer, &[0, 0, 0, 1, 1]).unwrap();
    assert_eq!(block(1)[4], PIECE);
    client.sends(peer, &block(1)).unwrap();
    client.watched.serial += 1;
}

#[test]
fn the_numbers_are_those_of_the_wires_and_of_the_disk() {
    let count = |what, told, least, most| Err(Broken::Count { what, told, least, most });
    let mut fresh = Client::new();
    assert_eq!(fresh.tells(&fresh.query().with("uploaded", 1)).1, count("uploaded", 1, 0, 0));
    let tells = |name, value, verified: Option<u32>| {
        let mut client = Client::started();
        trade(&mut client);
        if let Some(piece) = verified.map(PieceIndex::new) {
            client.watched.tells(&Told::PieceVerified { torrent: TorrentId(0), piece });
        }
        let query = client.regular().with("uploaded", 16_384).with("downloaded", 16_384);
        client.tells(&query.with(name, value)).1
    };
    for what in ["uploaded", "downloaded"] {
        assert_eq!(tells(what, 16_384, None), Ok(()));
        for told in [16_383, 16_385] {
            assert_eq!(tells(what, told, None), count(what, told, 16_384, 16_384));
        }
    }
    // It has two pieces and may not have looked yet; of a third it has one block.
    let least = TOTAL - 2 * 32_768;
    assert_eq!(tells("left", least, None), Ok(()));
    assert_eq!(tells("left", TOTAL, None), Ok(()));
    assert_eq!(tells("left", least - 1, None), count("left", least - 1, least, TOTAL));
    assert_eq!(tells("left", TOTAL + 1, None), count("left", TOTAL + 1, least, TOTAL));
    let most = TOTAL - 32_768;
    assert_eq!(tells("left", most, Some(1)), Ok(()));
    assert_eq!(tells("left", TOTAL, Some(1)), count("left", TOTAL, least, most));
}

#[test]
fn what_was_sent_and_has_come_never_falls() {
    for what in ["uploaded", "downloaded"] {
        let mut client = Client::started();
        trade(&mut client);
        let query = client.regular().with("uploaded", 16_384).with("downloaded", 16_384);
        client.asks(&query, TAKEN).unwrap();
        client.after(10_000);
        let fell = Broken::Fell { what, told: 0, before: 16_384 };
        assert_eq!(client.tells(&query.with(what, 0)).1, Err(fell));
    }
}

#[test]
fn a_piece_that_was_lost_is_left_again() {
    let mut client = Client::started();
    let (torrent, piece) = (TorrentId(0), PieceIndex::new(1));
    client.watched.tells(&Told::PieceVerified { torrent, piece });
    client.watched.tells(&Told::PieceLost { torrent, piece, error: None });
    client.tells(&client.regular()).1.unwrap();
}

#[test]
fn what_came_with_the_input_may_not_have_been_read() {
    // An engine that closes a connection does not read what is left of it.
    for (closes, told, result) in [(true, 0, Ok(())), (false, 0, Err(())), (false, 16_384, Ok(()))] {
        let mut client = Client::started();
        let peer = meet(&mut client, 1)[0];
        let block: Vec<u8> = piece_header(3, 0, 16_384).into_iter().chain([0; 16_384]).collect();
        let at = client.at();
        client.watched.received(at, peer, &client.disk, &block).unwrap();
        if closes {
            client.watched.closes(client.now, peer);
        }
        client.watched.serial += 1;
        let query = client.regular().with("downloaded", told);
        assert_eq!(client.tells(&query).1.map_err(|_| ()), result, "{closes} {told}");
    }
}
