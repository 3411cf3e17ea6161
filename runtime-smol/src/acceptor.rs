//! A listener as a task: it accepts one connection a turn.

use crate::desk::{Desk, Report};
use peerless_core::{Input, NetError};
use peerless_runtime::lock;
use peerless_runtime::net::net_error;
use smol::{Async, Timer, future};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a listener is left alone after an error. It may be there at each look, and each look be possible.
const PAUSE: Duration = Duration::from_secs(1);

/// Accepts until the task is dropped.
pub(crate) async fn accept(listener: Arc<Async<TcpListener>>, desk: Arc<Mutex<Desk>>) {
    loop {
        match listener.get_ref().accept() {
            Ok((socket, remote)) => lock(&desk).reports.push(Report::Accepted(socket, remote)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if listener.readable().await.is_err() {
                    Timer::after(PAUSE).await;
                }
                continue;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => {
                let error = net_error(&e);
                // A connection that was given up while it waited is one less; the others go on.
                let wait = error != NetError::Reset;
                lock(&desk).report(Input::AcceptFailed { error });
                if wait {
                    Timer::after(PAUSE).await;
                }
            }
        }
        // The session takes this in, and may drop this task, before the next.
        future::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Report;
    use smol::Executor;
    use std::net::{Shutdown, TcpStream};

    #[test]
    fn a_listener_that_fails_for_good_is_left_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (executor, desk) = (Executor::new(), Arc::<Mutex<Desk>>::default());
        let listener = Arc::new(Async::new(listener).unwrap());
        // Nobody listens there any more: each look gives an error, and is always possible.
        let socket = TcpStream::from(listener.get_ref().try_clone().map(std::os::fd::OwnedFd::from).unwrap());
        socket.shutdown(Shutdown::Both).unwrap();
        assert!(TcpStream::connect(at).is_err());
        let _task = executor.spawn(accept(listener, desk.clone()));
        let turns = (0..100).take_while(|_| executor.try_tick()).count();
        assert!(turns < 10, "it never rests");
        let reports = std::mem::take(&mut lock(&desk).reports);
        assert!(matches!(reports[..], [Report::Input(Input::AcceptFailed { .. })]), "{reports:?}");
    }
}
