//! All kinds of this crate, one line each, family by family.

use crate::{accel, flow, io, math, memory, noc, riscv, transform};
use tina_engine::Catalogue;

/// Every kind of this crate. Add your own with [`Catalogue::with`].
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue::new()
        // flow
        .with::<flow::Source>()
        .with::<flow::Sink>()
        .with::<flow::Checksum>()
        .with::<flow::Fork>()
        .with::<flow::Join>()
        .with::<flow::Arbiter>()
        .with::<flow::Delay>()
        // math
        .with_element::<math::Adder, _, _, _>()
        .with_element::<math::MultiplyAdd, _, _, _>()
        .with::<math::Map>()
        .with::<math::Accumulate>()
        // noc
        .with::<noc::Router<noc::Packet>>()
        .with::<noc::Generator>()
        .with::<noc::PacketSink>()
        // memory
        .with::<memory::Ram>()
        // accel
        .with_element::<accel::SystolicElement, _, _, _>()
        .with_element::<accel::SystolicSource, _, _, _>()
        .with_element::<accel::SystolicSink, _, _, _>()
        // transform
        .with_element::<transform::Butterfly, _, _, _>()
        .with_element::<transform::TransformSource, _, _, _>()
        .with_element::<transform::TransformSink, _, _, _>()
        // io
        .with::<io::Host>()
        // riscv: the core
        .with::<riscv::Fetch>()
        .with::<riscv::Decode>()
        .with::<riscv::Execute>()
        .with::<riscv::Multiply>()
        .with::<riscv::LoadStore>()
        .with::<riscv::WriteBack>()
        .with::<riscv::local_memory::LocalMemory>()
        // riscv: caches, banks, their networks and devices
        .with::<riscv::instruction_cache::InstructionCache>()
        .with::<riscv::data_cache::DataCache>()
        .with::<riscv::network_interface::NetworkInterface>()
        .with::<riscv::home::Home>()
        .with::<riscv::console::Console>()
        .with::<noc::Router<riscv::coherence::Request>>()
        .with::<noc::Router<riscv::coherence::Order>>()
        .with::<noc::Router<riscv::coherence::Answer>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_its_family_and_its_ports() {
        for kind in catalogue().kinds() {
            let (family, noun) = kind.name().split_once('.').expect("family.noun");
            assert!(!family.is_empty() && !noun.is_empty(), "{}", kind.name());
            assert!(
                kind.summary().contains(": "),
                "{}: {}",
                kind.name(),
                kind.summary()
            );
        }
    }
}
