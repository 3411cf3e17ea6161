//! What went over a torrent's wires, counted as it is seen there: what announces are to tell.

/// Bytes of payload of one torrent, since it started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    up: u64,
    down: u64,
    /// Of those that came: what the engine may not have read, as it closed the connection meanwhile.
    doubtful: u64,
    /// What came last, and with which input.
    latest: (u64, u64),
    /// Bytes of pieces that the engine has told of.
    verified: u64,
    /// Pieces that it has told to be lost.
    pub(crate) losses: u32,
    /// Not everything was seen.
    pub(crate) blind: bool,
}

/// What a tally says at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) up: u64,
    pub(crate) least_down: u64,
    pub(crate) most_down: u64,
    pub(crate) verified: u64,
    pub(crate) losses: u32,
}

impl Tally {
    /// Payload has come, with this input.
    pub(crate) fn came(&mut self, serial: u64, bytes: u64) {
        self.down += bytes;
        let before = if self.latest.0 == serial { self.latest.1 } else { 0 };
        self.latest = (serial, before + bytes);
    }

    /// The engine has closed a connection on which so much had come with the same input.
    pub(crate) const fn doubt(&mut self, bytes: u64) {
        self.doubtful += bytes;
    }

    /// Payload was sent.
    pub(crate) const fn went(&mut self, bytes: u64) {
        self.up += bytes;
    }

    /// The engine has told of so many more bytes that it has.
    pub(crate) const fn verified(&mut self, bytes: u64) {
        self.verified += bytes;
    }

    /// It has told that a piece is lost, and with it so many bytes of which it had told.
    pub(crate) const fn lost(&mut self, bytes: u64) {
        self.verified -= bytes;
        self.losses += 1;
    }

    /// What it says, while the engine is given this input: what came with it may not have been read yet.
    pub(crate) const fn counts(&self, serial: u64) -> Counts {
        let unread = if self.latest.0 == serial { self.latest.1 } else { 0 };
        Counts {
            up: self.up,
            least_down: self.down.saturating_sub(self.doubtful + unread),
            most_down: self.down,
            verified: self.verified,
            losses: self.losses,
        }
    }
}
