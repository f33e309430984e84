//! Every kind of the catalogue on a test bench: what its data sheet says is what it does.

mod rig;
mod flow;
mod math;
mod noc;
mod transform;
