//! Examples in reading order.
#![forbid(unsafe_code)]
