//! What waits to be taken by the driver and by the application, in order.

use crate::action::Action;
use crate::event::Event;
use crate::ids::ConnId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Actions, events, and the connections that have messages to flush before the next action is taken.
///
/// Bounded by what one input can cause: a driver drains it after every few inputs.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    unflushed: Vec<ConnId>,
}

impl Outbox {
    /// Asks something of the driver.
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Tells the application something.
    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Remembers that a peer has messages waiting, so that many become one `Send`.
    pub(crate) fn flush_later(&mut self, conn: ConnId) {
        self.unflushed.push(conn);
    }

    pub(crate) fn take_unflushed(&mut self) -> Vec<ConnId> {
        core::mem::take(&mut self.unflushed)
    }

    pub(crate) const fn has_unflushed(&self) -> bool {
        !self.unflushed.is_empty()
    }

    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
