//! Counting and recording why ports do not move: which edges are looked at, and what becomes of the
//! causes.

use super::watch::Watcher;
use super::{DomainClock, GroupSlot, Shard};
use crate::blueprint::Blueprint;
use crate::stall::{CAUSE_COUNT, Cause, PortStalls, StallSchedule, Stalls};
use crate::tape::Tape;
use crate::time::{Tick, Timebase};
use std::collections::BTreeMap;
use std::ops::Range;

/// The ends of a recorded wire that are in this shard: how a recording numbers their causes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StallFields {
    /// The wire.
    pub(crate) wire: u32,
    /// Number of the producer's cause among all fields; the consumer's is the next.
    pub(crate) first_field: u32,
}

/// Counts the causes of all ports.
pub(super) struct Counter {
    watcher: Watcher,
    schedule: StallSchedule,
    counts: Box<[[u64; CAUSE_COUNT]]>,
}

/// Tells the causes at both ends of recorded wires where they change.
pub(super) struct Teller {
    watcher: Watcher,
    window: Range<Tick>,
    /// Per port of the watcher: number of its field, if it has one, and what was told last.
    fields: Box<[(Option<u32>, Option<Cause>)]>,
}

/// What watches the stalls of a shard.
#[derive(Default)]
pub(super) struct Watch {
    counter: Option<Counter>,
    teller: Option<Teller>,
}

impl Teller {
    /// The most words that a look can bring to a tape.
    fn words_max(&self) -> usize {
        2 * self.watcher.port_count()
    }
}

impl Shard {
    /// Begins to count why ports do not move; what was counted before is forgotten.
    pub(crate) fn count_stalls(
        &mut self,
        blueprint: &Blueprint,
        timebase: &Timebase,
        schedule: StallSchedule,
    ) {
        let slots = self.boundary.iter().chain(&self.interior);
        let watcher = Watcher::new(blueprint, timebase, slots, &self.fifos, |_| true);
        watcher.begin(self.upcoming);
        let counts = vec![[0; CAUSE_COUNT]; watcher.port_count()].into_boxed_slice();
        self.watch.counter = Some(Counter {
            watcher,
            schedule,
            counts,
        });
        self.plan_watch();
    }

    /// What was counted so far; the ports are in no particular order.
    pub(crate) fn stalls(&self) -> Stalls {
        let Some(counter) = &self.watch.counter else {
            return Stalls::default();
        };
        let ports = counter.watcher.ports.iter().zip(&counter.counts);
        let ports = ports.map(|(port, &counts)| PortStalls {
            instance: port.end.instance,
            port: port.end.port,
            wire: port.wire,
            counts,
        });
        Stalls {
            ports: ports.collect(),
            waits: counter.watcher.waits(),
        }
    }

    /// Begins to tell the causes at the ends of recorded wires; the most words that an instant brings.
    pub(super) fn tell_stalls(
        &mut self,
        blueprint: &Blueprint,
        timebase: &Timebase,
        window: Range<Tick>,
        wires: &[StallFields],
    ) -> usize {
        let mut fields = BTreeMap::new();
        for it in wires {
            let wire = &blueprint.wires[it.wire as usize];
            fields.insert(wire.from, it.first_field);
            fields.insert(wire.to, it.first_field + 1);
        }
        let wanted: Vec<u32> = fields.keys().map(|end| end.instance).collect();
        let slots = self.boundary.iter().chain(&self.interior);
        let watcher = Watcher::new(blueprint, timebase, slots, &self.fifos, |instance| {
            wanted.binary_search(&instance).is_ok()
        });
        if self.watch.counter.is_none() {
            watcher.begin(self.upcoming);
        }
        let field = |port: &super::watch::WatchedPort| (fields.get(&port.end).copied(), None);
        let teller = Teller {
            fields: watcher.ports.iter().map(field).collect(),
            watcher,
            window,
        };
        let words_max = teller.words_max();
        self.watch.teller = Some(teller);
        self.plan_watch();
        words_max
    }

    /// Ends telling them.
    pub(super) fn tell_no_stalls(&mut self) {
        self.watch.teller = None;
        self.plan_watch();
    }

    /// Finds the next instant at which something is looked at.
    pub(super) fn plan_watch(&mut self) {
        let mut next = Tick::MAX;
        for domain in self.domains.iter().filter(|domain| domain.used) {
            let cycle = self.upcoming.div_ceil(domain.period);
            if let Some(counter) = &self.watch.counter {
                next = next.min(counter.schedule.next(cycle) * domain.period);
            }
            if let Some(teller) = &self.watch.teller {
                let start = teller.window.start.div_ceil(domain.period);
                let tick = cycle.max(start).saturating_mul(domain.period);
                if teller.window.contains(&tick) {
                    next = next.min(tick);
                }
            }
        }
        self.next_watch = next;
    }

    /// The instant `now` ends, at which something is to be looked at.
    #[cold]
    pub(super) fn watch_stalls(&mut self, now: Tick) {
        let tape = self.recorder.as_ref().map(|recorder| recorder.tape());
        let slots = self.boundary.iter().chain(&self.interior).enumerate();
        for (number, slot) in slots {
            let domain = &self.domains[usize::from(slot.domain)];
            if now.is_multiple_of(domain.period) {
                self.watch.look(number, slot, domain, now, tape);
            }
        }
    }
}

impl Watch {
    /// Looks at a group that had an edge at `now`.
    fn look(
        &mut self,
        number: usize,
        slot: &GroupSlot,
        domain: &DomainClock,
        now: Tick,
        tape: Option<&Tape>,
    ) {
        if let Some(counter) = &mut self.counter {
            let cycle = now / domain.period;
            if counter.schedule.next(cycle) == cycle {
                let counts = &mut counter.counts;
                counter.watcher.look(number, slot, now, |first, causes| {
                    for (counts, cause) in counts[first..].iter_mut().zip(causes) {
                        counts[cause.number()] += 1;
                    }
                });
            }
        }
        if let (Some(teller), Some(tape)) = (&mut self.teller, tape)
            && teller.window.contains(&now)
            && teller.watcher.watches(number)
        {
            let fields = &mut teller.fields;
            teller.watcher.look(number, slot, now, |first, causes| {
                for ((field, told), &cause) in fields[first..].iter_mut().zip(causes) {
                    if let Some(field) = *field
                        && told.replace(cause) != Some(cause)
                    {
                        tape.note_probe(field, cause.number() as u64);
                    }
                }
            });
        }
    }
}
