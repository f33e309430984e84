//! Who listens, who asks for a connection, and what comes of it.

use super::super::errno::Errno;
use super::super::socket::{ListenOptions, SocketOption};
use super::stream::{Phase, Stream, Tried};
use super::{ELSEWHERE, Event, Nanos, Object, Place, State};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A connection that nobody answers is asked for again after so long, and after so many times given up.
const ASK_AGAIN: Nanos = 200_000_000;
const ASKS_MAX: u32 = 7;

pub(super) struct Listener {
    place: Place,
    host: usize,
    reuse_port: bool,
    backlog_max: usize,
    window: Option<usize>,
    /// Connections that wait to be accepted.
    backlog: VecDeque<u32>,
    acceptor: Option<(usize, u32)>,
}

impl State {
    fn listener(&mut self, number: u32) -> Option<&mut Listener> {
        match &mut self.objects.get_mut(&number)?.object {
            Object::Listener(listener) => Some(listener),
            Object::Stream(_) | Object::Datagrams(_) | Object::File(_) => None,
        }
    }

    pub(crate) fn listen(
        &mut self,
        host: usize,
        place: Place,
        options: &ListenOptions,
    ) -> Result<u32, Errno> {
        let place = match place {
            Place::Internet(address) => Place::Internet(self.with_port(address)),
            Place::Unix(path) => Place::Unix(path),
        };
        let others = self.listeners.get(&place).cloned().unwrap_or_default();
        let all_share = options.reuse_port
            && others.iter().all(|&other| {
                self.listener(other)
                    .is_some_and(|listener| listener.reuse_port)
            });
        if !others.is_empty() && !all_share {
            return Err(Errno::EADDRINUSE);
        }
        let number = self.add(Object::Listener(Listener {
            place: place.clone(),
            host,
            reuse_port: options.reuse_port,
            backlog_max: options.backlog.max(1) as usize,
            window: (options.buffer_bytes > 0).then_some(options.buffer_bytes as usize),
            backlog: VecDeque::new(),
            acceptor: None,
        }));
        self.listeners.entry(place).or_default().push(number);
        Ok(number)
    }

    pub(super) fn close_listener(&mut self, number: u32, listener: Listener) {
        if let Some(numbers) = self.listeners.get_mut(&listener.place) {
            numbers.retain(|&other| other != number);
            if numbers.is_empty() {
                self.listeners.remove(&listener.place);
            }
        }
        // Whoever was not accepted finds the connection reset.
        for waiting in listener.backlog {
            if let Some(stream) = self.stream(waiting) {
                stream.resets_on_close = true;
                self.close(waiting);
            }
        }
    }

    /// The next connection, under its number.
    pub(crate) fn accept(&mut self, number: u32, who: (usize, u32)) -> Result<Tried<u32>, Errno> {
        let Some(listener) = self.listener(number) else {
            return Err(Errno::EINVAL);
        };
        listener.host = who.0;
        listener.acceptor = None;
        match listener.backlog.pop_front() {
            Some(stream) => {
                if let Some(stream) = self.stream(stream) {
                    stream.host = who.0;
                }
                Ok(Tried::Done(stream))
            }
            None => {
                listener.acceptor = Some(who);
                Ok(Tried::NotYet)
            }
        }
    }

    /// Asks for a connection, or what has come of it.
    pub(crate) fn connect(
        &mut self,
        number: u32,
        who: (usize, u32),
        to: Place,
    ) -> Result<Tried<()>, Errno> {
        let Some(stream) = self.stream(number) else {
            return Err(Errno::EBADF);
        };
        stream.host = who.0;
        match std::mem::replace(&mut stream.phase, Phase::Asking) {
            Phase::Fresh => {
                stream.remote = Some(to);
                stream.asker = Some(who);
                let at = self.now + self.latency(who.0, ELSEWHERE);
                self.schedule(at, Event::Knock { number, attempt: 1 });
                Ok(Tried::NotYet)
            }
            Phase::Asking => {
                stream.asker = Some(who);
                Ok(Tried::NotYet)
            }
            Phase::Answered(Ok(())) | Phase::Open => {
                stream.phase = Phase::Open;
                Ok(Tried::Done(()))
            }
            Phase::Answered(Err(errno)) => Err(errno),
        }
    }

    pub(super) fn knock(&mut self, number: u32, attempt: u32) {
        let Some(stream) = self.stream(number) else {
            return;
        };
        let (host, to) = (stream.host, stream.remote.clone());
        let Some(to) = to else {
            return;
        };
        let listeners = self.listeners_at(&to);
        if listeners.is_empty() {
            let refused = match to {
                Place::Internet(_) => Errno::ECONNREFUSED,
                Place::Unix(_) => Errno::ENOENT,
            };
            return self.answer(number, Err(refused));
        }
        let pick = self.random.below(listeners.len() as u64) as usize;
        let listener_number = listeners[pick];
        let listener = self.listener(listener_number).expect("found just now");
        let is_full = listener.backlog.len() >= listener.backlog_max;
        let there = listener.host;
        if is_full || self.are_parted(host, there) {
            self.counters.resent_count += 1;
            return self.ask_again(number, attempt);
        }
        if self.draws(self.faults.network.refuse) {
            self.counters.refused_count += 1;
            return self.answer(number, Err(Errno::ECONNREFUSED));
        }
        self.make_connection(number, listener_number, to);
    }

    fn ask_again(&mut self, number: u32, attempt: u32) {
        if attempt >= ASKS_MAX {
            return self.answer(number, Err(Errno::ETIMEDOUT));
        }
        let wait = ASK_AGAIN << attempt.min(6);
        let attempt = attempt + 1;
        self.schedule(self.now + wait, Event::Knock { number, attempt });
    }

    fn make_connection(&mut self, number: u32, listener_number: u32, to: Place) {
        let local = match &to {
            Place::Internet(address) => {
                let mut local = *address;
                local.set_port(self.free_port());
                Place::Internet(local)
            }
            Place::Unix(_) => Place::Unix(Vec::new()),
        };
        let listener = self.listener(listener_number).expect("found just now");
        let (there, window) = (listener.host, listener.window);
        let mut other = Stream::new(there);
        other.phase = Phase::Open;
        other.local = Some(to);
        other.remote = Some(local.clone());
        other.peer = Some(number);
        other.window = window.unwrap_or(other.window);
        let other_number = self.add(Object::Stream(Box::new(other)));
        let stream = self.stream(number).expect("looked at by the caller");
        stream.local = Some(local);
        stream.peer = Some(other_number);
        self.counters.connection_count += 1;
        let listener = self.listener(listener_number).expect("found just now");
        listener.backlog.push_back(other_number);
        if let Some((host, slot)) = listener.acceptor.take() {
            self.try_now(host, slot);
        }
        self.answer(number, Ok(()));
    }

    /// The answer to who asks for a connection sets out.
    fn answer(&mut self, number: u32, result: Result<(), Errno>) {
        let host = self.stream(number).map_or(0, |stream| stream.host);
        let at = self.now + self.latency(host, ELSEWHERE);
        self.schedule(at, Event::Connected { number, result });
    }

    pub(super) fn connected(&mut self, number: u32, result: Result<(), Errno>) {
        let Some(stream) = self.stream(number) else {
            return;
        };
        stream.phase = Phase::Answered(result);
        if let Some((host, slot)) = stream.asker.take() {
            self.try_now(host, slot);
        }
    }

    /// Who listens at a place, or for all places of its port.
    fn listeners_at(&self, to: &Place) -> Vec<u32> {
        let found = self
            .listeners
            .iter()
            .filter(|(place, _)| match (place, to) {
                (Place::Internet(place), Place::Internet(to)) => {
                    place.port() == to.port()
                        && (place.ip() == to.ip() || place.ip().is_unspecified())
                }
                (place, to) => *place == to,
            });
        found
            .flat_map(|(_, numbers)| numbers.iter().copied())
            .collect()
    }

    /// Sets an option; those that change nothing in a simulated world are taken.
    pub(crate) fn set_option(&mut self, number: u32, option: SocketOption) -> Result<(), Errno> {
        if let Some(Object::File(_)) = self.objects.get(&number).map(|entry| &entry.object) {
            return Err(Errno::ENOTSOCK);
        }
        if let Some(stream) = self.stream(number) {
            match option {
                SocketOption::ResetOnClose(on) => stream.resets_on_close = on,
                SocketOption::ReceiveBuffer(bytes) => stream.window = bytes.max(1) as usize,
                SocketOption::SendBuffer(_)
                | SocketOption::NoDelay(_)
                | SocketOption::KeepAlive(_) => {}
            }
        }
        Ok(())
    }

    /// Where a socket is, if that is on the internet.
    pub(crate) fn local_address(&mut self, number: u32) -> Result<SocketAddr, Errno> {
        let place = match &self.objects.get(&number).ok_or(Errno::EBADF)?.object {
            Object::Stream(stream) => stream.local.clone(),
            Object::Listener(listener) => Some(listener.place.clone()),
            Object::Datagrams(socket) => Some(Place::Internet(socket.address)),
            Object::File(_) => return Err(Errno::ENOTSOCK),
        };
        internet(place)
    }

    /// Where the other end of a connection is, if that is on the internet.
    pub(crate) fn peer_address(&mut self, number: u32) -> Result<SocketAddr, Errno> {
        match self.stream(number) {
            Some(stream) if matches!(stream.phase, Phase::Open) => internet(stream.remote.clone()),
            Some(_) | None => Err(Errno::ENOTCONN),
        }
    }
}

fn internet(place: Option<Place>) -> Result<SocketAddr, Errno> {
    match place {
        Some(Place::Internet(address)) => Ok(address),
        Some(Place::Unix(_)) => Err(Errno::EAFNOSUPPORT),
        None => Err(Errno::ENOTCONN),
    }
}
