//! What ends a pause of the session besides its tasks: a bell that other threads ring, and an alarm clock.

use peerless_runtime::lock;
use smol::Timer;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

/// Rung from any thread, heard by the session now or at its next pause.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    listener: Mutex<Option<Waker>>,
}

impl Bell {
    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst)
            && let Some(listener) = lock(&self.listener).take()
        {
            listener.wake();
        }
    }

    /// Whether it was rung since it was asked last.
    pub(crate) fn was_rung(&self) -> bool {
        self.rung.swap(false, Ordering::SeqCst)
    }

    /// Ready while it is rung, which only [`was_rung`](Self::was_rung) ends.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        {
            let mut listener = lock(&self.listener);
            if !listener.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                *listener = Some(cx.waker().clone());
            }
        }
        // Looked at last: who rings before the waker is in place is seen here, who rings later uses it.
        if self.rung.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A timer that is set only when it has to go off earlier than it would, because each setting costs the
/// reactor a wake-up. So it can go off too early, which harms nobody.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    set_to: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Self { timer: Timer::never(), set_to: None }
    }

    /// Ready at `when`, or somewhat earlier.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, when: Instant) -> Poll<()> {
        if self.set_to.is_none_or(|set_to| when < set_to) {
            self.timer.set_at(when);
            self.set_to = Some(when);
        }
        ready!(Pin::new(&mut self.timer).poll(cx));
        self.set_to = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_bell_is_heard_whether_it_rings_before_or_during_the_pause() {
        let bell = Arc::new(Bell::default());
        bell.ring();
        smol::block_on(poll_fn(|cx| bell.poll(cx)));
        assert!(bell.was_rung() && !bell.was_rung());
        for _ in 0..1_000 {
            let ringer = {
                let bell = bell.clone();
                std::thread::spawn(move || bell.ring())
            };
            smol::block_on(poll_fn(|cx| bell.poll(cx)));
            assert!(bell.was_rung());
            ringer.join().unwrap();
        }
    }

    #[test]
    fn an_alarm_that_is_put_off_goes_off_early_and_then_in_time() {
        let mut alarm = Alarm::new();
        let start = Instant::now();
        let (soon, later) = (start + Duration::from_millis(5), start + Duration::from_millis(20));
        smol::block_on(async {
            let first = poll_fn(|cx| {
                assert!(alarm.poll(cx, soon).is_pending() || start.elapsed() >= Duration::from_millis(5));
                alarm.poll(cx, later)
            });
            first.await;
            assert!(Instant::now() >= soon);
            while Instant::now() < later {
                poll_fn(|cx| alarm.poll(cx, later)).await;
            }
        });
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
