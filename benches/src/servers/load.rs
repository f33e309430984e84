//! The load: a thread per core, each with its share of connections on one epoll instance. Two system calls
//! a request, and one for all that are answered at a time.

use super::cores::confine;
use super::histogram::Histogram;
use super::wire::{Exchange, Wire};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;
use tina_sim::run::Stopwatch;

/// Bytes of an answer, at most.
const ANSWER_BYTES_MAX: usize = 1024;
/// A server that says nothing for so long is given up.
const PATIENCE_SECONDS: i64 = 5;

/// What is asked of a server.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is asked.
    pub wire: Wire,
    /// Of whom.
    pub address: SocketAddr,
    /// Connections, of all threads.
    pub connections: usize,
    /// Seconds before anything is counted.
    pub warm_up: f64,
    /// Seconds of the measurement.
    pub seconds: f64,
    /// Where the load runs, a thread each.
    pub cores: Vec<usize>,
}

/// Asks, and checks every answer; says how long each took, in nanoseconds. `begun` and `ended` are called
/// around what is counted.
///
/// # Errors
/// A connection failed, or an answer was wrong.
pub fn run(plan: &Plan, begun: impl FnOnce(), ended: impl FnOnce()) -> Result<Histogram, String> {
    let mut workers = Vec::new();
    for number in 0..plan.cores.len() {
        workers.push(Worker::connect(plan, number)?);
    }
    let clock = Stopwatch::start();
    let end = plan.warm_up + plan.seconds;
    thread::scope(|scope| {
        let start = |(mut worker, &core): (Worker, &usize)| {
            let clock = &clock;
            scope.spawn(move || {
                confine(&[core])?;
                worker.ask(clock, plan.warm_up, end)?;
                Ok(worker.latency)
            })
        };
        let started: Vec<_> = workers.into_iter().zip(&plan.cores).map(start).collect();
        wait_until(&clock, plan.warm_up);
        begun();
        wait_until(&clock, end);
        ended();
        let mut latency = Histogram::default();
        for worker in started {
            let asked: Result<Histogram, String> =
                worker.join().map_err(|_| "the load panicked".to_owned())?;
            latency.merge(&asked?);
        }
        Ok(latency)
    })
}

fn wait_until(clock: &Stopwatch, at: f64) {
    loop {
        let left = at - clock.seconds();
        if left <= 0.0 {
            return;
        }
        thread::park_timeout(Duration::from_secs_f64(left));
    }
}

fn nanos(clock: &Stopwatch) -> u64 {
    (clock.seconds() * 1e9) as u64
}

/// A connection and what it waits for.
struct Client {
    stream: TcpStream,
    exchanges: Vec<Exchange>,
    /// Which of them is asked.
    next: usize,
    asked_at: u64,
    answer: Vec<u8>,
}

impl Client {
    fn connect(plan: &Plan, number: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(plan.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            exchanges: plan.wire.exchanges(number),
            next: 0,
            asked_at: 0,
            answer: Vec::with_capacity(ANSWER_BYTES_MAX),
        })
    }

    fn ask(&mut self, now: u64) -> Result<(), String> {
        let request = &self.exchanges[self.next].request;
        self.asked_at = now;
        match self.stream.write(request) {
            Ok(count) if count == request.len() => Ok(()),
            Ok(_) => Err("a request did not fit into an empty connection".to_owned()),
            Err(error) => Err(format!("a request could not be sent: {error}")),
        }
    }

    /// Takes in what has arrived; whether the answer is whole.
    fn listen(&mut self) -> Result<bool, String> {
        let mut bytes = [0; ANSWER_BYTES_MAX];
        let count = match self.stream.read(&mut bytes) {
            Ok(0) => return Err("the server has closed a connection".to_owned()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(format!("an answer could not be received: {error}")),
        };
        self.answer.extend_from_slice(&bytes[..count]);
        let is_whole = self.exchanges[self.next].is_answered_by(&self.answer)?;
        if is_whole {
            self.answer.clear();
            self.next = (self.next + 1) % self.exchanges.len();
        }
        Ok(is_whole)
    }
}

/// The connections of one thread.
struct Worker {
    epoll: OwnedFd,
    clients: Vec<Client>,
    latency: Histogram,
}

impl Worker {
    fn connect(plan: &Plan, number: usize) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("connecting: {error}");
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed(&error))?;
        let mut clients = Vec::new();
        for connection in (number..plan.connections).step_by(plan.cores.len()) {
            let client = Client::connect(plan, connection).map_err(|error| failed(&error))?;
            let place = epoll::EventData::new_u64(clients.len() as u64);
            epoll::add(&epoll, &client.stream, place, epoll::EventFlags::IN)
                .map_err(|error| failed(&error))?;
            clients.push(client);
        }
        Ok(Self {
            epoll,
            clients,
            latency: Histogram::default(),
        })
    }

    /// Asks until `end`, and counts what is answered from `start` on, both in seconds.
    fn ask(&mut self, clock: &Stopwatch, start: f64, end: f64) -> Result<(), String> {
        let (start, end) = ((start * 1e9) as u64, (end * 1e9) as u64);
        let patience = epoll_timeout();
        for client in &mut self.clients {
            client.ask(nanos(clock))?;
        }
        let mut events = Vec::with_capacity(self.clients.len().max(1));
        while !self.clients.is_empty() {
            events.clear();
            let waited = epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&patience));
            match waited {
                Ok(0) => return Err(format!("no answer for {PATIENCE_SECONDS} s")),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(format!("epoll_wait: {error}")),
            }
            for event in &events {
                let client = &mut self.clients[event.data.u64() as usize];
                if !client.listen()? {
                    continue;
                }
                let now = nanos(clock);
                if now >= end {
                    return Ok(());
                }
                if now >= start {
                    self.latency.add(now - client.asked_at);
                }
                client.ask(now)?;
            }
        }
        Ok(())
    }
}

fn epoll_timeout() -> Timespec {
    Timespec {
        tv_sec: PATIENCE_SECONDS,
        tv_nsec: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Gives back what it receives, or what is a byte off.
    fn server(is_right: bool) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::Builder::new()
            .spawn(move || {
                for stream in listener.incoming().take(2).flatten() {
                    thread::Builder::new()
                        .spawn(move || {
                            let (mut from, mut to) = (&stream, &stream);
                            let mut bytes = [0; 256];
                            while let Ok(count @ 1..) = from.read(&mut bytes) {
                                bytes[0] ^= u8::from(!is_right);
                                let _gone = to.write_all(&bytes[..count]);
                            }
                        })
                        .unwrap();
                }
            })
            .unwrap();
        address
    }

    fn ask(is_right: bool) -> Result<Histogram, String> {
        let plan = Plan {
            wire: Wire::Echo,
            address: server(is_right),
            connections: 2,
            warm_up: 0.0,
            seconds: 0.1,
            cores: super::super::cores::Cores::share(None).map_or(vec![0], |cores| cores.load),
        };
        run(&plan, || {}, || {})
    }

    #[test]
    fn answers_are_counted_and_checked() {
        assert!(ask(true).unwrap().count() > 0);
        assert!(ask(false).unwrap_err().contains("the server answered"));
    }
}
