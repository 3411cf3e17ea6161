//! HTTP/1.1: stub.
