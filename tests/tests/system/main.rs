//! The whole system: real clients, real sockets, real files, and our client as a user runs it.

mod harness;
