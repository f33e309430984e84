//! The command line program `tina-hw`.
#![forbid(unsafe_code)]

fn main() {}
