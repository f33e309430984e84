//! Netlists, partitioning, running and reporting.
#![forbid(unsafe_code)]

pub mod partition;
