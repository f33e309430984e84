//! The comparison: every form of every workload, one after the other in each round, in one process.
//!
//! A *form* is a way to run a workload: the plain loop, the tuned loop, tina-hw on some shards, a
//! rival. [`forms`] runs one, [`rounds`] alternates between them, [`report`] is what is measured, as
//! data; [`table`], [`chart`] and [`readme`] show it. A form whose results are wrong, in any run,
//! gives an error and no figure.

pub mod statistics;
pub mod options;
pub mod report;
pub mod host;
pub mod tokens;
pub mod rivals;
pub mod forms;
pub mod table;
pub mod rounds;
pub mod chart;
pub mod readme;
