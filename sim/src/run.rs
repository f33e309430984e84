//! Runs designs: places and boots them, watches them, reports, and compares runs with each other.
//!
//! What is simulated and what the host did stand apart in every report: nothing but the fields of
//! [`HostReport`] may differ between two runs of one design. Knows nothing of command lines and
//! prints nothing; it returns text and data.

mod stopwatch;
mod number;
mod hart;
mod view;
mod boot;
mod outcome;
mod measure;
mod threads;
mod choice;
mod keep;
mod stalls;
mod phases;
mod timeline;
mod series;
mod report;
mod statistics;
mod epochs;
mod manifest;
mod buffer;
mod auto;
mod execute;
mod what_if;
mod flight;
mod stream;
mod variant;
mod divergence;
mod verify;
mod swarm;
mod compare;

pub use boot::{Booted, RunError, boot, boot_by};
pub use choice::{Choice, Trial};
pub use compare::{Comparison, Contender, Terms, compare};
pub use divergence::{Common, Divergence, Side, WireDifference, first_wire};
pub use epochs::{EpochFile, read_epochs};
pub use execute::{Joined, RunOptions, execute, execute_with};
pub use flight::{FlightOrder, record_flight};
pub use hart::Hart;
pub use keep::{Keep, Kept};
pub use manifest::{End, Manifest, RunFolder};
pub use measure::measure;
pub use number::thousands;
pub use outcome::{describe, exit_code, word};
pub use phases::{Measured, Phases};
pub use report::{HostReport, RunReport};
pub use series::{Curve, Series};
pub use stalls::{Head, Path, StallReport};
pub use statistics::SCHEMA as STATISTICS_SCHEMA;
pub use stopwatch::Stopwatch;
pub use stream::Stream;
pub use swarm::{Swarm, SwarmDivergence, SwarmPlan, swarm};
pub use variant::Variant;
pub use verify::{VariantRun, Verification, verify};
pub use view::{Onlooker, View};
pub use what_if::what_if_deeper;
