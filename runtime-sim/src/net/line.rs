//! A queue that seldom holds more than one thing, for which nothing is allocated. A swarm has ten thousand of them, and
//! what stands beside them in memory need not be fetched from elsewhere.

use std::collections::VecDeque;

/// See the module.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// The first; where there is none, there are no others.
    first: Option<T>,
    more: VecDeque<T>,
}

impl<T> Line<T> {
    pub(super) const fn new() -> Self {
        Self { first: None, more: VecDeque::new() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What comes next.
    pub(super) const fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// Adds something behind all others.
    pub(super) fn push_back(&mut self, what: T) {
        if self.first.is_none() {
            self.first = Some(what);
        } else {
            self.more.push_back(what);
        }
    }

    /// Adds something before all others.
    pub(super) fn push_front(&mut self, what: T) {
        if let Some(second) = self.first.replace(what) {
            self.more.push_front(second);
        }
    }

    /// Takes what comes next.
    pub(super) fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take()?;
        self.first = self.more.pop_front();
        Some(first)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    #[test]
    fn it_is_a_queue() {
        let (mut line, mut judge, mut dice) = (Line::new(), VecDeque::new(), Dice::new(1, "line"));
        for n in 0..2_000 {
            match dice.below(5) {
                0 | 1 => {
                    line.push_back(n);
                    judge.push_back(n);
                }
                2 => {
                    line.push_front(n);
                    judge.push_front(n);
                }
                _ => assert_eq!(line.pop_front(), judge.pop_front()),
            }
            assert_eq!((line.front(), line.is_empty()), (judge.front(), judge.is_empty()));
        }
        line.push_back(0);
        line.clear();
        assert_eq!(line.pop_front(), None);
    }
}
