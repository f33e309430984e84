//! W4 to W7, small: the netlists give what was computed without them, the same at every number of
//! shards, with and without sleeping.
#![allow(missing_docs, reason = "a test")]

mod rig;
mod w4;
mod w5;
mod w6;
mod w7;
