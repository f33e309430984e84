//! What is measured: each workload as a plain loop, on one shard and on two.

use crate::machines::{bands, mesh, pipeline, systolic};
use crate::plain::{Mesh, Pipeline, Systolic};
use std::hint::black_box;
use std::sync::Arc;
use tina_engine::{Blueprint, Catalogue, HostOptions, Limits, Machine};
use tina_modules::{AssemblyError, catalogue};

/// Cycles of one measured run.
pub const CYCLES: u64 = 20_000;

/// A workload in both forms.
pub struct Subject {
    /// Its name in tables.
    pub name: &'static str,
    plain: fn() -> Box<dyn FnOnce()>,
    blueprint: fn(&Catalogue) -> Result<Blueprint, AssemblyError>,
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
        blueprint: |catalogue| pipeline(catalogue, 1024),
    },
    Subject {
        name: "W2 mesh, light",
        plain: || {
            let mut mesh = Mesh::new(16, 0.05);
            Box::new(move || {
                black_box(mesh.run(CYCLES));
            })
        },
        blueprint: |catalogue| mesh(catalogue, 16, 0.05),
    },
    Subject {
        name: "W2 mesh, heavy",
        plain: || {
            let mut mesh = Mesh::new(16, 0.25);
            Box::new(move || {
                black_box(mesh.run(CYCLES));
            })
        },
        blueprint: |catalogue| mesh(catalogue, 16, 0.25),
    },
    Subject {
        name: "W3 systolic",
        plain: || {
            let mut systolic = Systolic::new(32);
            Box::new(move || {
                black_box(systolic.run(CYCLES));
            })
        },
        blueprint: |catalogue| systolic(catalogue, 32),
    },
];

impl Subject {
    /// The plain loop, ready to run [`CYCLES`] cycles from the first.
    #[must_use]
    pub fn plain(&self) -> Box<dyn FnOnce()> {
        (self.plain)()
    }

    /// The machine, booted on `shard_count` shards with a thread for each, ready for the same.
    ///
    /// # Panics
    /// When the host refuses memory or threads.
    #[must_use]
    pub fn machine(&self, shard_count: usize) -> Box<dyn FnOnce()> {
        let catalogue = catalogue();
        let blueprint =
            Arc::new((self.blueprint)(&catalogue).expect("the catalogue holds all kinds used"));
        let placement = bands(&blueprint, shard_count);
        let host = HostOptions {
            pin: shard_count > 1,
            ..HostOptions::default()
        };
        let mut machine = Machine::boot(&blueprint, &catalogue, &placement, &host)
            .expect("the host has memory and threads for a small machine");
        Box::new(move || {
            let limits = Limits {
                cycles: Some(CYCLES),
                max_cycles: None,
            };
            drop(black_box(machine.run(&limits, &mut ())));
        })
    }
}
