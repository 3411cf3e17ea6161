//! Announce schedule: stub.
