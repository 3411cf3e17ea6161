//! A connection as a task: it sends what the session gave it, reads what comes, and reports both.

use crate::desk::Desk;
use bytes::Bytes;
use peerless_core::{ConnId, Input, NetError};
use peerless_runtime::net::net_error;
use peerless_runtime::{Read, Stream, lock};
use smol::{Async, Executor, Task};
use std::future::poll_fn;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

/// The session's end of a connection. Dropping it ends the task at the executor's next tick, and with it the
/// connection.
#[derive(Debug)]
pub(crate) struct Connection {
    orders: Arc<Mutex<Orders>>,
    _task: Task<()>,
}

/// What the session wants of a task.
#[derive(Debug)]
struct Orders {
    to_send: Vec<Bytes>,
    readable: bool,
    /// Wakes the task. `None` before its first turn, which needs no waking.
    task: Option<Waker>,
}

impl Connection {
    /// Begins to watch the socket and starts the task, which first finishes connecting where that is under way.
    pub(crate) fn start(
        executor: &Executor<'static>,
        desk: Arc<Mutex<Desk>>,
        id: ConnId,
        stream: Stream,
    ) -> Result<Self, NetError> {
        let watch = Async::new_nonblocking(stream.socket().clone()).map_err(|e| net_error(&e))?;
        let orders = Arc::new(Mutex::new(Orders { to_send: Vec::new(), readable: true, task: None }));
        let line = Line {
            id,
            watch,
            stream,
            desk,
            orders: orders.clone(),
            reading: true,
            nothing_to_read: false,
            no_room_to_write: false,
        };
        Ok(Self { orders, _task: executor.spawn(line.run()) })
    }

    /// Queues bytes. They leave in the task's next turn, all that were queued by then together.
    pub(crate) fn send(&self, data: Bytes) {
        let mut orders = lock(&self.orders);
        orders.to_send.push(data);
        if orders.to_send.len() == 1 {
            orders.wake();
        }
    }

    /// Stops or goes on reading.
    pub(crate) fn set_readable(&self, readable: bool) {
        let mut orders = lock(&self.orders);
        orders.readable = readable;
        orders.wake();
    }
}

impl Orders {
    fn wake(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}

/// The task's end of a connection.
struct Line {
    id: ConnId,
    /// Declared before the stream: the watching ends before the socket is closed.
    watch: Async<Arc<TcpStream>>,
    stream: Stream,
    desk: Arc<Mutex<Desk>>,
    orders: Arc<Mutex<Orders>>,
    reading: bool,
    /// The last read found nothing: the next is worth it only when the socket has become readable.
    nothing_to_read: bool,
    /// The last write filled the socket.
    no_room_to_write: bool,
}

impl Line {
    async fn run(mut self) {
        let (id, desk) = (self.id, self.desk.clone());
        let last =
            if self.stream.is_connecting() { poll_fn(|cx| self.poll_connecting(cx)).await } else { Ok(()) };
        let last = match last {
            Err(error) => Input::ConnectFailed { conn: id, error },
            Ok(()) => {
                let error = poll_fn(|cx| self.poll(cx)).await;
                Input::Closed { conn: id, error }
            }
        };
        // The descriptor is free again before the engine hears of it.
        drop(self);
        lock(&desk).report(last);
    }

    fn poll_connecting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        loop {
            ready!(self.watch.poll_writable(cx)).map_err(|e| net_error(&e))?;
            let Some(outcome) = self.stream.finish_connecting() else { continue };
            let local = outcome?;
            lock(&self.desk).report(Input::Connected { conn: self.id, local });
            return Poll::Ready(Ok(()));
        }
    }

    /// One turn. Ready when the connection is over: with `None` if the other side ended it in order.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetError>> {
        if let Err(error) = self.take_orders(cx).and_then(|()| self.flush(cx)) {
            return Poll::Ready(Some(error));
        }
        self.read(cx)
    }

    fn take_orders(&mut self, cx: &Context<'_>) -> Result<(), NetError> {
        let mut orders = lock(&self.orders);
        if !orders.task.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            orders.task = Some(cx.waker().clone());
        }
        self.reading = orders.readable;
        orders.to_send.drain(..).try_for_each(|data| self.stream.queue(data))
    }

    /// Sends what waits, as far as the socket takes it. For the rest the task is woken when there is room.
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), NetError> {
        while self.stream.has_unsent() {
            if self.no_room_to_write {
                match self.watch.poll_writable(cx) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(outcome) => outcome.map_err(|e| net_error(&e))?,
                }
            }
            let bytes = self.stream.flush()?;
            self.no_room_to_write = self.stream.has_unsent();
            if bytes > 0 {
                lock(&self.desk).report(Input::Sent { conn: self.id, bytes });
            }
        }
        Ok(())
    }

    /// Reads once, and asks for another turn if that brought something. What the engine decides on these bytes
    /// (to stop reading, to close) comes before the next.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Option<NetError>> {
        while self.reading {
            if self.nothing_to_read {
                if let Err(e) = ready!(self.watch.poll_readable(cx)) {
                    return Poll::Ready(Some(net_error(&e)));
                }
                self.nothing_to_read = false;
            }
            let mut desk = lock(&self.desk);
            match self.stream.read(&mut desk.buffer) {
                Read::Data(data) => {
                    if !data.is_empty() {
                        desk.report(Input::Received { conn: self.id, data });
                    }
                    cx.waker().wake_by_ref();
                    break;
                }
                Read::Nothing => self.nothing_to_read = true,
                Read::End => return Poll::Ready(None),
                Read::Broken(error) => return Poll::Ready(Some(error)),
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
