//! Clients, many times as many as there is room for: each connects, has a few things echoed, goes, and comes
//! again. Whoever is turned away comes again at once.

use crate::servers::histogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use tina_sim::run::Stopwatch;

/// What is echoed.
const SAID: &[u8; 32] = b"what is said comes back as it is";
/// How often in one connection.
const ECHOES: u32 = 20;
/// Seconds without any news after which something is wrong.
const PATIENCE_SECONDS: i64 = 20;

/// What came of the clients.
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    /// Connections made.
    pub connected: u64,
    /// Of these, served to their end.
    pub served: u64,
    /// Closed before anything was echoed.
    pub turned_away: u64,
    /// Closed between two echoes, which must not be.
    pub cut: u64,
    /// Nanoseconds of an echo.
    pub latency: Histogram,
}

struct Visitor {
    stream: TcpStream,
    heard: usize,
    echoes: u32,
    said_at: u64,
}

/// What a look at a visitor shows.
enum News {
    None,
    Echo,
    Closed,
}

impl Visitor {
    fn connect(address: SocketAddr, now: u64) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut visitor = Self {
            stream,
            heard: 0,
            echoes: 0,
            said_at: now,
        };
        visitor.say(now);
        Ok(visitor)
    }

    /// One that is gone by now is seen to be when it is listened to.
    fn say(&mut self, now: u64) {
        self.said_at = now;
        let _seen_later = self.stream.write(SAID);
    }

    fn listen(&mut self) -> Result<News, String> {
        let mut bytes = [0; SAID.len()];
        match self.stream.read(&mut bytes[self.heard..]) {
            Ok(0) => Ok(News::Closed),
            Ok(count) => {
                let heard = self.heard..self.heard + count;
                if bytes[heard.clone()] != SAID[heard] {
                    return Err("something else came back than was said".to_owned());
                }
                self.heard += count;
                if self.heard < SAID.len() {
                    return Ok(News::None);
                }
                self.heard = 0;
                Ok(News::Echo)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(News::None),
            Err(_) => Ok(News::Closed),
        }
    }
}

/// Keeps `count` clients at it for so many seconds.
///
/// # Errors
/// An echo was wrong, or the system refused.
pub fn run(address: SocketAddr, count: usize, seconds: f64) -> Result<Crowd, String> {
    let clock = Stopwatch::start();
    let nanos = || (clock.seconds() * 1e9) as u64;
    let failed = |error: io::Error| format!("connecting: {error}");
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
    let mut crowd = Crowd::default();
    let mut visitors = Vec::with_capacity(count);
    for place in 0..count {
        let visitor = enter(&epoll, (place, address), nanos()).map_err(failed)?;
        visitors.push(Some(visitor));
        crowd.connected += 1;
    }
    let mut events: Vec<epoll::Event> = Vec::with_capacity(count);
    let patience = Timespec {
        tv_sec: PATIENCE_SECONDS,
        tv_nsec: 0,
    };
    let mut here = count;
    while here > 0 {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), Some(&patience)) {
            Ok(0) => {
                return Err(format!(
                    "{here} clients hear nothing for {PATIENCE_SECONDS} s"
                ));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("epoll_wait: {error}")),
        }
        for event in &events {
            let place = event.data.u64() as usize;
            let Some(visitor) = &mut visitors[place] else {
                continue;
            };
            let is_over = look(visitor, &mut crowd, nanos())?;
            if !is_over {
                continue;
            }
            // Closing takes it out of the epoll instance.
            visitors[place] = None;
            here -= 1;
            if clock.seconds() < seconds {
                let again = enter(&epoll, (place, address), nanos()).map_err(failed)?;
                visitors[place] = Some(again);
                crowd.connected += 1;
                here += 1;
            }
        }
    }
    Ok(crowd)
}

fn enter(epoll: &OwnedFd, (place, address): (usize, SocketAddr), now: u64) -> io::Result<Visitor> {
    let visitor = Visitor::connect(address, now)?;
    let data = epoll::EventData::new_u64(place as u64);
    epoll::add(epoll, &visitor.stream, data, epoll::EventFlags::IN)?;
    Ok(visitor)
}

/// Whether the visit is over.
fn look(visitor: &mut Visitor, crowd: &mut Crowd, now: u64) -> Result<bool, String> {
    match visitor.listen()? {
        News::None => Ok(false),
        News::Closed if visitor.echoes == 0 => {
            crowd.turned_away += 1;
            Ok(true)
        }
        News::Closed => {
            crowd.cut += 1;
            Ok(true)
        }
        News::Echo => {
            crowd.latency.add(now - visitor.said_at);
            visitor.echoes += 1;
            if visitor.echoes == ECHOES {
                crowd.served += 1;
                return Ok(true);
            }
            visitor.say(now);
            Ok(false)
        }
    }
}
