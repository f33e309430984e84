//! HOT. The end of an operation: whether it goes on with another part, what is given back, what the owner
//! is told.

use super::super::backend::{Backend, Success};
use super::super::descriptor::DescriptorKind;
use super::super::errno::Errno;
use super::super::file::File;
use super::super::operation::{Completion, Direction, Operation, Outcome, Owner, Part};
use super::super::pending::{Station, Stop};
use super::ShardIo;

impl ShardIo {
    /// Takes up what the back end or a helper says; none if there is nothing to tell, or nobody.
    pub(super) fn conclude(
        &mut self,
        slot: u32,
        result: Result<Success, Errno>,
        more: bool,
    ) -> Option<Completion> {
        let result = self.carry_on(slot, result, more)?;
        let pending = self.operations.get(slot);
        let submission = pending.submission;
        let is_orphan = pending.is_orphan;
        let descriptor = pending.descriptor;
        let is_accept = matches!(submission.operation, Operation::Accept { .. });
        // The kernel may end an accept that could go on.
        let goes_on = is_accept && result.is_ok() && pending.stop == Stop::No;
        if !more && goes_on {
            self.requeue(slot);
        }
        let more = more || goes_on;
        if !more {
            self.end(slot);
        }
        let owner = (!is_orphan).then_some(submission.owner);
        let result = match result {
            Ok(success) => self.outcome(success, &submission.operation, owner, descriptor),
            Err(errno) => {
                self.undo(&submission.operation, descriptor);
                Err(errno)
            }
        };
        if let Some(descriptor) = descriptor.filter(|_| !more) {
            self.look_if_quiet(descriptor);
        }
        (!is_orphan).then_some(Completion {
            owner: submission.owner,
            token: submission.token,
            result,
            more,
        })
    }

    /// Whether the operation is over; none if it goes on with another part.
    fn carry_on(
        &mut self,
        slot: u32,
        result: Result<Success, Errno>,
        more: bool,
    ) -> Option<Result<Success, Errno>> {
        let pending = self.operations.get(slot);
        let goes_on = pending.stop == Stop::No;
        let expired = pending.stop == Stop::Expired;
        match (pending.submission.operation, result) {
            (Operation::Receive { .. } | Operation::ReceiveFrom { .. }, Err(Errno::ENOBUFS))
                if goes_on =>
            {
                self.starve(slot);
                None
            }
            (Operation::Accept { .. }, Err(Errno::ECONNABORTED | Errno::EINTR)) if goes_on => {
                if !more {
                    self.requeue(slot);
                }
                None
            }
            (Operation::SendFile { .. }, Err(Errno::EAGAIN)) if goes_on => {
                pending.needs_room = true;
                self.requeue(slot);
                None
            }
            (Operation::SendFile { .. }, Ok(Success::Done)) if goes_on => {
                pending.needs_room = false;
                self.requeue(slot);
                None
            }
            (operation, Ok(Success::Moved(count))) => {
                pending.moved += count;
                if goes_on && count > 0 && pending.moved < length(&operation) {
                    self.requeue(slot);
                    return None;
                }
                Some(Ok(Success::Moved(pending.moved)))
            }
            // A part has gone; what stopped the rest is said by the next operation.
            (_, Err(_)) if pending.moved > 0 => Some(Ok(Success::Moved(pending.moved))),
            (Operation::SendFile { .. }, Err(Errno::EAGAIN) | Ok(Success::Done)) if !goes_on => {
                Some(match pending.moved {
                    0 => Err(stopped(expired)),
                    moved => Ok(Success::Moved(moved)),
                })
            }
            (_, Err(Errno::ECANCELED | Errno::EINTR)) if !goes_on => Some(Err(stopped(expired))),
            (_, result) => Some(result),
        }
    }

    /// Bytes are there and no buffer; unless one has become free meanwhile, it waits for one.
    fn starve(&mut self, slot: u32) {
        self.counters.starved_count += 1;
        if self.buffers.can_receive() {
            self.requeue(slot);
        } else {
            self.operations.get(slot).station = Station::Starved;
            self.starved.push_back(slot);
        }
    }

    /// Gives back what the operation used.
    fn end(&mut self, slot: u32) {
        self.counters.ended_count += 1;
        self.deadlines.clear(slot);
        let pending = self.operations.get(slot);
        let operation = pending.submission.operation;
        let descriptor = pending.descriptor;
        if let Some(part) = operation.part() {
            self.buffers.end_use(part.buffer);
            self.device.provide(&mut self.buffers);
        }
        if let Some(descriptor) = descriptor {
            let entry = self.descriptors.entry(descriptor);
            entry.in_flight_count -= 1;
            match operation.direction() {
                Some(Direction::Reading) => entry.is_reading = false,
                Some(Direction::Writing) => entry.is_writing = false,
                None => {}
            }
        }
        self.operations.end(slot);
    }

    /// What is told; without an owner everything is given back.
    fn outcome(
        &mut self,
        success: Success,
        operation: &Operation,
        owner: Option<Owner>,
        descriptor: Option<u32>,
    ) -> Result<Outcome, Errno> {
        match success {
            Success::Opened(file) if matches!(operation, Operation::Accept { .. }) => {
                self.accepted(file, owner)
            }
            Success::Opened(file) => {
                let slot = descriptor.expect("reserved when it was submitted");
                self.descriptors.put(slot, file);
                Ok(self.opened(slot, owner))
            }
            Success::Done if opens(operation) => {
                let slot = descriptor.expect("reserved when it was submitted");
                Ok(self.opened(slot, owner))
            }
            Success::Done => Ok(Outcome::Done),
            Success::Moved(count) => Ok(Outcome::Moved(count)),
            Success::Size(bytes) => Ok(Outcome::Size(bytes)),
            Success::Received {
                buffer,
                length,
                from,
                truncated,
            } => {
                let part = buffer.map(|slot| self.received(slot, length, owner));
                match (operation, part) {
                    (Operation::ReceiveFrom { .. }, part) => Ok(Outcome::Datagram {
                        part: part.flatten(),
                        from: from.ok_or(Errno::EAFNOSUPPORT)?,
                        truncated,
                    }),
                    (_, Some(Some(part))) => Ok(Outcome::Received(part)),
                    (_, None) => Ok(Outcome::End),
                    // Nobody is there to be told.
                    (_, Some(None)) => Err(Errno::ECANCELED),
                }
            }
        }
    }

    /// Received bytes for the owner, if there is one.
    fn received(&mut self, slot: u32, length: u32, owner: Option<Owner>) -> Option<Part> {
        if let Some(owner) = owner {
            return Some(Part::first(self.buffers.lend(slot, owner), length));
        }
        self.buffers.withdraw(slot);
        self.device.provide(&mut self.buffers);
        None
    }

    /// A connection for the owner, if there is one and it has room.
    fn accepted(&mut self, file: File, owner: Option<Owner>) -> Result<Outcome, Errno> {
        let owner = owner.ok_or(Errno::ECANCELED)?;
        let reserved = self.descriptors.reserve(owner, DescriptorKind::Stream);
        let Ok(slot) = reserved else {
            self.counters.turned_away_count += 1;
            return Err(Errno::ENFILE);
        };
        self.descriptors.put(slot, file);
        Ok(self.opened(slot, Some(owner)))
    }

    fn opened(&mut self, slot: u32, owner: Option<Owner>) -> Outcome {
        let descriptor = self.descriptors.install(slot);
        if owner.is_none() {
            self.begin_close(slot);
        }
        Outcome::Opened(descriptor)
    }

    /// What was to be opened is not.
    fn undo(&mut self, operation: &Operation, descriptor: Option<u32>) {
        if opens(operation) {
            let slot = descriptor.expect("reserved when it was submitted");
            if !matches!(operation, Operation::Open { .. }) {
                self.device.forget(slot, self.descriptors.file(slot));
            }
            drop(self.descriptors.remove(slot));
        }
    }
}

/// Whether a descriptor was reserved for it.
fn opens(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Open { .. } | Operation::Connect { .. } | Operation::ConnectUnix { .. }
    )
}

/// Bytes that are to be moved, part by part; a read is over after one.
fn length(operation: &Operation) -> u64 {
    match operation {
        Operation::Write { from, .. } | Operation::Send { from, .. } => u64::from(from.length),
        Operation::SendFile { length, .. } => *length,
        _ => 0,
    }
}

fn stopped(expired: bool) -> Errno {
    if expired {
        Errno::ETIME
    } else {
        Errno::ECANCELED
    }
}
