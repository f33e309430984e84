//! HOT. I/O of isolates: beginning operations, telling of their ends, and what happens at a death.

use super::core::Core;
use super::gate::{Arrival, Gate, Line};
use super::handle::Handle;
use super::io_event::{IoEvent, IoId};
use super::log::Level;
use super::metrics::Counter;
use super::notice::{NoticeId, Tag};
use super::parcel::Parcel;
use super::waiting::Packed;
use crate::io::{
    Completion, Errno, Operation, Outcome, Owner, Refusal, ShardIo, Submission, Ticket,
};
use std::time::Duration;

/// The end of an operation, until its isolate is told.
struct Ended(Result<Outcome, Errno>);

impl Core {
    pub(crate) fn owner(&self, desk: u32) -> Owner {
        Owner {
            place: desk,
            handle: self.handle_of(desk).bits(),
        }
    }

    /// Who lives under a handle on this shard.
    pub(crate) fn owner_of(&self, handle: Handle) -> Result<Owner, Refusal> {
        let desk = self.find(handle).ok_or(Refusal::Stale)?;
        Ok(self.owner(desk))
    }

    /// The shard's I/O and who asks.
    pub(crate) fn gate(&mut self, desk: u32) -> Result<(&mut ShardIo, Owner), Refusal> {
        let owner = self.owner(desk);
        let gate = self.gate.as_mut().ok_or(Refusal::NotPlanned)?;
        Ok((&mut gate.io, owner))
    }

    /// Begins an operation and reserves room for the news of its end.
    pub(crate) fn begin_io(
        &mut self,
        desk: u32,
        operation: Operation,
        timeout: Option<Duration>,
    ) -> Result<IoId, Refusal> {
        let now = Duration::from_nanos(self.now);
        let owner = self.owner(desk);
        let gate = self.gate.as_mut().ok_or(Refusal::NotPlanned)?;
        let seat = &mut self.desks[desk as usize];
        if seat.operation_count >= self.kinds[usize::from(seat.kind)].operations {
            return Err(Refusal::NoOperation);
        }
        let tag = match operation {
            Operation::Accept { .. } => Tag::Accept,
            _ => Tag::Io,
        };
        let id = self.notices.take(tag, desk, &mut seat.owned);
        let submission = Submission {
            owner,
            token: id.bits(),
            operation,
            timeout,
        };
        match gate.io.submit(now, &submission) {
            Ok(ticket) => {
                seat.operation_count += 1;
                let notice = self.notices.at(id.index);
                notice.word = ticket.to_bits();
                if tag == Tag::Accept {
                    notice.parcel = Parcel::new(Line::default());
                }
                Ok(IoId(id))
            }
            Err(why) => {
                self.notices.release(id.index, &mut seat.owned);
                Err(why)
            }
        }
    }

    /// Asks that an operation end soon; false if it has, or is not the isolate's.
    pub(crate) fn cancel_io(&mut self, desk: u32, id: IoId) -> bool {
        let IoId(id) = id;
        let notice = self.notices.find(id);
        let notice = notice
            .filter(|notice| notice.owner == desk && matches!(notice.tag, Tag::Io | Tag::Accept));
        match (notice, &mut self.gate) {
            (Some(notice), Some(gate)) => gate.io.cancel(Ticket::from_bits(notice.word)),
            (None, _) | (_, None) => false,
        }
    }

    /// Hands over what was begun and takes in what has ended; whether anything has.
    pub(crate) fn take_in_io(&mut self) -> bool {
        let Some(gate) = &mut self.gate else {
            return false;
        };
        gate.io.turn(Duration::from_nanos(self.now));
        let mut moved = false;
        while let Some(completion) = self.gate.as_mut().and_then(|it| it.io.next_completion()) {
            self.take_in_completion(completion);
            moved = true;
        }
        if moved {
            self.show_io();
        }
        moved
    }

    fn show_io(&self) {
        if let Some(gate) = &self.gate {
            gate.show(&self.metrics);
        }
    }

    /// The owner lives: nobody else is told.
    fn take_in_completion(&mut self, completion: Completion) {
        self.metrics.count(Counter::Completions);
        let id = NoticeId::from_bits(completion.token);
        let gate = self.gate.as_mut().expect("completions come through it");
        let notice = self.notices.find(id).expect("kept until the last one");
        let desk = notice.owner;
        if notice.tag == Tag::Accept {
            let parcel = std::mem::replace(&mut notice.parcel, Parcel::empty());
            let mut line: Line = parcel.open().ok().expect("accepting makes a line");
            match completion.result {
                Ok(Outcome::Opened(connection)) => {
                    gate.line_up(&mut line, connection);
                    if !completion.more {
                        line.end(Errno::ECANCELED);
                    }
                }
                Err(why) if !completion.more => line.end(why),
                Ok(_) | Err(_) => line.turn_away(),
            }
            notice.parcel = Parcel::new(line);
        } else {
            notice.parcel = Parcel::new(Ended(completion.result));
        }
        if !notice.queued {
            let queue = &mut self.desks[desk as usize].notices;
            self.notices.queue(queue, id.index);
            self.settle(desk);
        }
    }

    /// The event of a notice for I/O that was just taken out of its queue.
    pub(crate) fn next_io(&mut self, desk: u32, id: NoticeId, tag: Tag) -> Option<Packed> {
        if tag == Tag::Accept {
            return self.next_arrival(desk, id);
        }
        let seat = &mut self.desks[desk as usize];
        seat.operation_count -= 1;
        let parcel = self.notices.release(id.index, &mut seat.owned);
        let Ended(result) = parcel.open().ok().expect("queued when it had ended");
        Some(Packed::Io(IoEvent {
            id: IoId(id),
            result,
            more: false,
        }))
    }

    fn next_arrival(&mut self, desk: u32, id: NoticeId) -> Option<Packed> {
        let gate = self.gate.as_mut().expect("accepting goes through it");
        let seat = &mut self.desks[desk as usize];
        let notice = self.notices.at(id.index);
        let parcel = std::mem::replace(&mut notice.parcel, Parcel::empty());
        let mut line: Line = parcel.open().ok().expect("accepting makes a line");
        let (result, more) = match gate.next_in(&mut line)? {
            Arrival::Connection(connection) => (Ok(Outcome::Opened(connection)), true),
            Arrival::TurnedAway => (Err(Errno::ENFILE), true),
            Arrival::Ended(why) => (Err(why), false),
        };
        if more {
            notice.parcel = Parcel::new(line);
            if !line.is_empty() {
                self.notices.queue(&mut seat.notices, id.index);
            }
        } else {
            seat.operation_count -= 1;
            self.notices.release(id.index, &mut seat.owned);
        }
        Some(Packed::Io(IoEvent {
            id: IoId(id),
            result,
            more,
        }))
    }

    /// The isolate has ended: whatever it holds is closed, and nobody is told of what it began.
    pub(crate) fn end_io(&mut self, desk: u32) {
        let owner = self.owner(desk);
        if let Some(gate) = &mut self.gate {
            gate.io.close_all_of(owner);
            self.desks[desk as usize].operation_count = 0;
        }
    }

    /// Says once, for all shards, why another back end than the first choice serves.
    #[cold]
    pub(crate) fn log_io_note(&mut self) {
        let note = self.gate.as_ref().and_then(|gate| gate.io.note());
        if let Some(note) = note.filter(|_| self.shard == 0) {
            let text = format_args!("{note}");
            self.log
                .write(&self.metrics, self.now, Level::Warning, None, text);
        }
    }

    /// Sleeps in the shard's I/O; false if it has none.
    pub(crate) fn sleep_in_io(
        &mut self,
        timeout: Option<Duration>,
        has_work: impl FnOnce() -> bool,
    ) -> bool {
        self.show_io();
        let now = Duration::from_nanos(self.now);
        let io = self.gate.as_mut().map(|Gate { io, .. }| io);
        let has_io = io.is_some();
        if let Some(io) = io {
            io.wait(now, timeout, has_work);
        }
        has_io
    }
}
