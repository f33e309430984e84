//! Replies of shards, put together in the order of the commands they belong to.

use super::stream::Next;
use super::{Connection, Over};
use crate::command::Merge;
use crate::resp::{HEAD_BYTES_MAX, OK, Sink, number_of, put_number};
use crate::round::{Entry, Round};
use tina_engine::runtime::Context;

/// The longest error that is kept to be the reply of a command of many parts.
const ERROR_BYTES_MAX: usize = 160;

/// How far a round is answered.
pub(super) struct Assembly {
    round: Round,
    /// Where in the plan.
    at: usize,
    /// Parts of the command at hand that are to come.
    parts: usize,
    merge: Merge,
    /// What is being copied: from which byte on.
    copied: Option<Copying>,
    /// The one reply of a command of many parts is to be written.
    concludes: bool,
    sum: i64,
    error: [u8; ERROR_BYTES_MAX],
    error_bytes: usize,
}

/// What is copied bit by bit.
#[derive(Clone, Copy)]
enum Copying {
    /// So many bytes of the plan.
    Text(usize),
    /// The reply of a shard, from a byte on.
    Reply(usize, usize),
}

/// How far it has come.
pub(super) enum Assembled {
    Whole,
    /// What was written must be sent first.
    Full,
    /// An answer must come first.
    Waits,
}

/// One step of it.
enum Step {
    Again,
    Stop(Assembled),
}

/// A head, for as long as it takes to write it.
#[derive(Default)]
struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    length: usize,
}

impl Head {
    fn number(mark: u8, number: i64) -> Self {
        let mut head = Self::default();
        put_number(&mut head, mark, number);
        head
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Sink for Head {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

impl Assembly {
    pub(super) fn new(round: Round) -> Self {
        Self {
            round,
            at: 0,
            parts: 0,
            merge: Merge::One,
            copied: None,
            concludes: false,
            sum: 0,
            error: [0; ERROR_BYTES_MAX],
            error_bytes: 0,
        }
    }

    /// Takes account of a part's reply.
    fn count(&mut self, reply: &[u8]) {
        match (self.merge, number_of(reply)) {
            (Merge::Sum, Some(number)) => self.sum = self.sum.saturating_add(number),
            (Merge::AllWell, _) if reply == OK => {}
            _ if self.error_bytes == 0 && reply.len() <= ERROR_BYTES_MAX => {
                self.error[..reply.len()].copy_from_slice(reply);
                self.error_bytes = reply.len();
            }
            _ => {}
        }
    }
}

impl Connection {
    /// Writes replies until all are written, or something must happen first.
    pub(super) fn assemble(&mut self, context: &mut Context<'_, Self>) -> Result<Assembled, Over> {
        let Some(mut assembly) = self.round.take() else {
            return Ok(Assembled::Whole);
        };
        loop {
            let step = match (assembly.copied, assembly.parts) {
                (None, 0) if assembly.concludes => self.conclude(&mut assembly, context)?,
                (Some(copied), _) => self.copy(copied, &mut assembly, context)?,
                (None, 0) => self.next_entry(&mut assembly, context)?,
                (None, _) => self.next_part(&mut assembly, context)?,
            };
            if let Step::Stop(how) = step {
                self.round = Some(assembly);
                return Ok(how);
            }
        }
    }

    fn copy(
        &mut self,
        copied: Copying,
        assembly: &mut Assembly,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let bytes = match copied {
            Copying::Text(left) => &assembly.round.plan[assembly.at..assembly.at + left],
            Copying::Reply(shard, from) => self.streams[shard].rest_of_next(from),
        };
        let left = bytes.len();
        let count = self.output.write(bytes, context.io())?;
        let is_whole = count == left;
        assembly.copied = match copied {
            Copying::Text(left) => {
                assembly.at += count;
                (!is_whole).then_some(Copying::Text(left - count))
            }
            Copying::Reply(shard, from) => {
                if is_whole {
                    self.streams[shard].consume();
                }
                (!is_whole).then_some(Copying::Reply(shard, from + count))
            }
        };
        Ok(if is_whole {
            Step::Again
        } else {
            Step::Stop(Assembled::Full)
        })
    }

    fn next_entry(
        &mut self,
        assembly: &mut Assembly,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let Some((entry, body)) = assembly.round.entry(assembly.at) else {
            return Ok(Step::Stop(Assembled::Whole));
        };
        match entry {
            Entry::Text(bytes) => assembly.copied = Some(Copying::Text(bytes)),
            Entry::Command(merge, parts) => {
                if merge == Merge::Array {
                    let head = Head::number(b'*', parts as i64);
                    if !self.output.write_whole(head.bytes(), context.io())? {
                        return Ok(Step::Stop(Assembled::Full));
                    }
                }
                (assembly.merge, assembly.parts) = (merge, parts);
                (assembly.sum, assembly.error_bytes) = (0, 0);
                if merge == Merge::Keys {
                    // Its head says how many there are in all.
                    return self.begin_keys((assembly, body), context);
                }
            }
        }
        assembly.at = body;
        Ok(Step::Again)
    }

    fn next_part(
        &mut self,
        assembly: &mut Assembly,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let shard = usize::from(assembly.round.plan[assembly.at]);
        let reply = match self.streams[shard].next((&self.site, shard), context) {
            Next::Here(reply) => reply,
            Next::Missing => return self.wait(context),
        };
        match assembly.merge {
            Merge::One | Merge::Array => assembly.copied = Some(Copying::Reply(shard, 0)),
            Merge::Keys => {
                let head = reply.iter().position(|&byte| byte == b'\n');
                assembly.copied = Some(Copying::Reply(shard, head.map_or(0, |head| head + 1)));
            }
            Merge::Sum | Merge::AllWell => {
                assembly.count(reply);
                assembly.concludes = assembly.parts == 1;
                self.streams[shard].consume();
            }
        }
        assembly.at += 1;
        assembly.parts -= 1;
        Ok(Step::Again)
    }

    /// Nothing is written while an answer is awaited; what was written is not held back.
    fn wait(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        self.flush(context)?;
        Ok(Step::Stop(Assembled::Waits))
    }

    /// Writes the one reply to a command of many parts.
    fn conclude(
        &mut self,
        assembly: &mut Assembly,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let sum = Head::number(b':', assembly.sum);
        let reply = match assembly.merge {
            _ if assembly.error_bytes > 0 => &assembly.error[..assembly.error_bytes],
            Merge::Sum => sum.bytes(),
            Merge::One | Merge::Array | Merge::AllWell | Merge::Keys => OK,
        };
        if !self.output.write_whole(reply, context.io())? {
            return Ok(Step::Stop(Assembled::Full));
        }
        assembly.concludes = false;
        Ok(Step::Again)
    }

    /// Looks at the lists of all shards, of which each begins with a number, or is an error.
    fn begin_keys(
        &mut self,
        (assembly, body): (&mut Assembly, usize),
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let parts = std::mem::take(&mut assembly.parts);
        for part in 0..parts {
            let shard = usize::from(assembly.round.plan[body + part]);
            let list = match self.streams[shard].next((&self.site, shard), context) {
                Next::Here(list) => list,
                Next::Missing => return self.wait(context),
            };
            let end = list.iter().position(|&byte| byte == b'\n');
            let head = end.map_or(list, |end| &list[..=end]);
            match number_of(head) {
                Some(count) => assembly.sum += count,
                None => assembly.count(head),
            }
        }
        let head = Head::number(b'*', assembly.sum);
        let has_failed = assembly.error_bytes > 0;
        let reply = if has_failed {
            &assembly.error[..assembly.error_bytes]
        } else {
            head.bytes()
        };
        if !self.output.write_whole(reply, context.io())? {
            return Ok(Step::Stop(Assembled::Full));
        }
        if has_failed {
            for part in 0..parts {
                let shard = usize::from(assembly.round.plan[body + part]);
                self.streams[shard].consume();
            }
            assembly.at = body + parts;
        } else {
            (assembly.at, assembly.parts) = (body, parts);
        }
        Ok(Step::Again)
    }
}
