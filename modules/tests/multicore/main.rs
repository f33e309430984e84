//! Whole machines of several harts: do they see one memory, and do real programs run on them?
#![allow(missing_docs, reason = "a test")]

mod fabric;
mod traffic;
mod memory;
mod programs;
