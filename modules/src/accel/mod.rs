//! Accelerators: arrays of small processing elements.

mod systolic_element;
mod systolic_source;
mod systolic_sink;

pub use systolic_element::SystolicElement;
pub use systolic_sink::SystolicSink;
pub use systolic_source::{SystolicSource, SystolicSourceParams};
