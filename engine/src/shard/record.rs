//! The shard's side of a recording: its tape, and the modules whose fields are looked at.

use super::{GroupSlot, Shard, StallFields};
use crate::bank::Store;
use crate::blueprint::Blueprint;
use crate::probes::{ProbeField, Probes};
use crate::record::Feed;
use crate::ring::Word;
use crate::tape::Tape;
use crate::time::{Tick, Timebase};
use crossbeam_utils::CachePadded;
use ringbuf::traits::{Observer, Producer, Split};
use ringbuf::{HeapProd, HeapRb};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words of the least ring: what a shard may be ahead of the writer.
const RING_WORDS_MIN: usize = 1 << 17;
/// Words of a chunk beyond what one instant may bring: what is handed over at once.
const CHUNK_WORDS: usize = 1 << 12;

/// The fields of an instance that are recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbedInstance {
    pub(crate) instance: u32,
    /// Number of its first field among all that are recorded.
    pub(crate) first_field: u32,
    pub(crate) field_count: u32,
}

/// The same where it lives.
struct Probed {
    /// Number of its group, those at the boundary first.
    group: usize,
    index: usize,
    first_field: u32,
    /// What its fields were last.
    values: Range<usize>,
    /// Whether it has panicked while it was looked at: then it is left alone.
    broken: bool,
}

/// What a shard needs to record.
pub(crate) struct Recorder {
    tape: Box<Tape>,
    ring: HeapProd<Word>,
    done_until: Arc<CachePadded<AtomicU64>>,
    window: Range<Tick>,
    /// The most words that one instant can bring.
    instant_words_max: usize,
    /// Whether it has said what was there when the window began.
    opened: bool,
    probed: Box<[Probed]>,
    values: Box<[u64]>,
}

impl Recorder {
    /// What records are written on.
    pub(super) fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Hands the chunk over, if the ring has room for it.
    fn flush(&mut self) -> bool {
        if self.tape.used() > self.ring.vacant_len() {
            return false;
        }
        let ring = &mut self.ring;
        self.tape.empty(|words| {
            ring.push_slice(words);
        });
        true
    }
}

impl Shard {
    /// The fields of those of `instances` that live here; empty where a module shows nothing.
    pub(crate) fn probe_fields(&self, instances: &[u32]) -> Vec<(u32, Vec<ProbeField>)> {
        let mut all = Vec::new();
        for group in self.groups() {
            for (index, &instance) in group.instance_numbers().iter().enumerate() {
                if instances.binary_search(&instance).is_ok() {
                    let mut fields = Vec::new();
                    let mut probes = Probes::learn(&mut fields);
                    let learnt = catch_unwind(AssertUnwindSafe(|| group.probe(index, &mut probes)));
                    if learnt.is_err() {
                        fields.clear();
                    }
                    all.push((instance, fields));
                }
            }
        }
        all
    }

    /// Begins to record what happens in the window.
    pub(crate) fn start_recording(
        &mut self,
        window: Range<Tick>,
        instances: &[ProbedInstance],
        (blueprint, timebase, stalls): (&Blueprint, &Timebase, &[StallFields]),
    ) -> Feed {
        let probed = self.probed(instances);
        let window = window.start.max(self.upcoming)..window.end;
        let stall_words = if stalls.is_empty() {
            0
        } else {
            self.tell_stalls(blueprint, timebase, window.clone(), stalls)
        };
        let value_count = probed.last().map_or(0, |probed| probed.values.end);
        // Headers of two instants, and every field twice: as it was and as it is.
        let mut words_max = 2 + 4 * value_count + stall_words;
        for slot in &self.fifos {
            let Store::Slots(fifo) = slot.store else {
                continue;
            };
            let Some(part) = fifo.record_part() else {
                continue;
            };
            part.pushed.set(u64::from(fifo.occupancy()));
            part.popped.set(0);
            let lanes = usize::from(fifo.slow_part().lanes.get());
            // Counts at both ends, an item and a pop for each lane.
            words_max += 4 + lanes * (2 + usize::from(fifo.stride) / 8);
        }
        let tape = Box::new(Tape::new(words_max + CHUNK_WORDS.max(words_max)));
        self.set_tape(Some(&tape));
        let ring_words = RING_WORDS_MIN.max(4 * (tape.used() + tape.free()));
        let (ring, taken) = HeapRb::new(ring_words).split();
        let done_until = Arc::new(CachePadded::new(AtomicU64::new(self.upcoming)));
        self.recorder = Some(Box::new(Recorder {
            tape,
            ring,
            done_until: done_until.clone(),
            window,
            instant_words_max: words_max,
            opened: false,
            probed,
            values: vec![0; value_count].into_boxed_slice(),
        }));
        Feed {
            ring: taken,
            done_until,
        }
    }

    /// Ends recording: ports write on no tape any more.
    pub(crate) fn stop_recording(&mut self) {
        self.set_tape(None);
        self.tell_no_stalls();
        self.recorder = None;
    }

    fn set_tape(&self, tape: Option<&Tape>) {
        for slot in &self.fifos {
            if let Store::Slots(fifo) = slot.store
                && let Some(part) = fifo.record_part()
            {
                part.set_tape(tape);
            }
        }
    }

    fn probed(&self, instances: &[ProbedInstance]) -> Box<[Probed]> {
        let mut value_count = 0;
        let mut all = Vec::new();
        for (number, group) in self.groups().enumerate() {
            for (index, instance) in group.instance_numbers().iter().enumerate() {
                let place = instances.binary_search_by_key(instance, |probed| probed.instance);
                let Ok(place) = place else { continue };
                let end = value_count + instances[place].field_count as usize;
                all.push(Probed {
                    group: number,
                    index,
                    first_field: instances[place].first_field,
                    values: value_count..end,
                    broken: false,
                });
                value_count = end;
            }
        }
        all.into_boxed_slice()
    }

    /// Whether one more instant can be recorded; hands over what is there if need be.
    pub(super) fn has_record_room(&mut self) -> bool {
        match &self.recorder {
            Some(recorder) if recorder.tape.free() < recorder.instant_words_max => {
                self.publish_records()
            }
            _ => true,
        }
    }

    /// Hands over what was recorded and says how far this shard is; false if the ring has no room.
    pub(super) fn publish_records(&mut self) -> bool {
        let Some(mut recorder) = self.recorder.take() else {
            return true;
        };
        if !recorder.opened && self.upcoming > recorder.window.start {
            // Nobody had an edge when the window began.
            if recorder.tape.free() >= recorder.instant_words_max || recorder.flush() {
                self.open_window(&mut recorder);
            }
        }
        let behind = !recorder.opened && self.upcoming > recorder.window.start;
        let flushed = recorder.flush() && !behind;
        if flushed {
            // Release: whoever sees it finds in the ring what was recorded before.
            recorder.done_until.store(self.upcoming, Ordering::Release);
        }
        self.recorder = Some(recorder);
        flushed
    }

    /// The instant `now` begins.
    #[inline]
    pub(super) fn begin_records(&mut self, now: Tick) {
        let Some(mut recorder) = self.recorder.take() else {
            return;
        };
        if !recorder.opened && now >= recorder.window.start {
            self.open_window(&mut recorder);
        }
        // An instant at which the window was opened has been named.
        if !(recorder.opened && now == recorder.window.start) {
            recorder.tape.begin(now, recorder.window.contains(&now));
        }
        self.recorder = Some(recorder);
    }

    /// Says what is there when the window begins, which no instant has changed since.
    #[cold]
    fn open_window(&self, recorder: &mut Recorder) {
        recorder.opened = true;
        let open = !recorder.window.is_empty();
        recorder.tape.begin(recorder.window.start, open);
        if !open {
            return;
        }
        for slot in &self.fifos {
            let Store::Slots(fifo) = slot.store else {
                continue;
            };
            let Some(part) = fifo.record_part() else {
                continue;
            };
            if slot.producer {
                recorder
                    .tape
                    .note_pushed(part.number.get(), part.pushed.get());
            }
            if slot.consumer {
                recorder
                    .tape
                    .note_popped(part.number.get(), part.popped.get());
            }
        }
        let slots = self.boundary.iter().chain(&self.interior);
        look(recorder, slots, true);
    }

    /// The instant at hand ends: looks at the modules that were clocked.
    #[inline]
    pub(super) fn end_records(&mut self, now: Tick) {
        if let Some(recorder) = &mut self.recorder
            && !recorder.probed.is_empty()
            && recorder.window.contains(&now)
        {
            let slots = self.boundary.iter().chain(&self.interior);
            look(recorder, slots, false);
        }
    }
}

/// Notes the fields that have changed in modules that were due, or all fields.
fn look<'a>(recorder: &mut Recorder, slots: impl Iterator<Item = &'a GroupSlot>, all: bool) {
    let Recorder {
        tape,
        probed,
        values,
        ..
    } = recorder;
    let mut probed = probed.iter_mut().peekable();
    for (number, slot) in slots.enumerate() {
        while let Some(it) = probed.next_if(|it| it.group == number) {
            let due = all || (slot.due && slot.group.was_due(it.index));
            if !due || it.broken {
                continue;
            }
            let mut note = |field: usize, value: u64| {
                tape.note_probe(it.first_field + field as u32, value);
            };
            let mut probes = Probes::compare(&mut values[it.values.clone()], all, &mut note);
            let looked = || slot.group.probe(it.index, &mut probes);
            it.broken = catch_unwind(AssertUnwindSafe(looked)).is_err();
        }
    }
}
