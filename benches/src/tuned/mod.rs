//! W1 and W3 as loops tuned by hand: what somebody writes who knows the design, one thread, and the
//! vector unit. The same law of time and the same results as the [plain](crate::plain) loops.
//!
//! All state stands in arrays of one field each. A FIFO of two slots is its first item, its second
//! and its occupancy; masks of all bits say who moves an item at an edge; every loop runs over
//! neighbouring places without a branch, so that the compiler makes vector code of it. [`pulp`]
//! compiles the loops for several instruction sets and takes, when the program runs, the one the
//! processor has: no compiler flags are needed.

mod queues;
mod pipeline;
mod systolic;

pub use pipeline::TunedPipeline;
pub use systolic::TunedSystolic;
