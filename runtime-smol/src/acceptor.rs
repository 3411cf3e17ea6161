//! A listener as a task: it accepts one connection a turn.

use crate::desk::{Desk, Report, lock};
use peerless_core::Input;
use peerless_runtime::net::net_error;
use smol::{Async, future};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Accepts until the task is dropped.
pub(crate) async fn accept(listener: Arc<Async<TcpListener>>, desk: Arc<Mutex<Desk>>) {
    loop {
        match listener.get_ref().accept() {
            Ok((socket, remote)) => lock(&desk).reports.push(Report::Accepted(socket, remote)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if listener.readable().await.is_err() {
                    return;
                }
                continue;
            }
            Err(e) => lock(&desk).report(Input::AcceptFailed { error: net_error(&e) }),
        }
        // The session takes this in, and may drop this task, before the next.
        future::yield_now().await;
    }
}
