//! Trackers over HTTP (BEP 3, 7, 23, 24, 31): one announce, from the URL to the answer.

mod exchange;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, Step};
