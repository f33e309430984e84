//! Datagrams: each may be lost, doubled, late, or overtaken.

use super::super::errno::Errno;
use super::stream::Tried;
use super::{ELSEWHERE, Event, Object, State};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Datagrams that wait at a socket; one more is lost.
const WAITING_MAX: usize = 256;
/// Bytes of a datagram, at most.
const BYTES_MAX: usize = 65_507;

pub(super) struct Datagrams {
    pub(super) address: SocketAddr,
    host: usize,
    reuse_port: bool,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<(usize, u32)>,
}

impl State {
    fn datagrams_of(&mut self, number: u32) -> Option<&mut Datagrams> {
        match &mut self.objects.get_mut(&number)?.object {
            Object::Datagrams(socket) => Some(socket),
            Object::Stream(_) | Object::Listener(_) | Object::File(_) => None,
        }
    }

    pub(crate) fn bind(
        &mut self,
        host: usize,
        address: SocketAddr,
        reuse_port: bool,
    ) -> Result<u32, Errno> {
        let address = self.with_port(address);
        let others = self.datagrams.get(&address).cloned().unwrap_or_default();
        let all_share = reuse_port
            && others.iter().all(|&other| {
                self.datagrams_of(other)
                    .is_some_and(|socket| socket.reuse_port)
            });
        if !others.is_empty() && !all_share {
            return Err(Errno::EADDRINUSE);
        }
        let number = self.add(Object::Datagrams(Datagrams {
            address,
            host,
            reuse_port,
            waiting: VecDeque::new(),
            reader: None,
        }));
        self.datagrams.entry(address).or_default().push(number);
        Ok(number)
    }

    pub(super) fn close_datagrams(&mut self, number: u32, socket: &Datagrams) {
        if let Some(numbers) = self.datagrams.get_mut(&socket.address) {
            numbers.retain(|&other| other != number);
            if numbers.is_empty() {
                self.datagrams.remove(&socket.address);
            }
        }
    }

    pub(crate) fn send_to(
        &mut self,
        number: u32,
        host: usize,
        bytes: &[u8],
        to: SocketAddr,
    ) -> Result<usize, Errno> {
        let socket = self.datagrams_of(number).ok_or(Errno::ENOTSOCK)?;
        socket.host = host;
        let from = socket.address;
        if bytes.len() > BYTES_MAX {
            return Err(Errno::EMSGSIZE);
        }
        if self.draws(self.faults.network.loss) {
            self.counters.lost_count += 1;
            return Ok(bytes.len());
        }
        let mut copies = 1;
        if self.draws(self.faults.network.double) {
            self.counters.doubled_count += 1;
            copies = 2;
        }
        for _ in 0..copies {
            let at = self.now + self.latency(host, ELSEWHERE);
            let event = Event::Datagram {
                to,
                from,
                from_host: host,
                bytes: bytes.to_vec(),
            };
            self.schedule(at, event);
        }
        Ok(bytes.len())
    }

    pub(super) fn datagram_arrives(
        &mut self,
        to: SocketAddr,
        from: SocketAddr,
        from_host: usize,
        bytes: Vec<u8>,
    ) {
        let takes = |address: &SocketAddr| {
            address.port() == to.port()
                && (address.ip() == to.ip() || address.ip().is_unspecified())
        };
        let sockets = self.datagrams.iter().filter(|(address, _)| takes(address));
        let numbers: Vec<u32> = sockets.flat_map(|(_, numbers)| numbers.clone()).collect();
        if numbers.is_empty() {
            return;
        }
        let pick = self.random.below(numbers.len() as u64) as usize;
        let socket = self.datagrams_of(numbers[pick]).expect("found just now");
        let (host, is_full) = (socket.host, socket.waiting.len() >= WAITING_MAX);
        if is_full || self.are_parted(from_host, host) {
            self.counters.lost_count += 1;
            return;
        }
        let socket = self.datagrams_of(numbers[pick]).expect("found just now");
        socket.waiting.push_back((from, bytes));
        if let Some((host, slot)) = socket.reader.take() {
            self.try_now(host, slot);
        }
    }

    /// The next datagram and its sender.
    pub(crate) fn receive_from(
        &mut self,
        number: u32,
        who: (usize, u32),
    ) -> Result<Tried<(SocketAddr, Vec<u8>)>, Errno> {
        let socket = self.datagrams_of(number).ok_or(Errno::ENOTSOCK)?;
        socket.host = who.0;
        socket.reader = None;
        match socket.waiting.pop_front() {
            Some(datagram) => Ok(Tried::Done(datagram)),
            None => {
                socket.reader = Some(who);
                Ok(Tried::NotYet)
            }
        }
    }

    /// Whether a datagram waits.
    pub(crate) fn has_datagram(&mut self, number: u32) -> bool {
        self.datagrams_of(number)
            .is_none_or(|socket| !socket.waiting.is_empty())
    }
}
