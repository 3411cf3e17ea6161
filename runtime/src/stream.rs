//! One TCP connection as a driver sees it: what waits to be sent, TLS where it is wanted, nothing that waits.

use crate::net;
use crate::receive::ReceiveBuffer;
use crate::tls::TlsClient;
use bytes::{Buf, Bytes};
use peerless_core::NetError;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Slices that one call hands to the system.
const MAX_SLICES: usize = 64;

/// A nonblocking connection with its send queue.
#[derive(Debug)]
pub struct Stream {
    socket: Arc<TcpStream>,
    connecting: bool,
    tls: Option<Box<TlsClient>>,
    /// Ciphertext, where there is TLS.
    queue: VecDeque<Bytes>,
    /// Plain text that went into TLS and has not been reported as sent.
    sealed: usize,
}

/// What one read brought.
#[derive(Debug)]
pub enum Read {
    /// The next bytes of the stream; with TLS they can be none.
    Data(Bytes),
    /// Nothing is there now.
    Nothing,
    /// The other side sends no more.
    End,
    /// The connection broke.
    Broken(NetError),
}

impl Stream {
    /// Begins to connect. With `tls`, the other side is to prove that it is this.
    pub fn connect(remote: SocketAddr, tls: Option<TlsClient>) -> Result<Self, NetError> {
        let socket = Arc::new(net::connect(remote)?);
        Ok(Self { socket, connecting: true, tls: tls.map(Box::new), queue: VecDeque::new(), sealed: 0 })
    }

    /// Takes a connection that was accepted.
    pub fn accepted(socket: TcpStream) -> Result<Self, NetError> {
        net::accepted(&socket)?;
        Ok(Self { socket: Arc::new(socket), connecting: false, tls: None, queue: VecDeque::new(), sealed: 0 })
    }

    /// Whether it is still being opened.
    pub const fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// To be called when the socket is writable while [`is_connecting`](Self::is_connecting): how it went, or
    /// `None` while that is not decided.
    pub fn finish_connecting(&mut self) -> Option<Result<SocketAddr, NetError>> {
        let outcome = net::connected(&*self.socket)?;
        self.connecting = false;
        self.queue_ciphertext();
        Some(outcome)
    }

    /// Queues bytes behind those that wait already.
    pub fn queue(&mut self, data: Bytes) -> Result<(), NetError> {
        match &mut self.tls {
            None => self.queue.push_back(data),
            Some(tls) => {
                tls.write(&data)?;
                self.sealed += data.len();
                self.queue_ciphertext();
            }
        }
        Ok(())
    }

    /// Sends what the socket takes. Returns how many bytes of what was [queued](Self::queue) have left by
    /// that: with TLS they count all together, once nothing of them waits any more.
    pub fn flush(&mut self) -> Result<usize, NetError> {
        let mut sent = 0;
        while !self.queue.is_empty() && !self.connecting {
            match self.write_some() {
                Ok(0) => return Err(NetError::Reset),
                Ok(bytes) => sent += bytes,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(net::net_error(&e)),
            }
        }
        match &self.tls {
            None => Ok(sent),
            Some(tls) if tls.is_handshaking() || self.has_unsent() => Ok(0),
            Some(_) => Ok(std::mem::take(&mut self.sealed)),
        }
    }

    fn write_some(&mut self) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        for (slice, data) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(data);
        }
        let count = self.queue.len().min(MAX_SLICES);
        let written = (&*self.socket).write_vectored(&slices[..count])?;
        let mut left = written;
        while left > 0
            && let Some(front) = self.queue.front_mut()
        {
            let taken = left.min(front.len());
            front.advance(taken);
            left -= taken;
            if front.is_empty() {
                self.queue.pop_front();
            }
        }
        Ok(written)
    }

    /// Whether something waits to be sent.
    pub fn has_unsent(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut ReceiveBuffer) -> Read {
        let data = match buffer.read(&*self.socket) {
            Ok(data) if data.is_empty() => return Read::End,
            Ok(data) => data,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Read::Nothing,
            Err(e) => return Read::Broken(net::net_error(&e)),
        };
        let Some(tls) = &mut self.tls else { return Read::Data(data) };
        match tls.read(&data) {
            Ok(plain) => {
                self.queue_ciphertext();
                Read::Data(plain)
            }
            Err(error) => Read::Broken(error),
        }
    }

    fn queue_ciphertext(&mut self) {
        if let Some(tls) = &mut self.tls
            && tls.wants_write()
        {
            self.queue.push_back(tls.take_ciphertext());
        }
    }

    /// The socket, shared so that a driver can have it watched while it uses the stream.
    pub const fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::{roots, server};
    use std::io::Read as _;
    use std::net::TcpListener;

    fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Stream::accepted(listener.accept().unwrap().0).unwrap(), theirs)
    }

    #[test]
    fn many_small_pieces_arrive_as_one_stream() {
        let (mut stream, mut theirs) = pair();
        let all: Vec<u8> = (0..200u8).flat_map(|n| [n; 100]).collect();
        for piece in all.chunks(100) {
            stream.queue(Bytes::copy_from_slice(piece)).unwrap();
        }
        assert_eq!(stream.flush().unwrap(), all.len());
        assert!(!stream.has_unsent());
        let mut got = vec![0; all.len()];
        theirs.read_exact(&mut got).unwrap();
        assert_eq!(got, all);
    }

    #[test]
    fn a_full_socket_keeps_the_rest_for_later() {
        let (mut stream, mut theirs) = pair();
        let all = vec![7u8; 64 << 20];
        stream.queue(all.clone().into()).unwrap();
        let mut sent = stream.flush().unwrap();
        assert!(stream.has_unsent());
        let mut got = 0;
        let mut buffer = vec![0; 1 << 20];
        while got < all.len() {
            got += theirs.read(&mut buffer).unwrap();
            sent += stream.flush().unwrap();
        }
        assert_eq!((sent, got), (all.len(), all.len()));
    }

    fn wait_for(stream: &Stream, what: rustix::event::PollFlags) {
        let mut fds = [rustix::event::PollFd::new(stream, what)];
        rustix::event::poll(&mut fds, None).unwrap();
    }

    #[test]
    fn under_tls_only_what_was_queued_counts_as_sent() {
        let request = vec![7; 100_000];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let len = request.len();
        let other = std::thread::spawn(move || {
            let mut other = rustls::StreamOwned::new(server(), listener.accept().unwrap().0);
            let mut got = vec![0; len];
            other.read_exact(&mut got).map(|()| got)
        });
        let mut stream = Stream::connect(at, Some(roots().client("localhost").unwrap())).unwrap();
        stream.queue(Bytes::copy_from_slice(&request[..1_000])).unwrap();
        stream.queue(Bytes::copy_from_slice(&request[1_000..])).unwrap();
        while stream.finish_connecting().is_none() {
            wait_for(&stream, rustix::event::PollFlags::OUT);
        }
        let mut buffer = ReceiveBuffer::new();
        assert_eq!(stream.flush(), Ok(0), "the greeting is not what was queued");
        let mut sent = 0;
        while sent == 0 {
            use rustix::event::PollFlags;
            wait_for(
                &stream,
                if stream.has_unsent() { PollFlags::OUT | PollFlags::IN } else { PollFlags::IN },
            );
            assert!(!matches!(stream.read(&mut buffer), Read::End | Read::Broken(_)));
            sent += stream.flush().unwrap();
        }
        assert_eq!(sent, request.len());
        assert_eq!(stream.flush(), Ok(0), "it is told once");
        assert!(other.join().unwrap().unwrap() == request);
    }

    #[test]
    fn the_end_and_silence_are_told_apart() {
        let (mut stream, theirs) = pair();
        let mut buffer = ReceiveBuffer::new();
        assert!(matches!(stream.read(&mut buffer), Read::Nothing));
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        drop(theirs);
        wait_for(&stream, rustix::event::PollFlags::IN);
        assert!(matches!(stream.read(&mut buffer), Read::End));
    }
}
