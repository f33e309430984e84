//! Traces of runs: what is recorded of a machine, under which names, and into which file.
//!
//! ```text
//!   globs ──select──► wires, instances ──boot──► machine ──layout──► header, signals
//!                                                   └───── records ────► sink ──► FILE
//! ```
//!
//! Time, names and values are those of the machine; nothing of the host reaches a file, so the same
//! run gives the same bytes at every number of shards and threads. Knows no format: `tina_viz` writes.

mod glob;
mod select;
mod timescale;
mod layout;
mod save;
mod sink;

pub use glob::Glob;
pub use select::{Selection, select};
pub use timescale::TimeAxis;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use tina_engine::{Blueprint, Machine, RecordOrder};
use tina_viz::write::{Format, TraceWriter, WriteError};

/// What is recorded of what is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What {
    /// Items pushed to wires: `valid` and the fields.
    pub transfers: bool,
    /// Items in wires.
    pub occupancy: bool,
    /// Fields that modules show.
    pub probes: bool,
    /// A square wave for each clock domain.
    pub clocks: bool,
    /// Why each end of a wire moved no item.
    pub stalls: bool,
}

impl Default for What {
    /// All but the clocks and the stalls.
    fn default() -> Self {
        Self {
            transfers: true,
            occupancy: true,
            probes: true,
            clocks: false,
            stalls: false,
        }
    }
}

/// A trace that is asked for.
#[derive(Clone, Debug)]
pub struct TraceOrder {
    /// The file; its ending says the format.
    pub path: PathBuf,
    /// Which instances and ports; all if there is none.
    pub scopes: Vec<Glob>,
    /// Base-clock cycles, half-open.
    pub window: Range<u64>,
    /// What of them.
    pub what: What,
    /// Whether a save file for GTKWave is written beside it, with the signals in groups.
    pub save_file: bool,
}

/// Why a trace cannot be made.
#[derive(Debug)]
pub enum TraceError {
    /// A glob matches nothing: the glob and the nearest name.
    NothingMatches(Glob, Option<String>),
    /// Nothing of what is selected can be recorded.
    NothingToRecord,
    /// The file.
    Write(WriteError),
    /// The save file beside it.
    SaveFile(PathBuf, std::io::Error),
    /// The recording itself.
    Record(std::io::Error),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingMatches(glob, nearest) => {
                write!(f, "no instance and no port matches `{glob}`")?;
                match nearest {
                    Some(name) => write!(f, "; did you mean `{name}`?"),
                    None => Ok(()),
                }
            }
            Self::NothingToRecord => f.write_str(
                "nothing that is selected can be recorded: no wire ends there, and no module there \
                 shows fields",
            ),
            Self::Write(error) => error.fmt(f),
            Self::SaveFile(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Record(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TraceError {}

impl From<WriteError> for TraceError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// A trace that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Wires recorded.
    pub wire_count: usize,
    /// Signals in it.
    pub signal_count: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} bytes; {} signals of {} wires and of modules",
            self.path.display(),
            self.bytes,
            self.signal_count,
            self.wire_count
        )
    }
}

/// A trace being written.
pub struct Tracing {
    written: Written,
    bytes: sink::Bytes,
}

/// Begins to trace a machine that was booted to record the wires of `selection`.
///
/// # Errors
/// When the file cannot be created, or there is nothing to record.
pub fn begin(
    machine: &mut Machine,
    blueprint: &Blueprint,
    selection: &Selection,
    order: &TraceOrder,
) -> Result<Tracing, TraceError> {
    let format = Format::of_path(&order.path)?;
    let axis = TimeAxis::of(blueprint, order.what.clocks);
    let instances: &[u32] = if order.what.probes {
        &selection.instances
    } else {
        &[]
    };
    let fields = machine.probe_fields(instances);
    let (header, layout) = layout::layout(blueprint, &axis, &selection.wires, &fields, order.what);
    if layout.signal_count == 0 {
        return Err(TraceError::NothingToRecord);
    }
    let writer = TraceWriter::create(&order.path, format, &header)?;
    if order.save_file {
        let save = save::path_of(&order.path);
        std::fs::write(&save, save::text(&order.path, &header))
            .map_err(|error| TraceError::SaveFile(save, error))?;
    }
    let tracing = Tracing {
        written: Written {
            path: order.path.clone(),
            bytes: 0,
            wire_count: selection.wires.len(),
            signal_count: layout.signal_count,
        },
        bytes: sink::Bytes::default(),
    };
    let end = axis.cycles(order.window.end);
    let sink = sink::TraceSink::new(writer, axis, layout, end, tracing.bytes.clone());
    let record = RecordOrder {
        window: order.window.clone(),
        instances: instances.to_vec(),
        stalls: order.what.stalls,
    };
    machine
        .start_recording(&record, Box::new(sink))
        .map_err(TraceError::Record)?;
    Ok(tracing)
}

impl Tracing {
    /// Ends the trace where the machine stands.
    ///
    /// # Errors
    /// Whatever kept it from being written.
    pub fn end(mut self, machine: &mut Machine) -> Result<Written, TraceError> {
        machine.stop_recording().map_err(TraceError::Record)?;
        self.written.bytes = self.bytes.get();
        Ok(self.written)
    }
}
