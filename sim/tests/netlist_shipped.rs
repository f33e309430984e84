//! The netlists of the repository, elaborated and compared by structure.

use std::path::PathBuf;
use tina_engine::{HostOptions, Limits, Machine, Outcome, Placement};
use tina_sim::design::{Design, LoadOptions, Total, load};

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
        assert!(
            design
                .blueprint
                .wires
                .iter()
                .all(|wire| wire.depth == 4 && wire.latency == 1)
        );
    }
}

#[test]
fn the_systolic_array_is_closed_at_its_borders() {
    let n = 8;
    let design = shipped("w3_systolic.ron", &[("n", "8")]);
    assert_eq!(design.blueprint.instances.len(), n * n + 4 * n);
    assert_eq!(design.blueprint.wires.len(), 2 * n * (n + 1));
}

/// Runs a design on one shard and evaluates its totals.
fn totals(design: &Design, cycles: u64) -> Vec<(String, u64)> {
    let catalogue = tina_modules::catalogue();
    let placement = Placement::single(design.blueprint.instances.len());
    let mut machine = Machine::boot(
        &design.blueprint,
        &catalogue,
        &placement,
        &HostOptions::default(),
    )
    .unwrap();
    let limits = Limits {
        cycles: Some(cycles),
        ..Limits::default()
    };
    assert!(matches!(
        machine.run(&limits, &mut ()).outcome,
        Outcome::CyclesDone
    ));
    let results = machine.results();
    let value = |total: &Total| total.evaluate(&results).unwrap();
    design
        .totals
        .iter()
        .map(|total| (total.name.clone(), value(total).number()))
        .collect()
}

fn named(values: &[(&str, u64)]) -> Vec<(String, u64)> {
    values
        .iter()
        .map(|&(name, value)| (name.to_owned(), value))
        .collect()
}

#[test]
fn the_workloads_give_their_published_results() {
    assert_eq!(
        totals(&shipped("w1_pipeline.ron", &[]), 2000),
        named(&[("count", 975), ("check", 0x76c7_1b5f_9481_1fcf)])
    );
    assert_eq!(
        totals(&shipped("w2_mesh.ron", &[]), 2000),
        named(&[
            ("delivered", 98_205),
            ("latency_sum", 4_039_008),
            ("check", 0x05e2_b017_c9f7_44d8)
        ])
    );
    assert_eq!(
        totals(&shipped("w3_systolic.ron", &[]), 2000),
        named(&[
            ("sum", 0x5a51_bf1c_a466_0458),
            ("firings", 2_015_232),
            ("drained", 124_896)
        ])
    );
}
