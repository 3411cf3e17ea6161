//! Trackers over HTTP (BEP 3, 7, 23, 24, 31): one announce, from the URL to the answer.

mod answer;
mod exchange;
mod query;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, Step};
