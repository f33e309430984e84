//! The command line program `tina-hw`.
fn main() {}
