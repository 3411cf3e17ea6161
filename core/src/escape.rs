//! The one escaper: stub.
