//! Addresses of sockets as the bytes the kernel reads and writes, for what goes by pointer.
//!
//! ```text
//!   IPv4   family:2 port:2 (big end first) address:4 zero:8                     16 bytes
//!   IPv6   family:2 port:2 flow:4 address:16 scope:4                            28 bytes
//!   unix   family:2 path zero                                             up to 110 bytes
//! ```

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Bytes of the longest address.
const BYTES_MAX: usize = 112;

/// Bytes of the longest path of a unix socket, its zero byte not counted.
pub(crate) const UNIX_PATH_MAX: usize = 107;

/// An address as the kernel has it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct RawAddress {
    pub(crate) bytes: [u8; BYTES_MAX],
    pub(crate) length: u32,
}

impl RawAddress {
    /// Room for the kernel to write one.
    pub(crate) const EMPTY: Self = Self {
        bytes: [0; BYTES_MAX],
        length: BYTES_MAX as u32,
    };

    pub(crate) fn of(address: SocketAddr) -> Self {
        let mut raw = Self::EMPTY;
        raw.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(address) => {
                raw.set_family(libc::AF_INET);
                raw.bytes[4..8].copy_from_slice(&address.ip().octets());
                raw.length = 16;
            }
            SocketAddr::V6(address) => {
                raw.set_family(libc::AF_INET6);
                raw.bytes[4..8].copy_from_slice(&address.flowinfo().to_ne_bytes());
                raw.bytes[8..24].copy_from_slice(&address.ip().octets());
                raw.bytes[24..28].copy_from_slice(&address.scope_id().to_ne_bytes());
                raw.length = 28;
            }
        }
        raw
    }

    /// Of a path without a zero byte in it, if it is short enough.
    pub(crate) fn of_path(path: &[u8]) -> Option<Self> {
        if path.is_empty() || path.len() > UNIX_PATH_MAX {
            return None;
        }
        let mut raw = Self::EMPTY;
        raw.set_family(libc::AF_UNIX);
        raw.bytes[2..2 + path.len()].copy_from_slice(path);
        raw.length = (2 + path.len() + 1) as u32;
        Some(raw)
    }

    /// As an internet address, if it is one.
    pub(crate) fn decode(&self) -> Option<SocketAddr> {
        let [low, high, port_high, port_low, ..] = self.bytes;
        let port = u16::from_be_bytes([port_high, port_low]);
        match i32::from(u16::from_ne_bytes([low, high])) {
            libc::AF_INET => {
                let ip: [u8; 4] = self.array(4);
                Some(SocketAddrV4::new(Ipv4Addr::from(ip), port).into())
            }
            libc::AF_INET6 => {
                let ip: [u8; 16] = self.array(8);
                let flow = u32::from_ne_bytes(self.array(4));
                let scope = u32::from_ne_bytes(self.array(24));
                Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope).into())
            }
            _ => None,
        }
    }

    fn set_family(&mut self, family: i32) {
        let family = u16::try_from(family).expect("families are small numbers");
        self.bytes[..2].copy_from_slice(&family.to_ne_bytes());
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.bytes[at..].first_chunk().expect("inside an address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for text in ["127.0.0.1:80", "[::1]:65535", "[fe80::1%3]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::of(address).decode(), Some(address));
        }
        assert!(RawAddress::of_path(b"").is_none());
        assert!(RawAddress::of_path(&[b'a'; 108]).is_none());
        let path = RawAddress::of_path(&[b'a'; 107]).unwrap();
        assert_eq!((path.length, path.decode()), (110, None));
    }
}
