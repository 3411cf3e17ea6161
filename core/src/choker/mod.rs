//! Choker: stub.
