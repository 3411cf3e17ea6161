//! The whole system: real clients, real sockets, real files.

mod harness;
