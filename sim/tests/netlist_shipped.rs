//! The netlists of the repository, elaborated and compared by structure.

use std::path::PathBuf;
use tina_sim::design::{Design, LoadOptions, load};

fn shipped(name: &str, set: &[(&str, &str)]) -> Design {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../netlists").join(name);
    let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = LoadOptions { set, ..LoadOptions::default() };
    load(&path, &options, &tina_modules::catalogue()).unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn the_pipeline_is_a_chain() {
    let design = shipped("w1_pipeline.ron", &[]);
    assert_eq!(design.blueprint.instances.len(), 1026);
    assert_eq!(design.blueprint.wires.len(), 1025);
    assert!(design.rate_caps.is_empty());
    assert!(design.warnings.is_empty(), "{}", design.warnings);
}

#[test]
fn the_mesh_has_two_wires_per_border_between_neighbours() {
    for (k, text) in [(16, "16"), (5, "5")] {
        let design = shipped("w2_mesh.ron", &[("k", text), ("rate", "0.05")]);
        assert_eq!(design.blueprint.instances.len(), 3 * k * k);
        assert_eq!(design.blueprint.wires.len(), 2 * k * k + 4 * k * (k - 1));
        assert!(design.blueprint.wires.iter().all(|wire| wire.depth == 4 && wire.latency == 1));
    }
}

#[test]
fn the_systolic_array_is_closed_at_its_borders() {
    let n = 8;
    let design = shipped("w3_systolic.ron", &[("n", "8")]);
    assert_eq!(design.blueprint.instances.len(), n * n + 4 * n);
    assert_eq!(design.blueprint.wires.len(), 2 * n * (n + 1));
}
