//! What ends a wait from another thread: a byte through a pair of sockets.
//!
//! mio has a waker of its own, but a `Poll` can have only one of those, and where the `Poll` is the caller's it
//! is the caller's too.

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Both ends, so that neither is written to when the other is gone.
#[derive(Debug)]
pub(crate) struct Wake {
    read: UnixStream,
    write: UnixStream,
}

impl Wake {
    /// A wake-up that makes `token` readable.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        registry.register(&mut SourceFd(&read.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { read, write })
    }

    /// Ends the current or the next wait. From any thread; does not block.
    pub(crate) fn wake(&self) {
        // Any other error is that of a pair that is full, and so has a wake-up in it.
        while (&self.write).write(&[1]).is_err_and(|e| e.kind() == ErrorKind::Interrupted) {}
    }

    /// Makes room for more wake-ups. To be called when the token became readable.
    pub(crate) fn drain(&self) {
        let mut bytes = [0; 64];
        loop {
            match (&self.read).read(&mut bytes) {
                Ok(n) if n == bytes.len() => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
