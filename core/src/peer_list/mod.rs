//! Known peers: stub.
