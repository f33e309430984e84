//! What is done to sockets at once, because it never waits: making them, options, addresses,
//! half-close.
//!
//! Every socket is close-on-exec and does not block: a helper thread that sends a file must never
//! be held up by a slow peer.

use super::errno::Errno;
use super::operation::Refusal;
use rustix::net::sockopt;
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType,
};
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

/// How a socket listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenOptions {
    /// Connections that wait to be accepted.
    pub backlog: u32,
    /// Several sockets, one a shard, share the port, and the kernel spreads connections over them.
    pub reuse_port: bool,
    /// Bytes the kernel buffers for each accepted connection and direction; 0 for its default.
    pub buffer_bytes: u32,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_port: false,
            buffer_bytes: 0,
        }
    }
}

/// An option of an open socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketOption {
    /// Small writes are sent at once (`TCP_NODELAY`).
    NoDelay(bool),
    /// Idle connections are probed (`SO_KEEPALIVE`).
    KeepAlive(bool),
    /// Bytes the kernel buffers before they are sent (`SO_SNDBUF`).
    SendBuffer(u32),
    /// Bytes the kernel buffers before they are received (`SO_RCVBUF`).
    ReceiveBuffer(u32),
    /// Closing resets the connection and drops what was not sent (`SO_LINGER` of zero).
    ResetOnClose(bool),
}

/// Which half of a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// Nothing more is received.
    Read,
    /// Nothing more is sent: the peer sees the end of the stream.
    Write,
    /// Both.
    Both,
}

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

fn family(address: &SocketAddr) -> AddressFamily {
    match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    }
}

pub(crate) fn stream_for(address: &SocketAddr) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket_with(family(address), SocketType::STREAM, FLAGS, None);
    Ok(socket?)
}

pub(crate) fn unix_stream() -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, FLAGS, None);
    Ok(socket?)
}

pub(crate) fn listen(address: SocketAddr, options: &ListenOptions) -> Result<OwnedFd, Errno> {
    let socket = stream_for(&address)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if options.reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    if options.buffer_bytes > 0 {
        // Accepted sockets inherit it, and the window is agreed on before they are accepted.
        sockopt::set_socket_send_buffer_size(&socket, options.buffer_bytes as usize)?;
        sockopt::set_socket_recv_buffer_size(&socket, options.buffer_bytes as usize)?;
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, backlog(options))?;
    Ok(socket)
}

/// The path must not exist yet.
pub(crate) fn listen_unix(path: &[u8], options: &ListenOptions) -> Result<OwnedFd, Refusal> {
    let address = SocketAddrUnix::new(path).map_err(|_| Refusal::BadPath)?;
    let socket = unix_stream().map_err(Refusal::System)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, backlog(options))?;
    Ok(socket)
}

pub(crate) fn bind(address: SocketAddr, reuse_port: bool) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::socket_with(family(&address), SocketType::DGRAM, FLAGS, None)?;
    if reuse_port {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

fn backlog(options: &ListenOptions) -> i32 {
    i32::try_from(options.backlog).unwrap_or(i32::MAX)
}

pub(crate) fn set_option(socket: BorrowedFd<'_>, option: SocketOption) -> Result<(), Errno> {
    match option {
        SocketOption::NoDelay(on) => sockopt::set_tcp_nodelay(socket, on),
        SocketOption::KeepAlive(on) => sockopt::set_socket_keepalive(socket, on),
        SocketOption::SendBuffer(bytes) => {
            sockopt::set_socket_send_buffer_size(socket, bytes as usize)
        }
        SocketOption::ReceiveBuffer(bytes) => {
            sockopt::set_socket_recv_buffer_size(socket, bytes as usize)
        }
        SocketOption::ResetOnClose(on) => {
            sockopt::set_socket_linger(socket, on.then_some(Duration::ZERO))
        }
    }?;
    Ok(())
}

pub(crate) fn shut(socket: BorrowedFd<'_>, half: Half) -> Result<(), Errno> {
    let how = match half {
        Half::Read => Shutdown::Read,
        Half::Write => Shutdown::Write,
        Half::Both => Shutdown::Both,
    };
    Ok(rustix::net::shutdown(socket, how)?)
}

pub(crate) fn local_address(socket: BorrowedFd<'_>) -> Result<SocketAddr, Errno> {
    internet(Some(rustix::net::getsockname(socket)?))
}

pub(crate) fn peer_address(socket: BorrowedFd<'_>) -> Result<SocketAddr, Errno> {
    internet(rustix::net::getpeername(socket)?)
}

fn internet(address: Option<SocketAddrAny>) -> Result<SocketAddr, Errno> {
    let address = address.and_then(|address| SocketAddr::try_from(address).ok());
    address.ok_or(Errno::EAFNOSUPPORT)
}
