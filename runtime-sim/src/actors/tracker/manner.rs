//! The ways in which trackers are rude, and what they send then.

use crate::dice::Dice;
use peerless_core::Duration;
use peerless_core::bencode::encode_dict;
use peerless_core::tracker::server::Response;

/// How a tracker behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackerManner {
    /// As it should.
    Civil,
    /// It takes the stream and says nothing.
    Silent,
    /// It breaks the stream when the question has come.
    Reset,
    /// It answers as it should, so much later.
    Late(Duration),
    /// It answers as it should, in small parts with so much time between them.
    Trickling(Duration),
    /// It sends the first half of an answer and ends the stream.
    Half,
    /// It refuses, with these words (`failure reason`, BEP 3).
    Refusing(&'static str),
    /// It answers with this status of HTTP.
    Failing(u16),
    /// It answers with random bytes, without HTTP.
    Noise,
    /// It answers with a web page.
    WebPage,
    /// It answers with a dictionary in which everything has the wrong type.
    WrongTypes,
    /// It answers with bencode that ends too early.
    Unfinished,
    /// It announces an answer without end, and sends it.
    Endless,
    /// It leads to itself.
    Redirecting,
    /// It answers as it should, and asks to come back after this time.
    Interval(Duration),
    /// It names so many peers that do not exist, and no other.
    Phantoms(usize),
}

/// A body that is longer than anyone takes.
const ENDLESS: usize = 4 << 20;

impl TrackerManner {
    /// What is sent instead of `civil`, the answer that is due.
    pub(super) fn answer(&self, civil: &Response, url: &str, dice: &mut Dice) -> Vec<u8> {
        match self {
            Self::Civil
            | Self::Silent
            | Self::Reset
            | Self::Late(_)
            | Self::Trickling(_)
            | Self::Interval(_) => civil.encode(),
            Self::Half => {
                let mut answer = civil.encode();
                answer.truncate(answer.len() / 2);
                answer
            }
            Self::Refusing(words) => {
                Response::ok(encode_dict(|d| d.entry("failure reason").bytes(words))).encode()
            }
            Self::Failing(status) => {
                format!("HTTP/1.1 {status} No\r\nContent-Length: 3\r\n\r\nno\n").into_bytes()
            }
            Self::Noise => {
                let mut noise = vec![0; 1 + dice.below(2_000) as usize];
                dice.fill(&mut noise);
                noise
            }
            Self::WebPage => {
                Response::ok("<!DOCTYPE html><html><title>Free movies</title><body>Log in</html>").encode()
            }
            Self::WrongTypes => {
                Response::ok("d8:completele10:incompletede8:interval4:soon12:min intervali-1e5:peersi7ee")
                    .encode()
            }
            Self::Unfinished => Response::ok("d8:intervali1800e5:peers600:abc").encode(),
            Self::Endless => {
                let mut answer = b"HTTP/1.1 200 OK\r\n\r\nd5:peers999999999:".to_vec();
                answer.resize(ENDLESS, b'a');
                answer
            }
            Self::Redirecting => {
                format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n").into_bytes()
            }
            Self::Phantoms(count) => Response::ok(phantoms(*count, dice)).encode(),
        }
    }
}

/// An answer that names addresses at which nobody is.
fn phantoms(count: usize, dice: &mut Dice) -> Vec<u8> {
    let mut peers = Vec::with_capacity(6 * count);
    for _ in 0..count {
        // 200.0.0.0/8: hosts of a simulation are elsewhere.
        let number = dice.number().to_be_bytes();
        peers.extend_from_slice(&[200, number[0], number[1], number[2], number[3], number[4] | 1]);
    }
    encode_dict(|d| {
        d.entry("interval").int(1_800);
        d.entry("peers").bytes(&peers);
    })
}
