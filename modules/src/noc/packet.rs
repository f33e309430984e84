//! The packet of the traffic experiments: where it goes, where it comes from, when it was made.
//!
//! ```text
//!   bit 63                        24 23        12 11         0
//!       | cycle of creation          | source     | destination |
//! ```

use super::router::Routed;
use serde::{Deserialize, Serialize};
use tina_engine::{Cycle, Field, FieldValues, Signal, absorb};

/// The most nodes that a [`Packet`] can address.
pub const PACKET_NODES_MAX: u32 = 1 << NODE_BITS;

const NODE_BITS: u32 = 12;
const NODE_MASK: u64 = (1 << NODE_BITS) - 1;

/// A packet of one flit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet(u64);

impl Packet {
    /// A packet made in cycle `created`, below 2⁴⁰; nodes are below [`PACKET_NODES_MAX`].
    #[inline(always)]
    #[must_use]
    pub fn new(destination: u32, source: u32, created: Cycle) -> Self {
        debug_assert!(destination < PACKET_NODES_MAX && source < PACKET_NODES_MAX);
        let (destination, source) = (u64::from(destination), u64::from(source));
        Self(destination | source << NODE_BITS | created << (2 * NODE_BITS))
    }

    /// The cycle in which it was made.
    #[inline(always)]
    #[must_use]
    pub fn created(self) -> Cycle {
        self.0 >> (2 * NODE_BITS)
    }

    /// Its parts in one word with node fields of `node_bits` bits, destination lowest.
    #[inline(always)]
    #[must_use]
    pub fn word(self, node_bits: u32) -> u64 {
        let destination = self.0 & NODE_MASK;
        let source = (self.0 >> NODE_BITS) & NODE_MASK;
        destination | source << node_bits | self.created() << (2 * node_bits)
    }
}

impl Signal for Packet {
    const NAME: &'static str = "Packet";
    const BITS: u32 = 64;
    const FIELDS: &'static [Field] = &[
        Field::new("created", 64 - 2 * NODE_BITS),
        Field::new("source", NODE_BITS),
        Field::new("destination", NODE_BITS),
    ];
    #[inline(always)]
    fn absorb_into(&self, digest: u64) -> u64 {
        absorb(digest, self.0)
    }
    tina_engine::saved_by_serde!();
    #[inline]
    fn fields_into(&self, fields: &mut FieldValues<'_>) {
        fields.number(self.created());
        fields.number(self.0 >> NODE_BITS & NODE_MASK);
        fields.number(self.0 & NODE_MASK);
    }
}

impl Routed for Packet {
    const ROUTER_KIND: &'static str = "noc.router";
    const NODE_FIELDS: &'static [&'static str] = &["source", "destination"];
    #[inline(always)]
    fn destination(&self) -> u32 {
        (self.0 & NODE_MASK) as u32
    }
    #[inline(always)]
    fn greatest_node(&self) -> u32 {
        let source = (self.0 >> NODE_BITS & NODE_MASK) as u32;
        self.destination().max(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_in_either_width() {
        let packet = Packet::new(0x12, 0x34, 0x5_6789);
        assert_eq!((packet.destination(), packet.created()), (0x12, 0x5_6789));
        assert_eq!(packet.word(8), 0x0005_6789_3412);
        assert_eq!(packet.word(12), 0x0567_8903_4012);
    }
}
