//! The bytes that have arrived and are not used up: those of one buffer.
//!
//! What arrives when nothing is left is used where it lies. What arrives behind a part of a request
//! is copied behind it, into a buffer that is large enough for any request.

use tina_engine::io::{Buffer, Part, Refusal};
use tina_engine::runtime::Io;

#[derive(Debug, Default)]
pub(crate) struct Window {
    buffer: Option<Buffer>,
    /// Whether it is a buffer for whole requests.
    is_large: bool,
    start: u32,
    end: u32,
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
        let Some(old) = self.part() else {
            *self = Self {
                buffer: Some(part.buffer),
                is_large: false,
                start: part.start,
                end: part.start + part.length,
            };
            return Ok(());
        };
        if !self.is_large {
            let buffer = io.take_buffer()?;
            let (bytes, large) = io.part_and_bytes_mut(old, buffer)?;
            large[..bytes.len()].copy_from_slice(bytes);
            io.release(old.buffer)?;
            *self = Self {
                buffer: Some(buffer),
                is_large: true,
                start: 0,
                end: old.length,
            };
        }
        let buffer = self.buffer.expect("it is not empty");
        let large = io.bytes_mut(buffer)?;
        if (self.end + part.length) as usize > large.len() {
            large.copy_within(self.start as usize..self.end as usize, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let (bytes, large) = io.part_and_bytes_mut(part, buffer)?;
        large[self.end as usize..][..bytes.len()].copy_from_slice(bytes);
        self.end += part.length;
        io.release(part.buffer)
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
        }
        Ok(())
    }

    /// All of it is used up.
    pub(crate) fn clear(&mut self, io: &mut Io<'_>) -> Result<(), Refusal> {
        self.consume(self.length(), io)
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
