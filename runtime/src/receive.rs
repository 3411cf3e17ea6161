//! Where sockets are read into: a large buffer that is handed out in slices and used again.

use bytes::{Bytes, BytesMut};
use std::io;
use std::os::fd::AsFd;

/// Bytes of a receive buffer.
pub const RECEIVE_BUFFER: usize = 256 << 10;
/// Below this much room the buffer is renewed rather than filled up.
const LEAST_ROOM: usize = 32 << 10;

/// A buffer for what arrives, shared by all sockets of a driver.
///
/// What is read leaves as [`Bytes`]. The memory is used again once all of them are gone; until then another
/// buffer takes its place.
#[derive(Debug, Default)]
pub struct ReceiveBuffer {
    room: BytesMut,
}

impl ReceiveBuffer {
    /// A buffer that takes no memory before it is first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads once from a nonblocking socket, at most [`RECEIVE_BUFFER`] bytes. Empty `Bytes` are the end of
    /// the stream; [`io::ErrorKind::WouldBlock`] means that nothing is there now.
    #[expect(unsafe_code, reason = "zeroing the buffer each time costs a memset of every byte received")]
    pub fn read(&mut self, socket: impl AsFd) -> io::Result<Bytes> {
        if self.room.capacity() < LEAST_ROOM {
            self.room.reserve(RECEIVE_BUFFER);
        }
        let room = self.room.spare_capacity_mut();
        let len = loop {
            match rustix::io::read(socket.as_fd(), &mut *room) {
                Ok((filled, _)) => break filled.len(),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        };
        // SAFETY: `room` begins where the (empty) contents of the buffer end, and `read` has just filled its
        // first `len` bytes.
        unsafe { self.room.set_len(len) };
        Ok(self.room.split().freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn send(buffer: &mut ReceiveBuffer, data: &[u8]) -> Bytes {
        let (mut a, b) = UnixStream::pair().unwrap();
        a.write_all(data).unwrap();
        buffer.read(&b).unwrap()
    }

    #[test]
    fn what_is_read_is_what_was_sent_and_stays_so() {
        let mut buffer = ReceiveBuffer::new();
        let all: Vec<Bytes> = (0..200u8).map(|n| send(&mut buffer, &[n; 3_000])).collect();
        for (n, data) in all.iter().enumerate() {
            assert_eq!(data, &vec![n as u8; 3_000]);
        }
    }

    #[test]
    fn memory_is_used_again_once_nobody_holds_it() {
        let mut buffer = ReceiveBuffer::new();
        let first = send(&mut buffer, b"x").as_ptr() as usize;
        for _ in 0..1_000 {
            let at = send(&mut buffer, &[7; 2_000]).as_ptr() as usize;
            assert!((first..first + RECEIVE_BUFFER).contains(&at), "another buffer was made");
        }
    }

    #[test]
    fn an_end_and_an_empty_socket_are_told_apart() {
        let mut buffer = ReceiveBuffer::new();
        let (a, b) = UnixStream::pair().unwrap();
        b.set_nonblocking(true).unwrap();
        assert_eq!(buffer.read(&b).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(a);
        assert!(buffer.read(&b).unwrap().is_empty());
    }
}
