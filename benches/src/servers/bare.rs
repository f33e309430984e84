//! The echo server without a runtime: one thread, one epoll instance, a read and a write. What any server that
//! waits for readiness has to do, and nothing else: no isolates, no limits, no time limits, no supervision.

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};

/// Serves until the standard input ends.
///
/// # Errors
/// The system refuses.
pub fn serve() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let watch = |file: std::os::fd::BorrowedFd<'_>| {
        let data = epoll::EventData::new_u64(file.as_raw_fd() as u64);
        epoll::add(&epoll, file, data, epoll::EventFlags::IN)
    };
    let input = std::io::stdin();
    watch(listener.as_fd())?;
    watch(input.as_fd())?;
    println!("listening {}", listener.local_addr()?);
    let mut connections: BTreeMap<u64, TcpStream> = BTreeMap::new();
    let mut events = Vec::with_capacity(256);
    loop {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            let event: &epoll::Event = event;
            let number = event.data.u64();
            if let Some(connection) = connections.get_mut(&number) {
                if !echo(connection) {
                    connections.remove(&number);
                }
            } else if number == input.as_raw_fd() as u64 {
                return Ok(());
            } else {
                let (connection, _) = listener.accept()?;
                connection.set_nodelay(true)?;
                connection.set_nonblocking(true)?;
                watch(connection.as_fd())?;
                connections.insert(connection.as_raw_fd() as u64, connection);
            }
        }
    }
}

/// Whether it goes on. What does not fit into the connection at once is an error here.
fn echo(connection: &mut TcpStream) -> bool {
    let mut bytes = [0; 4096];
    match connection.read(&mut bytes) {
        Ok(0) => false,
        Ok(count) => connection.write_all(&bytes[..count]).is_ok(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
