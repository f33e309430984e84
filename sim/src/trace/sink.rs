//! From records to changes of signals.
//!
//! A record says what moved at an edge. `valid` rises with an item and falls at the producer's next edge
//! unless another item is pushed there; fields keep the item pushed last; `occupancy` is what is in the
//! wire from this edge on. Before the first item fields are unknown, before the window everything is.

use super::layout::{Layout, PLAIN_FIELDS_MAX, WireSignals};
use super::timescale::TimeAxis;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tina_engine::{Happened, RecordSink, Tick};
use tina_viz::write::{TraceWriter, WriteError};

/// Length of the file, known when it is whole.
#[derive(Clone, Default)]
pub(super) struct Bytes(Arc<AtomicU64>);

impl Bytes {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Wires of one clock domain whose `valid` stands since its last edge with a push.
#[derive(Default)]
struct Raised {
    since: Tick,
    /// Number of the wire and how many lanes, in ascending order.
    wires: Vec<(u32, u8)>,
}

/// A clock and the number of its next change: rising at even ones.
struct Clock {
    signal: u32,
    period: Tick,
    next: u64,
}

pub(super) struct TraceSink {
    writer: Option<TraceWriter>,
    axis: TimeAxis,
    layout: Layout,
    /// Instants from here on are not in the window.
    end: Tick,
    bytes: Bytes,
    occupancies: Box<[u64]>,
    /// Per clock domain.
    raised: Vec<Raised>,
    /// Lanes pushed at the instant at hand, per wire.
    pushed: Box<[u8]>,
    clocks: Vec<Clock>,
    opened: bool,
}

impl TraceSink {
    pub(super) fn new(
        writer: TraceWriter,
        axis: TimeAxis,
        layout: Layout,
        end: Tick,
        bytes: Bytes,
    ) -> Self {
        let count = layout.wires.len();
        let clock = |&(signal, period): &(u32, Tick)| Clock {
            signal,
            period,
            next: 0,
        };
        Self {
            writer: Some(writer),
            raised: axis
                .period_ticks
                .iter()
                .map(|_| Raised::default())
                .collect(),
            clocks: layout.clocks.iter().map(clock).collect(),
            axis,
            layout,
            end,
            bytes,
            occupancies: vec![0; count].into_boxed_slice(),
            pushed: vec![0; count].into_boxed_slice(),
            opened: false,
        }
    }

    /// Writes what changes by itself before `tick`, in the order of time: clocks, and what falls.
    fn run_to(&mut self, tick: Tick) -> Result<(), WriteError> {
        loop {
            let falls = self.falls();
            let clock = self.next_clock();
            let fall = falls.filter(|&(at, _)| at < tick);
            // A clock that changes within a tick is told as twice the tick of it.
            match (fall, clock.filter(|&(halves, _)| halves < 2 * tick)) {
                (Some((at, domain)), clock) if clock.is_none_or(|(halves, _)| 2 * at <= halves) => {
                    self.fall(domain, at)?;
                }
                (_, Some((_, index))) => self.toggle(index)?,
                (_, None) => return Ok(()),
            }
        }
    }

    /// The domain in which `valid` falls next, and when.
    fn falls(&self) -> Option<(Tick, usize)> {
        let waiting = self.raised.iter().zip(&self.axis.period_ticks).enumerate();
        waiting
            .filter(|(_, (raised, _))| !raised.wires.is_empty())
            .map(|(domain, (raised, period))| (raised.since + period, domain))
            .min()
    }

    /// Lowers every `valid` of a domain that is not pushed again at this very instant.
    fn fall(&mut self, domain: usize, at: Tick) -> Result<(), WriteError> {
        let writer = self.writer.as_mut().expect("kept until it is closed");
        writer.advance(self.axis.at(at))?;
        for (number, lanes) in self.raised[domain].wires.drain(..) {
            let wire = &self.layout.wires[number as usize];
            for lane in self.pushed[number as usize]..lanes {
                writer.put(wire.first + u32::from(lane) * lane_signals(wire), &[0]);
            }
        }
        Ok(())
    }

    /// The clock that changes next, and when, in halves of a tick.
    fn next_clock(&self) -> Option<(u64, usize)> {
        let next = |clock: &Clock| clock.next.saturating_mul(clock.period);
        let clocks = self.clocks.iter().enumerate();
        clocks.map(|(index, clock)| (next(clock), index)).min()
    }

    fn toggle(&mut self, index: usize) -> Result<(), WriteError> {
        let clock = &mut self.clocks[index];
        let step = self.axis.at_part(clock.next * clock.period, 2);
        let (signal, level) = (clock.signal, u64::from(clock.next.is_multiple_of(2)));
        clock.next += 1;
        let writer = self.writer.as_mut().expect("kept until it is closed");
        writer.set(step, signal, &[level])
    }

    /// Writes an instant.
    fn write(&mut self, happened: &Happened<'_>) -> Result<(), WriteError> {
        let tick = happened.tick;
        self.run_to(tick)?;
        for transfers in happened.transfers {
            self.pushed[transfers.number as usize] = transfers.pushes;
        }
        while let Some((at, domain)) = self.falls().filter(|&(at, _)| at <= tick) {
            self.fall(domain, at)?;
        }
        while let Some((_, index)) = self.next_clock().filter(|&(halves, _)| halves <= 2 * tick) {
            self.toggle(index)?;
        }
        let writer = self.writer.as_mut().expect("kept until it is closed");
        let step = self.axis.at(tick);
        writer.advance(step)?;
        for transfers in happened.transfers {
            let number = transfers.number as usize;
            self.pushed[number] = 0;
            let wire = &self.layout.wires[number];
            let occupancy = &mut self.occupancies[number];
            *occupancy = (*occupancy + u64::from(transfers.pushes))
                .saturating_sub(u64::from(transfers.pops));
            if wire.transfers && transfers.pushes > 0 {
                let raised = &mut self.raised[usize::from(wire.domain)];
                raised.since = tick;
                raised.wires.push((transfers.number, transfers.pushes));
                if wire.is_plain {
                    let item = happened.items(transfers).next().unwrap_or_default();
                    write_plain(writer, wire, item, *occupancy);
                    continue;
                }
                write_items(
                    writer,
                    step,
                    wire,
                    &self.layout.field_words,
                    happened.items(transfers),
                )?;
            }
            if let Some(signal) = wire.occupancy {
                writer.put(signal, &[*occupancy]);
            }
        }
        let mut probes = happened.probes.iter().peekable();
        while let Some((number, value)) = probes.next() {
            // Where the window begins a field may be told twice: what it is then counts.
            if probes.peek().is_none_or(|(next, _)| next != number) {
                writer.put(self.layout.first_probe + number, &[*value]);
            }
        }
        Ok(())
    }

    /// Gives every wire that has not moved at the first instant its first values.
    fn begin(&mut self, tick: Tick) -> Result<(), WriteError> {
        let step = self.axis.at(tick);
        let writer = self.writer.as_mut().expect("kept until it is closed");
        let mut up = vec![0; self.layout.wires.len()];
        for &(number, lanes) in self.raised.iter().flat_map(|raised| &raised.wires) {
            up[number as usize] = lanes;
        }
        for (number, wire) in self.layout.wires.iter().enumerate() {
            if wire.transfers {
                for lane in up[number]..wire.lanes {
                    let valid = wire.first + u32::from(lane) * lane_signals(wire);
                    writer.set(step, valid, &[0])?;
                }
            }
            if let Some(signal) = wire.occupancy {
                writer.set(step, signal, &[self.occupancies[number]])?;
            }
        }
        Ok(())
    }
}

/// Writes an item of a plain wire: `valid`, the fields and the occupancy stand in a row.
#[inline]
fn write_plain(writer: &mut TraceWriter, wire: &WireSignals, item: &[u64], occupancy: u64) {
    let mut words = [1; PLAIN_FIELDS_MAX + 2];
    let end = item.len() + 1;
    for (word, &field) in words[1..].iter_mut().zip(item) {
        *word = field;
    }
    words[end] = occupancy;
    writer.put(
        wire.first,
        &words[..end + usize::from(wire.occupancy.is_some())],
    );
}

/// Writes the items pushed to a wire of several lanes, or of fields wider than a word.
fn write_items<'a>(
    writer: &mut TraceWriter,
    step: u64,
    wire: &WireSignals,
    field_words: &[u8],
    items: impl Iterator<Item = &'a [u64]>,
) -> Result<(), WriteError> {
    let (start, end) = wire.fields;
    let mut signal = wire.first;
    for item in items {
        writer.put(signal, &[1]);
        signal += 1;
        let mut words = item;
        for &count in &field_words[start as usize..end as usize] {
            let (field, rest) = words.split_at(usize::from(count));
            writer.set(step, signal, field)?;
            words = rest;
            signal += 1;
        }
    }
    Ok(())
}

/// Signals of a lane: `valid` and the fields.
fn lane_signals(wire: &WireSignals) -> u32 {
    1 + wire.fields.1 - wire.fields.0
}

fn told(error: WriteError) -> io::Error {
    io::Error::other(error)
}

impl RecordSink for TraceSink {
    fn open(&mut self, tick: Tick, occupancies: &[u64]) -> io::Result<()> {
        self.occupancies.copy_from_slice(occupancies);
        for clock in &mut self.clocks {
            clock.next = 2 * tick.div_ceil(clock.period);
        }
        Ok(())
    }

    fn instant(&mut self, happened: &Happened<'_>) -> io::Result<()> {
        self.write(happened).map_err(told)?;
        if !self.opened {
            self.opened = true;
            self.begin(happened.tick).map_err(told)?;
        }
        Ok(())
    }

    fn close(&mut self, tick: Tick) -> io::Result<()> {
        let end = tick.min(self.end);
        let step = self.axis.at(end);
        self.run_to(end).map_err(told)?;
        let mut writer = self.writer.take().expect("closed once");
        let finished = writer.advance(step).and_then(|()| writer.finish());
        self.bytes
            .0
            .store(finished.map_err(told)?, Ordering::Release);
        Ok(())
    }
}
