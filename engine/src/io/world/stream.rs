//! Streams: two ends, each with the bytes that have arrived and those that are on their way.

use super::super::errno::Errno;
use super::super::socket::Half;
use super::{Event, Nanos, Object, Place, RESEND, State};
use std::collections::VecDeque;

/// Bytes that an end takes before its peer has to wait.
const WINDOW: usize = 64 << 10;

/// What is on its way to an end.
struct Flight {
    at: Nanos,
    load: Load,
}

enum Load {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// How far a connection has come.
pub(super) enum Phase {
    Fresh,
    Asking,
    /// The answer is there, and was not told.
    Answered(Result<(), Errno>),
    Open,
}

/// One end of a connection, or of one to be.
pub(super) struct Stream {
    pub(super) phase: Phase,
    pub(super) host: usize,
    pub(super) local: Option<Place>,
    pub(super) remote: Option<Place>,
    pub(super) peer: Option<u32>,
    pub(super) window: usize,
    arrived: VecDeque<u8>,
    flying: VecDeque<Flight>,
    flying_bytes: usize,
    has_ended: bool,
    /// Reset; whether somebody was told.
    reset: Option<bool>,
    reads_no_more: bool,
    pub(super) sends_no_more: bool,
    pub(super) resets_on_close: bool,
    reader: Option<(usize, u32)>,
    writer: Option<(usize, u32)>,
    pub(super) asker: Option<(usize, u32)>,
}

impl Stream {
    pub(super) fn new(host: usize) -> Self {
        Self {
            phase: Phase::Fresh,
            host,
            local: None,
            remote: None,
            peer: None,
            window: WINDOW,
            arrived: VecDeque::new(),
            flying: VecDeque::new(),
            flying_bytes: 0,
            has_ended: false,
            reset: None,
            reads_no_more: false,
            sends_no_more: false,
            resets_on_close: false,
            reader: None,
            writer: None,
            asker: None,
        }
    }

    fn used(&self) -> usize {
        self.arrived.len() + self.flying_bytes
    }
}

/// What a call on a stream comes to.
pub(crate) enum Tried<T> {
    Done(T),
    /// It is looked at again when something has changed.
    NotYet,
}

impl State {
    pub(super) fn stream(&mut self, number: u32) -> Option<&mut Stream> {
        match &mut self.objects.get_mut(&number)?.object {
            Object::Stream(stream) => Some(stream),
            Object::Listener(_) | Object::Datagrams(_) | Object::File(_) => None,
        }
    }

    /// A socket that may be connected.
    pub(crate) fn new_stream(&mut self, host: usize) -> u32 {
        self.add(Object::Stream(Box::new(Stream::new(host))))
    }

    /// Receives at most `limit` bytes; none at the end of the stream.
    pub(crate) fn receive(
        &mut self,
        number: u32,
        who: (usize, u32),
        limit: usize,
    ) -> Result<Tried<Vec<u8>>, Errno> {
        let Some(stream) = self.stream(number) else {
            return Err(Errno::ENOTCONN);
        };
        stream.host = who.0;
        stream.reader = None;
        if !matches!(stream.phase, Phase::Open) {
            return Err(Errno::ENOTCONN);
        }
        if let Some(told) = &mut stream.reset
            && !std::mem::replace(told, true)
        {
            return Err(Errno::ECONNRESET);
        }
        let count = stream.arrived.len().min(limit);
        if count == 0 {
            if stream.has_ended || stream.reads_no_more || stream.reset.is_some() {
                return Ok(Tried::Done(Vec::new()));
            }
            stream.reader = Some(who);
            return Ok(Tried::NotYet);
        }
        let count = self.piece(count);
        let stream = self.stream(number).expect("looked at above");
        let bytes = stream.arrived.drain(..count).collect();
        if let Some(peer) = stream.peer {
            let host = stream.host;
            let to = self.stream(peer).map_or(host, |peer| peer.host);
            let at = self.now + self.latency(host, to);
            self.schedule(at, Event::Room(peer));
        }
        Ok(Tried::Done(bytes))
    }

    /// Whether there are bytes, or a reason why there will be none.
    pub(crate) fn is_readable(&mut self, number: u32) -> bool {
        self.stream(number).is_none_or(|stream| {
            !stream.arrived.is_empty()
                || stream.has_ended
                || stream.reads_no_more
                || stream.reset.is_some()
        })
    }

    /// Sends of the bytes what there is room for.
    pub(crate) fn send(
        &mut self,
        number: u32,
        who: (usize, u32),
        bytes: &[u8],
    ) -> Result<Tried<usize>, Errno> {
        let room = match self.room_for(number, who)? {
            Tried::Done(room) => room.min(bytes.len()),
            Tried::NotYet if bytes.is_empty() => 0,
            Tried::NotYet => return Ok(Tried::NotYet),
        };
        if self.draws(self.faults.network.reset) {
            self.counters.reset_count += 1;
            self.reset_both(number);
            return Err(Errno::ECONNRESET);
        }
        let count = self.piece(room);
        let stream = self.stream(number).expect("looked at above");
        stream.writer = None;
        let Some(peer) = stream.peer else {
            return Ok(Tried::Done(count));
        };
        if count > 0 && !self.fly(number, peer, Load::Bytes(bytes[..count].to_vec())) {
            // Nobody is there any more, and says so when the bytes have come.
            self.fly_back(number, Load::Reset);
        }
        Ok(Tried::Done(count))
    }

    /// Bytes that may be sent now.
    pub(crate) fn room_for(
        &mut self,
        number: u32,
        who: (usize, u32),
    ) -> Result<Tried<usize>, Errno> {
        let Some(stream) = self.stream(number) else {
            return Err(Errno::ENOTCONN);
        };
        stream.host = who.0;
        stream.writer = None;
        if !matches!(stream.phase, Phase::Open) {
            return Err(Errno::ENOTCONN);
        }
        if let Some(told) = &mut stream.reset {
            let first = !std::mem::replace(told, true);
            return Err(if first {
                Errno::ECONNRESET
            } else {
                Errno::EPIPE
            });
        }
        if stream.sends_no_more {
            return Err(Errno::EPIPE);
        }
        let peer = stream.peer;
        let room = match peer.and_then(|peer| self.stream(peer)) {
            Some(peer) => peer.window.saturating_sub(peer.used()),
            None => WINDOW,
        };
        if room == 0 {
            let stream = self.stream(number).expect("looked at above");
            stream.writer = Some(who);
            return Ok(Tried::NotYet);
        }
        Ok(Tried::Done(room))
    }

    /// Closes halves of a connection.
    pub(crate) fn shut(&mut self, number: u32, half: Half) -> Result<(), Errno> {
        let Some(stream) = self.stream(number) else {
            return Err(Errno::ENOTCONN);
        };
        if !matches!(stream.phase, Phase::Open) || stream.reset.is_some() {
            return Err(Errno::ENOTCONN);
        }
        let mut woken = [None, None];
        if matches!(half, Half::Read | Half::Both) {
            stream.reads_no_more = true;
            woken[0] = stream.reader.take();
        }
        let ends = matches!(half, Half::Write | Half::Both)
            && !std::mem::replace(&mut stream.sends_no_more, true);
        if ends {
            woken[1] = stream.writer.take();
        }
        let peer = stream.peer;
        for (host, slot) in woken.into_iter().flatten() {
            self.try_now(host, slot);
        }
        if let Some(peer) = peer.filter(|_| ends) {
            self.fly(number, peer, Load::End);
        }
        Ok(())
    }

    pub(super) fn close_stream(&mut self, mut stream: Stream) {
        // Bytes that nobody has read are answered with a reset, as the closer asks for.
        let rude = stream.resets_on_close || stream.used() > 0;
        let Some(peer) = stream.peer.take() else {
            return;
        };
        let Some(other) = self.stream(peer) else {
            return;
        };
        let other_host = other.host;
        let load = if rude {
            Load::Reset
        } else if stream.sends_no_more {
            return;
        } else {
            Load::End
        };
        let at = self.now + self.latency(stream.host, other_host);
        self.deliver(peer, at, load);
    }

    /// Both ends are reset, this one at once.
    fn reset_both(&mut self, number: u32) {
        let peer = self.stream(number).and_then(|stream| stream.peer);
        self.take_reset(number);
        if let Some(stream) = self.stream(number) {
            stream.reset = Some(true);
        }
        if let Some(peer) = peer {
            self.fly(number, peer, Load::Reset);
        }
    }

    /// Sends something to the other end; false if there is none any more.
    fn fly(&mut self, from: u32, to: u32, load: Load) -> bool {
        let from_host = self.stream(from).map_or(0, |stream| stream.host);
        let Some(target) = self.stream(to) else {
            return false;
        };
        let to_host = target.host;
        let transfer = match (&load, self.faults.network.bandwidth) {
            (_, 0) | (Load::End | Load::Reset, _) => 0,
            (Load::Bytes(bytes), bandwidth) => {
                bytes.len() as u64 * 1_000_000 / u64::from(bandwidth)
            }
        };
        let at = self.now + self.latency(from_host, to_host) + transfer;
        self.deliver(to, at, load);
        true
    }

    /// What comes back from where nobody is.
    fn fly_back(&mut self, number: u32, load: Load) {
        let host = self.stream(number).map_or(0, |stream| stream.host);
        let at = self.now + 2 * self.latency(host, host);
        self.deliver(number, at, load);
    }

    /// Lets something arrive, not before what was sent before it.
    fn deliver(&mut self, to: u32, at: Nanos, load: Load) {
        let stream = self.stream(to).expect("looked at by the caller");
        let at = stream.flying.back().map_or(at, |last| at.max(last.at));
        if let Load::Bytes(bytes) = &load {
            stream.flying_bytes += bytes.len();
        }
        stream.flying.push_back(Flight { at, load });
        self.schedule(at, Event::Arrive(to));
    }

    pub(super) fn arrive(&mut self, number: u32) {
        let now = self.now;
        let Some(stream) = self.stream(number) else {
            return;
        };
        let (host, peer) = (stream.host, stream.peer);
        let from = peer
            .and_then(|peer| self.stream(peer))
            .map(|peer| peer.host);
        let is_parted = from.is_some_and(|from| self.are_parted(from, host));
        let stream = self.stream(number).expect("looked at above");
        if is_parted {
            if let Some(first) = stream.flying.front_mut() {
                first.at = now + RESEND;
                let again = first.at;
                self.counters.resent_count += 1;
                self.schedule(again, Event::Arrive(number));
            }
            return;
        }
        let mut byte_count = 0;
        let mut is_reset = false;
        while stream.flying.front().is_some_and(|first| first.at <= now) {
            let flight = stream.flying.pop_front().expect("looked at above");
            match flight.load {
                Load::Bytes(bytes) => {
                    stream.flying_bytes -= bytes.len();
                    byte_count += bytes.len();
                    if !stream.reads_no_more {
                        stream.arrived.extend(bytes);
                    }
                }
                Load::End => stream.has_ended = true,
                Load::Reset => is_reset = true,
            }
        }
        let reader = stream.reader.take();
        self.counters.stream_bytes += byte_count as u64;
        if is_reset {
            self.take_reset(number);
        }
        if let Some((host, slot)) = reader {
            self.try_now(host, slot);
        }
    }

    fn take_reset(&mut self, number: u32) {
        let Some(stream) = self.stream(number) else {
            return;
        };
        stream.arrived.clear();
        stream.flying.clear();
        stream.flying_bytes = 0;
        stream.reset = stream.reset.or(Some(false));
        for (host, slot) in [stream.reader.take(), stream.writer.take()]
            .into_iter()
            .flatten()
        {
            self.try_now(host, slot);
        }
    }

    pub(super) fn room(&mut self, number: u32) {
        let writer = self.stream(number).and_then(|stream| stream.writer.take());
        if let Some((host, slot)) = writer {
            self.try_now(host, slot);
        }
    }
}
