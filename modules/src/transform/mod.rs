//! Number-theoretic transforms, one butterfly column per stage.

pub mod field;
mod butterfly;
mod source;
mod sink;

pub use butterfly::{Butterfly, ButterflyParams, POINTS_MAX};
pub use sink::{TransformSink, TransformSinkParams};
pub use source::{TransformSource, TransformSourceParams};
