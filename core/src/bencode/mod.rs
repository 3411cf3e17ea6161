//! Bencode (BEP 3): stub.
