//! What is measured: each workload as a plain loop, and as its netlist on one shard and on more.

use crate::plain::{Mesh, Pipeline, Systolic};
use std::hint::black_box;
use std::path::Path;
use tina_engine::{HostOptions, Limits};
use tina_modules::catalogue;
use tina_sim::design::{Design, LoadOptions, load};
use tina_sim::run::boot;

/// Cycles of one measured run.
pub const CYCLES: u64 = 20_000;

/// A workload in both forms.
pub struct Subject {
    /// Its name in tables.
    pub name: &'static str,
    plain: fn() -> Box<dyn FnOnce()>,
    netlist: &'static str,
    set: &'static [(&'static str, &'static str)],
}

/// The workloads whose speed is promised.
pub const SUBJECTS: [Subject; 4] = [
    Subject {
        name: "W1 pipeline",
        plain: || {
            let mut pipeline = Pipeline::new(1024);
            Box::new(move || {
                black_box(pipeline.run(CYCLES));
            })
        },
        netlist: "w1_pipeline.ron",
        set: &[],
    },
    Subject {
        name: "W2 mesh, light",
        plain: || {
            let mut mesh = Mesh::new(16, 0.05);
            Box::new(move || {
                black_box(mesh.run(CYCLES));
            })
        },
        netlist: "w2_mesh.ron",
        set: &[("rate", "0.05")],
    },
    Subject {
        name: "W2 mesh, heavy",
        plain: || {
            let mut mesh = Mesh::new(16, 0.25);
            Box::new(move || {
                black_box(mesh.run(CYCLES));
            })
        },
        netlist: "w2_mesh.ron",
        set: &[("rate", "0.25")],
    },
    Subject {
        name: "W3 systolic",
        plain: || {
            let mut systolic = Systolic::new(32);
            Box::new(move || {
                black_box(systolic.run(CYCLES));
            })
        },
        netlist: "w3_systolic.ron",
        set: &[],
    },
];

impl Subject {
    /// The plain loop, ready to run [`CYCLES`] cycles from the first.
    #[must_use]
    pub fn plain(&self) -> Box<dyn FnOnce()> {
        (self.plain)()
    }

    /// The machine, placed by the partitioner and booted with a thread for each shard, ready for the
    /// same.
    ///
    /// # Panics
    /// When the host refuses memory or threads.
    #[must_use]
    pub fn machine(&self, shard_count: usize) -> Box<dyn FnOnce()> {
        let host = HostOptions {
            pin: shard_count > 1,
            ..HostOptions::default()
        };
        let mut booted = boot(
            &netlist(self.netlist, self.set),
            &catalogue(),
            shard_count,
            &host,
        )
        .expect("the host has memory and threads for a small machine");
        Box::new(move || {
            let limits = Limits {
                cycles: Some(CYCLES),
                max_cycles: None,
            };
            black_box(booted.machine.run(&limits, &mut ()));
        })
    }
}

/// A netlist of the repository, elaborated with these parameters.
///
/// # Panics
/// When it is missing or wrong.
#[must_use]
pub fn netlist(file: &str, set: &[(&str, &str)]) -> Design {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../netlists")
        .join(file);
    let set = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let options = LoadOptions {
        set,
        ..LoadOptions::default()
    };
    load(&path, &options, &catalogue()).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}
