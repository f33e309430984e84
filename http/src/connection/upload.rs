//! Bodies that a handler takes as they arrive: what it has not taken is not received, so that a slow
//! handler slows its peer down, and no body needs more than a buffer.

use super::{Connection, Over, Phase, Step};
use crate::action::{Kind, Uploading};
use crate::chunked::{Chunked, Piece};
use crate::response::Response;
use crate::status::Status;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tina_engine::runtime::{Context, Parcel};

/// A body that is taken as it arrives.
pub(crate) struct Upload {
    pub(super) state: Parcel,
    pub(super) coding: UploadCoding,
    pub(super) taken_bytes: u64,
}

pub(crate) enum UploadCoding {
    /// So many bytes are to come.
    Plain(u64),
    Chunks(Chunked),
}

/// What the bytes at hand come to.
enum Taken {
    All,
    /// The body ends with them.
    Whole,
    Refused(Status),
    Panicked(Box<dyn Any + Send>),
}

impl Upload {
    /// Has the handler take what there is; how many bytes that were.
    fn take(&mut self, handler: &dyn Uploading, bytes: &[u8]) -> (usize, Taken) {
        let mut at = 0;
        loop {
            let data = match &mut self.coding {
                UploadCoding::Plain(0) => return (at, Taken::Whole),
                UploadCoding::Plain(left) => {
                    let count =
                        (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= count as u64;
                    at..at + count
                }
                UploadCoding::Chunks(chunked) => match chunked.next(&bytes[at..]) {
                    Piece::Data(range) => at + range.start..at + range.end,
                    Piece::Partial => return (bytes.len(), Taken::All),
                    Piece::End(end) => return (at + end, Taken::Whole),
                    Piece::Malformed => return (at, Taken::Refused(Status::BAD_REQUEST)),
                },
            };
            if data.is_empty() {
                return (at, Taken::All);
            }
            at = data.end;
            self.taken_bytes += data.len() as u64;
            if self.taken_bytes > handler.body_max() {
                return (at, Taken::Refused(Status::CONTENT_TOO_LARGE));
            }
            let data = &bytes[data];
            let state = &mut self.state;
            match catch_unwind(AssertUnwindSafe(|| handler.take(state, data))) {
                Ok(Ok(())) => {}
                Ok(Err(status)) => return (at, Taken::Refused(status)),
                Err(panic) => return (at, Taken::Panicked(panic)),
            }
        }
    }
}

impl Connection {
    pub(super) fn upload(&mut self, context: &mut Context<'_, Self>) -> Result<Step, Over> {
        if !self.has_room() {
            return Ok(Step::Flush);
        }
        let site = self.site.clone();
        let Kind::Uploading(handler) = &site.routes.actions[self.action].kind else {
            return Err(Over::Crash("a body without a handler"));
        };
        let Phase::Uploading(upload) = &mut self.phase else {
            return Ok(Step::Again);
        };
        let mut io = context.io();
        let (used, taken) = upload.take(&**handler, self.window.bytes(&mut io)?);
        self.window.consume(used, &mut io)?;
        match taken {
            Taken::All => {
                self.alarm.due = Some(context.now() + site.limits.body);
                // What had waited behind it is there at once.
                let is_all = self.window.length() == 0;
                Ok(if is_all { Step::Input } else { Step::Again })
            }
            Taken::Whole => self.finish_upload(&**handler, context),
            Taken::Refused(status) => {
                self.phase = Phase::Refusing(status);
                Ok(Step::Again)
            }
            Taken::Panicked(panic) => {
                self.fail(&*panic, context);
                Ok(Step::Again)
            }
        }
    }

    fn finish_upload(
        &mut self,
        handler: &dyn Uploading,
        context: &mut Context<'_, Self>,
    ) -> Result<Step, Over> {
        let Phase::Uploading(upload) = &mut self.phase else {
            return Ok(Step::Again);
        };
        let state = std::mem::replace(&mut upload.state, Parcel::empty());
        let mut io = context.io();
        let (buffer, written) = self.output.open(&mut io)?;
        let out = &mut io.bytes_mut(buffer)?[written..];
        self.rules.keep_alive &= !self.is_stopping;
        let response = Response::new(out, self.rules);
        match catch_unwind(AssertUnwindSafe(|| handler.finish(state, response))) {
            Ok(sent) => self.conclude(sent, context)?,
            Err(panic) => self.fail(&*panic, context),
        }
        Ok(Step::Again)
    }
}
