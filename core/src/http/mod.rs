//! HTTP/1.1 as a client needs it: a request as bytes, a response out of bytes that arrive in any portions.
//!
//! No state beyond the one message, no I/O, and no buffer that grows beyond a limit of
//! [`limits`](crate::limits), whatever the other side sends.

mod body;
mod error;
mod gzip;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use error::HttpError;
pub use request::Request;
pub use response::{Head, Response, ResponseParser};
