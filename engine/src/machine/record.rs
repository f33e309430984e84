//! Recording a machine: which wires and modules, from when to when, and into what.

use super::Machine;
use crate::fifo::slot_stride;
use crate::probes::ProbeField;
use crate::record::{RecordSink, RecordedWire, Recording};
use crate::shard::{ProbedInstance, StallFields};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// What is recorded besides the wires named when the machine booted.
#[derive(Clone, Debug)]
pub struct RecordOrder {
    /// Base-clock cycles in which everything is recorded.
    pub window: Range<u64>,
    /// Numbers of the instances whose fields are recorded, in ascending order.
    pub instances: Vec<u32>,
    /// Whether the causes at both ends of the recorded wires are recorded, in a machine that was booted
    /// with [`StallOptions::recorded`](crate::StallOptions). They are told as fields, behind those of
    /// instances: two for each wire, the producer's first; their values are numbers of a
    /// [`Cause`](crate::Cause), first told at the first edge in the window.
    pub stalls: bool,
}

impl Machine {
    /// The wires that can be recorded, by their numbers in the blueprint; the place of a wire here is
    /// its number in a recording.
    #[must_use]
    pub fn recorded_wires(&self) -> &[u32] {
        &self.recorded
    }

    /// The fields that modules show, of those of `instances` (in ascending order) that show any. A
    /// recording of these instances numbers fields as they stand here.
    #[must_use]
    pub fn probe_fields(&self, instances: &[u32]) -> Vec<(u32, Vec<ProbeField>)> {
        let asked: Arc<[u32]> = instances.into();
        let answers = self.ask(move |shard| shard.probe_fields(&asked));
        let mut fields: Vec<(u32, Vec<ProbeField>)> = answers.into_iter().flatten().collect();
        fields.retain(|(_, fields)| !fields.is_empty());
        fields.sort_by_key(|(instance, _)| *instance);
        fields
    }

    /// Begins to record: from here on the machine runs as fast as `sink` can take it, and not
    /// otherwise than it would. When the sink fails the run is interrupted.
    ///
    /// # Errors
    /// When something is recorded already, or the host refuses a thread.
    pub fn start_recording(
        &mut self,
        order: &RecordOrder,
        sink: Box<dyn RecordSink>,
    ) -> io::Result<()> {
        if self.recording.is_some() {
            return Err(io::Error::other("the machine is recorded already"));
        }
        let mut first_field = 0;
        let mut probed = Vec::new();
        for (instance, fields) in self.probe_fields(&order.instances) {
            let field_count = fields.len() as u32;
            probed.push(ProbedInstance {
                instance,
                first_field,
                field_count,
            });
            first_field += field_count;
        }
        let wires = self
            .recorded
            .iter()
            .map(|&number| {
                let wire = &self.blueprint.wires[number as usize];
                let shape = &self.blueprint.instances[wire.from.instance as usize].shape;
                RecordedWire {
                    unpack: shape.ports[usize::from(wire.from.port)].unpack,
                    item_words: slot_stride(wire.signal_bytes(&self.blueprint)) / 8 - 1,
                }
            })
            .collect();
        let ticks = |cycle: u64| cycle.saturating_mul(self.cycle_ticks());
        let window = ticks(order.window.start)..ticks(order.window.end);
        let probed: Arc<[ProbedInstance]> = probed.into();
        let stalls: Arc<[StallFields]> = if order.stalls {
            self.stall_fields(first_field).collect()
        } else {
            Arc::default()
        };
        let (blueprint, plan) = (self.blueprint.clone(), self.plan.clone());
        let feeds = self.ask_mut(move |shard| {
            let window = window.clone();
            let stalls = (&*blueprint, &plan.timebase, &*stalls);
            shard.start_recording(window, &probed, stalls)
        });
        let recording = Recording::start(feeds, wires, sink, self.beds.clone());
        match recording {
            Ok(recording) => {
                self.recording = Some(recording);
                Ok(())
            }
            Err(error) => {
                self.ask_mut(|shard| shard.stop_recording());
                Err(error)
            }
        }
    }

    /// How the causes at the ends of recorded wires are numbered behind other fields.
    fn stall_fields(&self, first_field: u32) -> impl Iterator<Item = StallFields> {
        let wires = self.recorded.iter().enumerate();
        wires.map(move |(number, &wire)| StallFields {
            wire,
            first_field: first_field + 2 * number as u32,
        })
    }

    /// Ends the recording; everything before the cycle that the machine has reached is handed on.
    ///
    /// # Errors
    /// The sink's.
    pub fn stop_recording(&mut self) -> io::Result<()> {
        let end = self.now;
        self.ask_mut(|shard| shard.stop_recording());
        match self.recording.take() {
            Some(recording) => recording.finish(end),
            None => Ok(()),
        }
    }
}
