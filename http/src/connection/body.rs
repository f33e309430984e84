//! Bodies that are handed over whole: they are gathered behind their head, without their coding.

use super::{Connection, Over, Phase, Step};
use crate::chunked::{Chunked, Piece};
use crate::status::Status;
use std::time::Duration;
use tina_engine::runtime::Context;

/// A body that is arriving. In front of it in the window is the head of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collecting {
    pub(super) head_bytes: usize,
    pub(super) body_max: usize,
    pub(super) due: Duration,
    pub(super) coding: Coding,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Coding {
    /// So many bytes.
    Plain(usize),
    /// Chunks, of which so many bytes have been gathered.
    Chunks(Chunked, usize),
}

impl Connection {
    pub(super) fn collect(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        let Phase::Collecting(mut collecting) = self.phase else {
            return Ok(Step::Again);
        };
        // Once gathered, a body is served at once: what was moved together is no coding any more.
        let is_file = self.site.routes.actions[self.action].is_file();
        if !self.has_room() || is_file && self.output.length() > 0 {
            return Ok(Step::Flush);
        }
        let Collecting {
            head_bytes, due, ..
        } = collecting;
        let body_bytes = match collecting.coding {
            Coding::Plain(length) => {
                let used = head_bytes + length;
                (self.window.length() >= used).then_some((length, used))
            }
            Coding::Chunks(..) => match self.gather(&mut collecting, context)? {
                Ok(gathered) => gathered,
                Err(status) => {
                    self.phase = Phase::Refusing(status);
                    return Ok(Step::Again);
                }
            },
        };
        let Some((length, used)) = body_bytes else {
            self.phase = Phase::Collecting(collecting);
            self.alarm.due = Some(due);
            return Ok(Step::Input);
        };
        self.serve(head_bytes, length, used, context)
    }

    /// Moves the data of chunks together. Once all of it is there: how much it is, and how many bytes of
    /// the window the request takes.
    fn gather(
        &mut self,
        collecting: &mut Collecting,
        context: &mut Context<'_, Self>,
    ) -> Result<Result<Option<(usize, usize)>, Status>, Over> {
        let Coding::Chunks(chunked, gathered) = &mut collecting.coding else {
            return Ok(Ok(None));
        };
        let mut io = context.io();
        let bytes = self.window.bytes_mut(&mut io)?;
        let mut at = collecting.head_bytes + *gathered;
        loop {
            match chunked.next(&bytes[at..]) {
                Piece::Data(range) => {
                    let to = collecting.head_bytes + *gathered;
                    *gathered += range.len();
                    if *gathered > collecting.body_max {
                        return Ok(Err(Status::CONTENT_TOO_LARGE));
                    }
                    bytes.copy_within(at + range.start..at + range.end, to);
                    at += range.end;
                }
                Piece::End(end) => return Ok(Ok(Some((*gathered, at + end)))),
                Piece::Malformed => return Ok(Err(Status::BAD_REQUEST)),
                Piece::Partial => break,
            }
        }
        let kept = collecting.head_bytes + *gathered;
        self.window.truncate(kept);
        Ok(Ok(None))
    }
}
