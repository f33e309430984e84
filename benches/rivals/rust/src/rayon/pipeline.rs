//! W1. The FIFOs are divided; FIFO i stands before stage i, the last one before the sink.

use super::fifo::Queue;
use super::{Chunked, share};
use tina_rivals::report::Results;
use tina_rivals::rules;

pub(super) struct Pipeline(Vec<Chunk>);

pub(super) struct Chunk {
    fifos: Vec<Queue>,
    /// Only the first chunk has the source: the next number.
    source: Option<u64>,
    /// Only the last one has the sink, which always has room.
    has_sink: bool,
    room: bool,
    leaving: Option<u64>,
    count: u64,
    check: u64,
}

impl Pipeline {
    pub(super) fn new(stages: usize, chunk_count: usize) -> Self {
        let chunk = |number| Chunk {
            fifos: vec![Queue::default(); share(stages + 1, number, chunk_count).len()],
            source: (number == 0).then_some(0),
            has_sink: number + 1 == chunk_count,
            room: true,
            leaving: None,
            count: 0,
            check: 0,
        };
        Self((0..chunk_count).map(chunk).collect())
    }
}

impl Chunked for Pipeline {
    type Chunk = Chunk;

    fn chunks(&mut self) -> &mut [Chunk] {
        &mut self.0
    }

    fn clock(chunk: &mut Chunk, _cycle: u64) {
        let (last, others) = chunk.fifos.split_last_mut().expect("a chunk has FIFOs");
        let mut room = last.has_room();
        if last.ready() && chunk.room {
            let item = last.pop();
            if chunk.has_sink {
                chunk.count += 1;
                chunk.check ^= item;
            } else {
                chunk.leaving = Some(rules::stage(item));
            }
        }
        let mut output = last;
        for input in others.iter_mut().rev() {
            let room_behind = room;
            room = input.has_room();
            if room_behind && input.ready() {
                output.push(rules::stage(input.pop()));
            }
            output = input;
        }
        if let Some(next) = chunk.source.as_mut().filter(|_| room) {
            output.push(*next);
            *next += 1;
        }
    }

    fn exchange(before: &mut Chunk, after: &mut Chunk) {
        let fifo = &mut after.fifos[0];
        if let Some(item) = before.leaving.take() {
            fifo.push(item);
        }
        before.room = fifo.has_room();
    }

    fn results(&self) -> Results {
        let sink = self.0.last().expect("there is a chunk");
        Results::Pipeline {
            count: sink.count,
            check: sink.check,
        }
    }
}
