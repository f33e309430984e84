//! How much of everything a server may use, and how long it waits.

use std::time::Duration;
use tina_engine::io::IoPlan;

/// Bytes that arrive at once, at most.
pub(crate) const RECEIVE_BYTES: u32 = 4096;
/// Room for the head of a response, beside its body.
pub(crate) const RESPONSE_HEAD_BYTES: u32 = 2048;
/// What is counted neither as a request line nor as header fields: the ends of the request line and of
/// the last field, and the empty line.
const LINE_ENDS_BYTES: u32 = 6;
/// Header fields of a request, at most.
pub const HEADERS_MAX: usize = 64;

/// Capacities of a server on each shard, and its patience. All memory is taken from them at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; more are closed as soon as they are accepted.
    pub connections: usize,
    /// Connections that the kernel keeps waiting to be accepted.
    pub backlog: u32,
    /// Bytes of a request line, without its end; a longer one is answered with 414.
    pub request_line_bytes: u32,
    /// Bytes of all header fields of a request; more are answered with 431. There are at most
    /// [`HEADERS_MAX`].
    pub head_bytes: u32,
    /// Bytes of a request body that is handed over whole, unless its route says less; a longer one is
    /// answered with 413.
    pub body_bytes: u32,
    /// Bytes of a response body that is written at once.
    pub response_bytes: u32,
    /// Buffers to write responses in, and to hold requests that arrive in parts. A connection that
    /// waits for a request, or for an event to send, holds none.
    pub buffers: u32,
    /// Buffers that bytes arrive in, of 4 KiB each.
    pub receive_buffers: u32,
    /// How long a connection may be quiet between two requests.
    pub idle: Duration,
    /// How long the head of a request may take from its first byte.
    pub head: Duration,
    /// How long a connection may be quiet within a body.
    pub body: Duration,
    /// How long the peer may take nothing of what is sent.
    pub send: Duration,
    /// How long the sending of a file may take.
    pub file: Duration,
    /// How long the peer has to close after the last response.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            backlog: 1024,
            request_line_bytes: 2 << 10,
            head_bytes: 8 << 10,
            body_bytes: 16 << 10,
            response_bytes: 16 << 10,
            buffers: 256,
            receive_buffers: 512,
            idle: Duration::from_secs(60),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            send: Duration::from_secs(30),
            file: Duration::from_secs(600),
            linger: Duration::from_secs(2),
        }
    }
}

impl Limits {
    /// Bytes of a buffer: the longest request that is handed over whole and what may arrive behind
    /// it, or the longest response.
    pub(crate) fn buffer_bytes(&self) -> u32 {
        let request = self
            .request_line_bytes
            .saturating_add(self.head_bytes)
            .saturating_add(LINE_ENDS_BYTES)
            .saturating_add(self.body_bytes)
            .saturating_add(RECEIVE_BYTES);
        request.max(self.response_need()).next_multiple_of(4096)
    }

    /// Room that must be there before a handler may write its response.
    pub(crate) fn response_need(&self) -> u32 {
        self.response_bytes.saturating_add(RESPONSE_HEAD_BYTES)
    }

    /// What the server needs of a shard's I/O. To be added to what other kinds need.
    #[must_use]
    pub fn io_plan(&self) -> IoPlan {
        let connections = u32::try_from(self.connections).unwrap_or(u32::MAX);
        IoPlan {
            descriptor_slots: connections.saturating_mul(2).saturating_add(8), // a socket and a file each
            receive_buffers: self.receive_buffers,
            receive_bytes: RECEIVE_BYTES,
            transfer_buffers: self.buffers,
            transfer_bytes: self.buffer_bytes(),
            ..IoPlan::default()
        }
    }
}
