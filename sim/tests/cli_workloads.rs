//! The three published workloads, small, at many shard counts: results and every epoch's digest
//! are equal, with and without sleeping, on one thread and on two.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use tina_engine::Limits;
use tina_sim::design::{Design, LoadOptions, load};
use tina_sim::run::{Variant, verify};

fn shipped(name: &str, set: &[(&str, &str)]) -> Design {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../netlists")
        .join(name);
    let set = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let options = LoadOptions {
        set,
        ..LoadOptions::default()
    };
    load(&path, &options, &tina_modules::catalogue()).unwrap_or_else(|found| panic!("{found}"))
}

fn check(name: &str, set: &[(&str, &str)], cycles: u64) {
    let design = shipped(name, set);
    let variant = |shard_count, thread_count, no_sleep| Variant {
        shard_count,
        thread_count: Some(thread_count),
        no_sleep,
        no_vectors: false,
        seeded: None,
    };
    let without_vectors = |shard_count| Variant {
        no_vectors: true,
        ..variant(shard_count, 1, false)
    };
    let variants = [
        variant(1, 1, false),
        variant(2, 2, false),
        variant(3, 1, false),
        variant(5, 2, true),
        variant(8, 2, false),
        variant(1, 1, true),
        without_vectors(1),
        without_vectors(3),
    ];
    let limits = Limits {
        cycles: Some(cycles),
        max_cycles: None,
    };
    let catalogue = tina_modules::catalogue();
    let verification = verify(&design, &catalogue, &variants, &limits, &mut ()).unwrap();
    assert_eq!(verification.divergence, None);
    assert_eq!(verification.runs.len(), variants.len());
    assert!(verification.runs.iter().all(|run| run.cycles == cycles));
}

#[test]
fn the_pipeline_does_not_depend_on_shards() {
    check("w1_pipeline.ron", &[], 1_500);
}

#[test]
fn the_mesh_does_not_depend_on_shards() {
    check("w2_mesh.ron", &[("k", "7"), ("rate", "0.25")], 2_100);
    check("w2_mesh.ron", &[("k", "7"), ("rate", "0.01")], 2_100);
}

#[test]
fn the_systolic_array_does_not_depend_on_shards() {
    check("w3_systolic.ron", &[("n", "9")], 2_100);
}
