//! Messages from a stream of bytes that arrives in any portions. Payload is not copied, and a message that is
//! too long is refused by its head, before any of it is kept.

use super::error::WireError;
use super::handshake::Features;
use super::input::Input;
use super::message::*;
use super::payload::Assembly;
use crate::limits::{MAX_BLOCK_MESSAGE, MAX_EXTENDED_MESSAGE, MAX_EXTENSION_HANDSHAKE, MAX_UNKNOWN_MESSAGE};
use bytes::{Buf, Bytes};

/// Bytes of the length prefix; the id follows.
const PREFIX: usize = 4;
/// Bytes of the longest head: the prefix, the id, and the three numbers of a `request`.
const MAX_HEAD: usize = PREFIX + 13;
/// An extended message that is the extension handshake (BEP 10).
const EXTENSION_HANDSHAKE: Shape = Shape::up_to(2 + MAX_EXTENSION_HANDSHAKE as u32, 2, Rest::Whole);

/// Reads the messages that follow the handshake.
///
/// Push what arrives, then ask for messages until there is none: after that the decoder holds nothing of the
/// push but the beginning of one message, and of that no small slice (see [`Payload`](super::Payload)). So
/// its memory is bounded by one message and one push.
///
/// It judges what a message shows by itself: its length, and whether its extension was agreed on. Messages of
/// the fast extension that was not agreed on are an error, as BEP 6 demands; extended ones are then skipped
/// like those of any unknown kind, as are those of extensions that we never offered. Whether a piece exists,
/// and whether a message may come now (BEP 6: `have all` only as the first), is for the peer machine to judge:
/// it knows the conversation.
#[derive(Clone, Debug)]
pub struct Decoder {
    num_pieces: u32,
    features: Features,
    /// Extended messages with ids up to this are of kinds that we offered.
    offered: u8,
    input: Input,
    /// The head of the message that is being read: `head_len` bytes of it have arrived.
    head: [u8; MAX_HEAD],
    head_len: usize,
    /// What follows the head, once that is whole.
    body: Option<Body>,
    failed: Option<WireError>,
}

/// What follows the head of a message.
#[derive(Clone, Debug)]
enum Body {
    Kept(Assembly),
    Skipped { left: usize },
}

/// What a kind of message has to look like.
struct Shape {
    /// The least and the most that the length prefix may say.
    min: u32,
    max: u32,
    /// Bytes from the id on that belong to the head.
    head: u32,
    rest: Rest,
}

/// How to take what follows the head.
enum Rest {
    /// As a block, in slices.
    Block,
    /// In one slice.
    Whole,
    /// Likewise, if it is an extension handshake and not too long for one, or of a kind that we offered.
    Extension,
    /// Not at all.
    Skip,
}

impl Decoder {
    /// A decoder at the beginning of a message, for a torrent of `num_pieces` pieces, on a connection where
    /// both sides offered `features`. Of extended messages (BEP 10) it takes the handshake and skips all others.
    pub const fn new(num_pieces: u32, features: Features) -> Self {
        Self {
            num_pieces,
            features,
            offered: 0,
            input: Input::new(),
            head: [0; MAX_HEAD],
            head_len: 0,
            body: None,
            failed: None,
        }
    }

    /// Takes extended messages with the ids 1 to `offered` as well: those that our own extension handshake gives
    /// to the extensions in its `m`.
    #[must_use]
    pub const fn offering(mut self, offered: u8) -> Self {
        self.offered = offered;
        self
    }

    /// Takes bytes that arrived. Between two pushes ask for messages until there is none: what is pushed on
    /// top of what was not asked for adds to the memory that the decoder holds.
    pub fn push(&mut self, data: Bytes) {
        if self.failed.is_none() {
            self.input.push(data);
        }
    }

    /// The next message; `None` when it has not arrived whole.
    ///
    /// # Errors
    /// [`WireError`] as soon as the head of a message shows that it cannot be accepted. The decoder then lets
    /// go of all that it holds, and gives the same error ever after.
    #[expect(clippy::should_implement_trait, reason = "an iterator is over at the first `None`, this is not")]
    pub fn next(&mut self) -> Result<Option<Message>, WireError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.read_message();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.input = Input::new();
        }
        result
    }

    fn read_message(&mut self) -> Result<Option<Message>, WireError> {
        if self.body.is_none() {
            self.body = self.read_head()?;
        }
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        while body.left() > 0 {
            if !self.input.read(|input| body.take_from(input)) {
                return Ok(None);
            }
        }
        self.head_len = 0;
        Ok(self.body.take().map(|body| self.message(body)))
    }

    /// Reads as much of the head as has arrived. Gives the body, of which nothing is there yet, once the head
    /// is whole.
    fn read_head(&mut self) -> Result<Option<Body>, WireError> {
        if !self.fill_head(PREFIX) {
            return Ok(None);
        }
        let len = self.number_at(0);
        if len == 0 {
            return Ok(Some(Body::Skipped { left: 0 }));
        }
        if !self.fill_head(PREFIX + 1) {
            return Ok(None);
        }
        let id = self.head[PREFIX];
        let shape = self.shape_of(id)?;
        shape.check(id, len)?;
        if !self.fill_head(PREFIX + shape.head as usize) {
            return Ok(None);
        }
        let left = (len - shape.head) as usize;
        Ok(Some(match shape.rest {
            Rest::Block => Body::Kept(Assembly::slices(left)),
            Rest::Whole => Body::Kept(Assembly::whole(left)),
            Rest::Extension => match self.head[PREFIX + 1] {
                0 => {
                    EXTENSION_HANDSHAKE.check(id, len)?;
                    Body::Kept(Assembly::whole(left))
                }
                kind if kind <= self.offered => Body::Kept(Assembly::whole(left)),
                _ => Body::Skipped { left },
            },
            Rest::Skip => Body::Skipped { left },
        }))
    }

    /// Moves input into the head until that has `len` bytes. Says whether it has.
    fn fill_head(&mut self, len: usize) -> bool {
        while self.head_len < len {
            let (head, head_len) = (&mut self.head, &mut self.head_len);
            let fill = |input: &mut Bytes| {
                let end = len.min(*head_len + input.len());
                input.copy_to_slice(&mut head[*head_len..end]);
                *head_len = end;
            };
            if !self.input.read(fill) {
                return false;
            }
        }
        true
    }

    /// What a message of this kind has to look like on this connection.
    fn shape_of(&self, id: u8) -> Result<Shape, WireError> {
        Ok(match id {
            SUGGEST | HAVE_ALL | HAVE_NONE | REJECT | ALLOWED_FAST if !self.features.fast => {
                return Err(WireError::FastNotNegotiated { id });
            }
            CHOKE | UNCHOKE | INTERESTED | NOT_INTERESTED | HAVE_ALL | HAVE_NONE => Shape::exactly(1),
            HAVE | SUGGEST | ALLOWED_FAST => Shape::exactly(5),
            REQUEST | CANCEL | REJECT => Shape::exactly(13),
            PORT => Shape::exactly(3),
            BITFIELD => Shape { head: 1, ..Shape::exactly(1 + self.num_pieces.div_ceil(8)) },
            PIECE => Shape::up_to(9 + MAX_BLOCK_MESSAGE, 9, Rest::Block),
            EXTENDED if self.features.extended => Shape::up_to(MAX_EXTENDED_MESSAGE, 2, Rest::Extension),
            _ => Shape::up_to(MAX_UNKNOWN_MESSAGE, 1, Rest::Skip),
        })
    }

    /// The message that the head and its complete body make.
    fn message(&self, body: Body) -> Message {
        let id = self.head[PREFIX];
        let data = match body {
            Body::Kept(assembly) => assembly.finish(),
            Body::Skipped { .. } if self.number_at(0) == 0 => return Message::KeepAlive,
            Body::Skipped { .. } => return Message::Unknown { id },
        };
        // Heads differ in length: what a kind does not have is not looked at below.
        let [index, begin, len] = [5, 9, 13].map(|at| self.number_at(at));
        match id {
            CHOKE => Message::Choke,
            UNCHOKE => Message::Unchoke,
            INTERESTED => Message::Interested,
            NOT_INTERESTED => Message::NotInterested,
            HAVE => Message::Have(index),
            BITFIELD => Message::Bitfield(data.to_bytes()),
            REQUEST => Message::Request(BlockRange { index, begin, len }),
            PIECE => Message::Piece { index, begin, data },
            CANCEL => Message::Cancel(BlockRange { index, begin, len }),
            PORT => Message::Port(u16::from_be_bytes([self.head[5], self.head[6]])),
            SUGGEST => Message::Suggest(index),
            HAVE_ALL => Message::HaveAll,
            HAVE_NONE => Message::HaveNone,
            REJECT => Message::Reject(BlockRange { index, begin, len }),
            ALLOWED_FAST => Message::AllowedFast(index),
            EXTENDED => Message::Extended { id: self.head[5], payload: data.to_bytes() },
            _ => Message::Unknown { id },
        }
    }

    /// The number of four bytes at the constant place `at` of the head.
    fn number_at(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.head[at], self.head[at + 1], self.head[at + 2], self.head[at + 3]])
    }

    /// Bytes of memory that it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let body = match &self.body {
            Some(Body::Kept(assembly)) => assembly.held(),
            _ => 0,
        };
        body + self.input.len()
    }
}

impl Shape {
    /// `len` bytes from the id on.
    const fn exactly(len: u32) -> Self {
        Self { min: len, max: len, head: len, rest: Rest::Whole }
    }

    /// From `head` to `max` bytes from the id on.
    const fn up_to(max: u32, head: u32, rest: Rest) -> Self {
        Self { min: head, max, head, rest }
    }

    const fn check(&self, id: u8, len: u32) -> Result<(), WireError> {
        if len < self.min || len > self.max {
            return Err(WireError::Length { id, len, min: self.min, max: self.max });
        }
        Ok(())
    }
}

impl Body {
    const fn left(&self) -> usize {
        match self {
            Self::Kept(assembly) => assembly.left(),
            Self::Skipped { left } => *left,
        }
    }

    fn take_from(&mut self, input: &mut Bytes) {
        match self {
            Self::Kept(assembly) => assembly.take_from(input),
            Self::Skipped { left } => {
                let len = input.len().min(*left);
                input.advance(len);
                *left -= len;
            }
        }
    }
}
