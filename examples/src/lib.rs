//! Examples, one runnable file per idea, in reading order. Each is run by this crate's tests, and
//! what it prints is compared.
//!
//! | file | idea |
//! |---|---|
//! | `first_module.rs` | a module of one's own and a netlist of ten lines |
//! | `back_pressure.rs` | depth, latency and credit decide how fast a pipeline runs |
//! | `two_clocks.rs` | clock domains with exact periods |
//! | `keyed_randomness.rs` | random numbers that depend on nothing but seed, path and stream |
//! | `own_catalogue.rs` | a whole `tina-hw` with a kind of one's own |
//! | `drive_from_rust.rs` | build, run and ask a machine from Rust |
//! | `crashing_workers.rs` | reactive isolates: calls, supervisors, workers that panic |
//! | `echo_server.rs` | isolates with sockets: connections that crash alone and leave nothing behind |
//! | `http_server.rs` | a web server: functions, a counter on another shard, streams, events, files, metrics |
//!
//! and one program: `gallery.rs` draws the pictures in `viz/gallery` anew.
//!
//! `cargo run -p tina-examples --bin first_module` runs the first.
#![forbid(unsafe_code)]
