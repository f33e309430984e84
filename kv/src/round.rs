//! A round: the commands of a pipeline that have arrived, as one batch of requests per shard and a list of
//! how their replies become those of the commands.
//!
//! ```text
//!   plan:     text 5 "+PONG␍␊" | One 1: shard 2 | Sum 3: shard 0, shard 2, shard 0 | …
//!   batches:  0: Delete, Delete    2: Get, Delete
//! ```
//!
//! A command stands in it as a whole or not at all.

use crate::command::{Merge, NoRoom, Plan, Planned};
use crate::filled::{Filled, make_room};
use crate::limits::KV_SHARDS_MAX;
use crate::request::Request;
use tina_engine::runtime::{Context, Isolate, Payload};

/// Of a text, or of a command's parts.
const HEAD_BYTES: usize = 5;
const TEXT: u8 = Merge::ALL.len() as u8;

/// An entry of a round's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// So many bytes, which follow.
    Text(usize),
    /// A command of so many parts, whose shards follow.
    Command(Merge, usize),
}

/// What is asked in one go.
pub(crate) struct Round {
    pub(crate) plan: Payload,
    /// By shard.
    pub(crate) batches: [Option<Payload>; KV_SHARDS_MAX],
}

/// How much a round holds, to go back to.
struct Mark {
    plan: usize,
    batches: [u32; KV_SHARDS_MAX],
}

impl Round {
    pub(crate) fn new(plan: Payload) -> Self {
        Self {
            plan,
            batches: [const { None }; KV_SHARDS_MAX],
        }
    }

    fn mark(&self, shards: usize) -> Mark {
        let mut batches = [0; KV_SHARDS_MAX];
        for (mark, batch) in batches.iter_mut().zip(&self.batches[..shards]) {
            *mark = batch.as_ref().map_or(0, |batch| batch.len() as u32);
        }
        Mark {
            plan: self.plan.len(),
            batches,
        }
    }

    fn go_back(&mut self, mark: &Mark) {
        self.plan.truncate(mark.plan);
        for (batch, &length) in self.batches.iter_mut().zip(&mark.batches) {
            match batch {
                Some(batch) if length > 0 => batch.truncate(length as usize),
                Some(_) => *batch = None,
                None => {}
            }
        }
    }

    /// The entry that begins at a byte of the plan, and where what belongs to it begins.
    pub(crate) fn entry(&self, at: usize) -> Option<(Entry, usize)> {
        let head = self.plan.get(at..at + HEAD_BYTES)?;
        let count = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let entry = match Merge::ALL.get(usize::from(head[0])) {
            Some(&merge) => Entry::Command(merge, count),
            None => Entry::Text(count),
        };
        Some((entry, at + HEAD_BYTES))
    }
}

/// Writes a round, with payloads of the shard of whoever does.
pub(crate) struct Writer<'w, 'c, I: Isolate> {
    pub(crate) round: &'w mut Round,
    pub(crate) context: &'w mut Context<'c, I>,
    pub(crate) shards: usize,
    /// About how long a batch will be.
    pub(crate) hint: usize,
}

impl<I: Isolate> Writer<'_, '_, I> {
    /// Writes a whole command, or nothing.
    pub(crate) fn whole(&mut self, write: impl FnOnce(&mut Self) -> Planned) -> Planned {
        let mark = self.round.mark(self.shards);
        let written = write(self);
        if written.is_err() {
            self.round.go_back(&mark);
        }
        written
    }

    fn put(&mut self, pieces: &[&[u8]]) -> Planned {
        let bytes = pieces.iter().map(|piece| piece.len()).sum();
        make_room(&mut self.round.plan, bytes, self.context).map_err(|_| NoRoom)?;
        let plan = &mut self.round.plan;
        let put = |piece: &&[u8]| plan.append(piece).expect("room was made for it");
        pieces.iter().for_each(put);
        Ok(())
    }

    fn put_entry(&mut self, kind: u8, count: usize, bytes: &[u8]) -> Planned {
        self.put(&[&[kind], &(count as u32).to_le_bytes(), bytes])
    }
}

impl<I: Isolate> Plan for Writer<'_, '_, I> {
    fn shards(&self) -> usize {
        self.shards
    }

    fn text(&mut self, reply: &[u8]) -> Planned {
        self.put_entry(TEXT, reply.len(), reply)
    }

    fn open(&mut self, merge: Merge, parts: usize) -> Planned {
        self.put_entry(merge as u8, parts, &[])
    }

    fn part(&mut self, shard: usize, request: &Request<'_>) -> Planned {
        self.put(&[&[shard as u8]])?;
        let batch = &mut self.round.batches[shard];
        let bytes = request.bytes();
        let batch = match batch {
            Some(batch) => batch,
            None => {
                let taken = self.context.payload(bytes.max(self.hint));
                batch.insert(taken.map_err(|_| NoRoom)?)
            }
        };
        make_room(batch, bytes, self.context).map_err(|_| NoRoom)?;
        request.encode(&mut Filled(batch));
        Ok(())
    }
}
