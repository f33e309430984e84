//! A clocked engine: hardware modules as isolates on shared-nothing shards.
//!
//! Modules ([`Module`]) move signals ([`Signal`]) through registered, bounded FIFOs; a
//! [`Blueprint`] names them and their wires; a [`Machine`] places them on shards, each with an
//! arena of its own, and runs them. The result does not depend on shards, threads or time of day.
//!
//! Knows nothing of netlists, files, command lines or any particular hardware.

mod hash;
mod time;
mod effect;
mod arena;
mod state;
mod signal;
mod codec;
mod random;
mod panics;
mod trap;
mod drill;
mod platform;
mod estate;
pub mod io;
mod sync;
mod ring;
mod handshake;
mod wheel;
mod tape;
mod fifo;
mod bank;
mod port;
mod handle;
mod inlet;
mod line;
mod build_error;
mod wiring;
mod statistic;
mod probes;
mod heading;
mod module;
mod element;
mod group;
mod vector;
mod kind;
mod blueprint;
mod link;
mod plan;
mod input;
mod snapshot;
mod record;
mod time_log;
mod stall;
mod shard;
mod interleave;
mod meeting;
mod crew;
mod sealed;
mod deadlock;
mod report;
mod machine;
pub mod runtime;
pub use runtime::seeded;

pub use arena::{Memory, Word};
pub use blueprint::{
    Blueprint, INSTANCES_MAX, Instance, LANES_MAX, LATENCY_MAX, PortRef, SHARDS_MAX, WIRES_MAX,
    Wire,
};
pub use crew::in_run;
pub use deadlock::{Component, Deadlock, Wait};
pub use drill::Drill;
pub use effect::Effect;
pub use element::{Element, Lane, WordSignal};
pub use fifo::DEPTH_MAX;
pub use group::{Fault, FaultCause};
pub use handle::{CONSOLE_BYTES_PER_EPOCH, Console, Finish};
pub use handshake::handshake_time;
pub use hash::{absorb, mix, of_text};
pub use heading::Heading;
pub use inlet::{INLET_BYTES_MAX, Inlet};
pub use input::InputMark;
pub use kind::{Catalogue, Kind, Params};
pub use line::{HostEnd, LINE_BYTES, MachineEnd, Tell, line};
pub use machine::{
    AttachError, KindTime, Machine, RecordOrder, Samples, ShardTimeline, ThreadTimes,
};
pub use meeting::EpochRecord;
pub use module::{Described, Module, ResultValue, Results};
pub use plan::{Placement, Plan, PlanError, Region};
pub use platform::core_count;
pub use port::{In, Item, Out, Room};
pub use probes::{PROBE_FIELDS_MAX, ProbeField, Probes};
pub use random::Random;
pub use record::{Happened, RecordSink, Transfers};
pub use report::{BootError, HostOptions, InstanceResults, Limits, Observer, Outcome, Report};
pub use sealed::SealedAllocator;
pub use signal::{Field, FieldValues, SIGNAL_BYTES_MAX, Signal};
pub use snapshot::{Snapshot, SnapshotError};
pub use stall::{CAUSE_COUNT, Cause, PortStalls, StallOptions, StallSchedule, Stalls, WaitStalls};
pub use state::{Loader, Saver, State, StateError};
pub use statistic::{HISTOGRAM_BUCKETS, Histogram, Statistic, StatisticValue};
pub use time::{Cycle, DOMAINS_MAX, Domain, TICK_MAX, Tick, Timebase, TimebaseError};
pub use time_log::{Doing, TimeSlice};
pub use trap::{FaultSignal, HardwareFault};
pub use wiring::{
    BuildError, Direction, PORTS_MAX, Place, PortInfo, Probe, Resources, Shape, Wiring,
};
