//! The peer wire protocol (BEP 3, 6, 10): stub.

/// Bytes that are not the peer protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Stub.
    #[error("stub")]
    Stub,
}
