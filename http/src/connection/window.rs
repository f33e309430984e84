//! The bytes that have arrived and are not used up: those of one buffer.
//!
//! What arrives when nothing is left is used where it lies. What arrives behind a part of a request
//! is copied behind it, into a buffer that is large enough for any request; what does not fit, since more
//! may arrive at once than a request may have, waits until there is room.

use tina_engine::io::{Buffer, Part, Refusal};
use tina_engine::runtime::Io;

#[derive(Debug, Default)]
pub(crate) struct Window {
    buffer: Option<Buffer>,
    /// Whether it is a buffer for whole requests.
    is_large: bool,
    start: u32,
    end: u32,
    /// What has arrived behind it and did not fit yet.
    behind: Option<Part>,
}

impl Window {
    pub(crate) fn length(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The first bytes of it, if there are any.
    pub(crate) fn part(&self) -> Option<Part> {
        self.buffer.map(|buffer| Part {
            buffer,
            start: self.start,
            length: self.end - self.start,
        })
    }

    /// All bytes of it.
    pub(crate) fn bytes<'i>(&self, io: &'i mut Io<'_>) -> Result<&'i [u8], Refusal> {
        match self.part() {
            Some(part) => io.part(part),
            None => Ok(&[]),
        }
    }

    /// The same, to be changed.
    pub(crate) fn bytes_mut<'i>(&self, io: &'i mut Io<'_>) -> Result<&'i mut [u8], Refusal> {
        match self.buffer {
            Some(buffer) => Ok(&mut io.bytes_mut(buffer)?[self.start as usize..self.end as usize]),
            None => Ok(&mut []),
        }
    }

    /// Takes in what has arrived.
    pub(crate) fn append(&mut self, part: Part, io: &mut Io<'_>) -> Result<(), Refusal> {
        if self.buffer.is_none() {
            self.lie_in(part);
            return Ok(());
        }
        if let Some(waiting) = self.behind.replace(part) {
            // Nothing is received before this has been taken in.
            io.release(waiting.buffer)?;
            return Err(Refusal::NoBuffer);
        }
        self.refill(io).map(|_| ())
    }

    fn lie_in(&mut self, part: Part) {
        *self = Self {
            buffer: Some(part.buffer),
            is_large: false,
            start: part.start,
            end: part.start + part.length,
            behind: None,
        };
    }

    /// Takes in more of what has arrived; whether there was more.
    pub(crate) fn refill(&mut self, io: &mut Io<'_>) -> Result<bool, Refusal> {
        let (Some(part), Some(old)) = (self.behind, self.part()) else {
            return Ok(false);
        };
        let buffer = if self.is_large {
            old.buffer
        } else {
            self.enlarge(old, io)?
        };
        let large = io.bytes_mut(buffer)?;
        if (self.end + part.length) as usize > large.len() {
            large.copy_within(self.start as usize..self.end as usize, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = part.length.min(large.len() as u32 - self.end);
        if count == 0 {
            // The buffer is smaller than the longest request.
            return Err(Refusal::NoBuffer);
        }
        let taken = Part {
            length: count,
            ..part
        };
        let (bytes, large) = io.part_and_bytes_mut(taken, buffer)?;
        large[self.end as usize..][..bytes.len()].copy_from_slice(bytes);
        self.end += count;
        self.behind = (count < part.length).then(|| Part {
            start: part.start + count,
            length: part.length - count,
            ..part
        });
        if self.behind.is_none() {
            io.release(part.buffer)?;
        }
        Ok(true)
    }

    /// Moves it into a buffer for whole requests.
    fn enlarge(&mut self, old: Part, io: &mut Io<'_>) -> Result<Buffer, Refusal> {
        let buffer = io.take_buffer()?;
        let (bytes, large) = io.part_and_bytes_mut(old, buffer)?;
        let room = large.get_mut(..bytes.len()).ok_or(Refusal::NoBuffer)?;
        room.copy_from_slice(bytes);
        io.release(old.buffer)?;
        self.buffer = Some(buffer);
        self.is_large = true;
        (self.start, self.end) = (0, old.length);
        Ok(buffer)
    }

    /// The first bytes are used up.
    pub(crate) fn consume(&mut self, count: usize, io: &mut Io<'_>) -> Result<(), Refusal> {
        assert!(count <= self.length(), "what is used up was there");
        self.start += count as u32;
        if self.start == self.end
            && let Some(buffer) = self.buffer.take()
        {
            (self.start, self.end) = (0, 0);
            io.release(buffer)?;
            if let Some(part) = self.behind.take() {
                self.lie_in(part);
            }
        }
        Ok(())
    }

    /// All of it is used up.
    pub(crate) fn clear(&mut self, io: &mut Io<'_>) -> Result<(), Refusal> {
        while self.length() > 0 {
            self.consume(self.length(), io)?;
        }
        Ok(())
    }

    /// Only so many bytes are left.
    pub(crate) fn truncate(&mut self, count: usize) {
        assert!(
            count > 0 && count <= self.length(),
            "what is left was there"
        );
        self.end = self.start + count as u32;
    }
}
