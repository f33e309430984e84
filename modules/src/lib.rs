//! The catalogue of hardware modules.
#![forbid(unsafe_code)]
