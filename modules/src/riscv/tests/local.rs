//! What a local memory cannot be built from is refused by name.

use super::assembler::jal;
use super::bench::image;
use crate::Assembly;
use crate::riscv::local_memory::{LocalMemory, LocalMemoryParams};
use tina_engine::{Catalogue, Resources};

fn refusal(params: LocalMemoryParams, words: &[u32]) -> Option<String> {
    let catalogue = Catalogue::new().with::<LocalMemory>();
    let mut resources = Resources::default();
    resources.insert(image(words));
    let mut assembly = Assembly::new(&catalogue).with_resources(resources);
    let added = assembly.add::<LocalMemory>("memory", params);
    added.err().map(|error| error.to_string())
}

#[test]
fn sizes_and_symbols_are_checked() {
    let params = |ram_bytes, argument| LocalMemoryParams {
        ram_bytes,
        harts: 1,
        argument,
    };
    let words = [jal(0, 0); 4];
    assert_eq!(refusal(params(1 << 16, None), &words), None);
    for (params, named) in [
        (params(0, None), "ram_bytes"),
        (params((1 << 16) + 2, None), "ram_bytes"),
        (params(12, None), "ram_bytes"), // for four words
        (params(1 << 16, Some(5)), "argument"),
    ] {
        let message = refusal(params, &words).expect("refused");
        assert!(message.contains(named), "{message}");
    }
}
