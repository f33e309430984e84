//! Streams of 64-bit words: where they begin, end, part, meet and wait.

mod source;
mod sink;
mod checksum;
mod fork;
mod join;
mod arbiter;
mod delay;

pub use arbiter::{ARBITER_INPUTS_MAX, Arbiter, ArbiterParams};
pub use checksum::{Checksum, ChecksumParams};
pub use delay::{DELAY_CYCLES_MAX, Delay, DelayParams};
pub use fork::{FORK_OUTPUTS_MAX, Fork, ForkParams};
pub use join::{JOIN_INPUTS_MAX, Join, JoinMode, JoinParams};
pub use sink::{Sink, SinkParams};
pub use source::{Source, SourceParams};
