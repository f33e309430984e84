//! Accelerators: arrays of small processing elements.
