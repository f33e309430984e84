//! Puts machines together in Rust: instances with typed parameters, wires by port name.
//!
//! What a netlist is for a file, this is for a program: tests, benchmarks and whoever drives a
//! machine without the command line. Every mistake is an error of [`Assembly::finish`] or before,
//! so that a blueprint that comes out of it can be booted.
//!
//! Knows no arrays, patterns or expressions: Rust has loops for that.

use std::fmt;
use std::sync::Arc;
use tina_engine::{
    Blueprint, Catalogue, DEPTH_MAX, Direction, Domain, Element, Instance, LANES_MAX, LATENCY_MAX,
    Module, Params, Place, PortRef, Probe, Resources, Wire,
};

/// A machine being put together.
pub struct Assembly<'a> {
    catalogue: &'a Catalogue,
    probe: Probe,
    blueprint: Blueprint,
}

/// An instance that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(u32);

impl InstanceId {
    /// Its number in the blueprint.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Name and place of an instance. A text alone is a path, outside arrays, in the first clock domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Full path, such as `router[2][3]`.
    pub path: String,
    /// Index in its arrays, outermost first.
    pub index: [u32; 3],
    /// Number of its clock domain.
    pub domain: u8,
}

impl From<&str> for Site {
    fn from(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }
}

/// The FIFO of a wire. By default two slots, latencies of one edge, one lane: full rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireShape {
    /// Slots, items in flight included.
    pub depth: u32,
    /// Consumer edges from push to pop.
    pub latency: u32,
    /// Producer edges from pop to the next push into that slot.
    pub credit: u32,
    /// Transfers per edge.
    pub lanes: u8,
}

impl Default for WireShape {
    fn default() -> Self {
        Self {
            depth: 2,
            latency: 1,
            credit: 1,
            lanes: 1,
        }
    }
}

/// What is wrong with an assembly, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssemblyError {
    /// Path of the instance at fault.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for AssemblyError {}

impl<'a> Assembly<'a> {
    /// An empty machine of kinds of `catalogue`, with one clock of 1 ns.
    ///
    /// # Panics
    /// When the host refuses a page of memory.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let clock = Domain {
            name: "clock".to_owned(),
            period_numerator: 1000,
            period_denominator: 1,
        };
        Self {
            catalogue,
            probe: Probe::new().expect("the host has a page of memory"),
            blueprint: Blueprint {
                domains: vec![clock],
                instances: Vec::new(),
                wires: Vec::new(),
                epoch_cycles: 1024,
                seed: 0,
                resources: Resources::default(),
            },
        }
    }

    /// Replaces the clock domains; the first is the base clock.
    #[must_use]
    pub fn with_clocks(mut self, domains: Vec<Domain>) -> Self {
        self.blueprint.domains = domains;
        self
    }

    /// Sets the length of an epoch in cycles of the base clock.
    #[must_use]
    pub fn with_epoch(mut self, cycles: u64) -> Self {
        self.blueprint.epoch_cycles = cycles;
        self
    }

    /// Sets the seed of all keyed randomness.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.blueprint.seed = seed;
        self
    }

    /// Lends `resources` to the modules that are added from now on.
    #[must_use]
    pub fn with_resources(mut self, resources: Resources) -> Self {
        self.blueprint.resources = resources;
        self
    }

    /// Adds an instance of module type `M`.
    ///
    /// # Errors
    /// When the catalogue does not have its kind, or the module refuses its parameters.
    pub fn add<M: Module>(
        &mut self,
        site: impl Into<Site>,
        params: M::Params,
    ) -> Result<InstanceId, AssemblyError> {
        self.add_kind(M::KIND, site.into(), Params::new(params))
    }

    /// Adds an instance of element type `E`.
    ///
    /// # Errors
    /// When the catalogue does not have its kind, or the element refuses its parameters.
    pub fn add_element<E, const INPUTS: usize, const OUTPUTS: usize, const WORDS: usize>(
        &mut self,
        site: impl Into<Site>,
        params: E::Params,
    ) -> Result<InstanceId, AssemblyError>
    where
        E: Element<INPUTS, OUTPUTS, WORDS>,
    {
        self.add_kind(E::KIND, site.into(), Params::new(params))
    }

    fn add_kind(
        &mut self,
        kind: &str,
        site: Site,
        params: Params,
    ) -> Result<InstanceId, AssemblyError> {
        let Site {
            path,
            index,
            domain,
        } = site;
        let error = |message: String| AssemblyError {
            path: path.clone(),
            message,
        };
        let number = self
            .catalogue
            .find(kind)
            .ok_or_else(|| error(format!("the catalogue has no kind `{kind}`")))?;
        if usize::from(domain) >= self.blueprint.domains.len() {
            return Err(error(format!("there is no clock domain {domain}")));
        }
        let instance = self.blueprint.instances.len() as u32;
        let place = Place {
            path: &path,
            index,
            instance,
            seed: self.blueprint.seed,
        };
        let shape = self
            .catalogue
            .kind(number)
            .shape(&params, place, &self.blueprint.resources, &mut self.probe)
            .map_err(|cause| error(cause.to_string()))?;
        let shape = Arc::new(shape);
        self.blueprint.instances.push(Instance {
            path,
            kind: number,
            params,
            domain,
            index,
            shape,
        });
        Ok(InstanceId(instance))
    }

    /// Adds a wire from an output to an input.
    ///
    /// # Errors
    /// When a port does not exist, the signals differ, or the shape is out of range.
    pub fn wire(
        &mut self,
        from: (InstanceId, &str),
        to: (InstanceId, &str),
        shape: WireShape,
    ) -> Result<(), AssemblyError> {
        let producer = self.port(from, Direction::Out)?;
        let consumer = self.port(to, Direction::In)?;
        let signal = |port: PortRef| {
            let info =
                &self.blueprint.instances[port.instance as usize].shape.ports[port.port as usize];
            (info.signal_id, info.signal)
        };
        let (sent, taken) = (signal(producer), signal(consumer));
        if sent.0 != taken.0 {
            let message = format!(
                "`{}` carries {}, `{}` takes {}",
                from.1, sent.1, to.1, taken.1
            );
            return Err(self.error(from.0, message));
        }
        let WireShape {
            depth,
            latency,
            credit,
            lanes,
        } = shape;
        let ranges = [
            ("depth", depth, DEPTH_MAX),
            ("latency", latency, LATENCY_MAX),
            ("credit", credit, LATENCY_MAX),
            ("lanes", u32::from(lanes), u32::from(LANES_MAX)),
        ];
        for (name, value, limit) in ranges {
            if value == 0 || value > limit {
                let message = format!("{name} {value} of the wire at `{}`; 1 to {limit}", from.1);
                return Err(self.error(from.0, message));
            }
        }
        self.blueprint.wires.push(Wire {
            from: producer,
            to: consumer,
            depth,
            latency,
            credit,
            lanes,
        });
        Ok(())
    }

    /// The machine as the engine takes it.
    ///
    /// # Errors
    /// When a port has two wires, or none although it needs one.
    pub fn finish(self) -> Result<Blueprint, AssemblyError> {
        let mut ends: Vec<PortRef> = self
            .blueprint
            .wires
            .iter()
            .flat_map(|wire| [wire.from, wire.to])
            .collect();
        ends.sort_unstable();
        if let Some(pair) = ends.windows(2).find(|pair| pair[0] == pair[1]) {
            let instance = InstanceId(pair[0].instance);
            let name = &self.shape_of(instance).ports[usize::from(pair[0].port)].name;
            return Err(self.error(instance, format!("port `{name}` has two wires")));
        }
        for number in 0..self.blueprint.instances.len() as u32 {
            for (index, port) in self.shape_of(InstanceId(number)).ports.iter().enumerate() {
                let end = PortRef {
                    instance: number,
                    port: index as u16,
                };
                if !port.optional && ends.binary_search(&end).is_err() {
                    let message = format!("port `{}` has no wire", port.name);
                    return Err(self.error(InstanceId(number), message));
                }
            }
        }
        Ok(self.blueprint)
    }

    fn shape_of(&self, instance: InstanceId) -> &tina_engine::Shape {
        &self.blueprint.instances[instance.0 as usize].shape
    }

    fn port(
        &self,
        (instance, name): (InstanceId, &str),
        direction: Direction,
    ) -> Result<PortRef, AssemblyError> {
        let ports = &self.shape_of(instance).ports;
        let index = ports
            .iter()
            .position(|port| port.direction == direction && port.name == name);
        let port = index.ok_or_else(|| {
            let way = match direction {
                Direction::In => "input",
                Direction::Out => "output",
            };
            self.error(instance, format!("there is no {way} `{name}`"))
        })?;
        Ok(PortRef {
            instance: instance.0,
            port: port as u16,
        })
    }

    fn error(&self, instance: InstanceId, message: String) -> AssemblyError {
        AssemblyError {
            path: self.blueprint.instances[instance.0 as usize].path.clone(),
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Sink, SinkParams, Source, SourceParams};
    use crate::{accel, catalogue};

    fn check(expected: &str, build: impl FnOnce(&mut Assembly<'_>) -> Result<(), AssemblyError>) {
        let catalogue = catalogue();
        let mut assembly = Assembly::new(&catalogue);
        let outcome = build(&mut assembly).and_then(|()| assembly.finish().map(drop));
        assert_eq!(
            outcome.map_err(|error| error.to_string()),
            Err(expected.to_owned())
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let source = SourceParams::default();
        let shape = WireShape::default();
        check("a: port `out` has no wire", |assembly| {
            assembly.add::<Source>("a", source).map(drop)
        });
        check("a: port `out` has two wires", |assembly| {
            let a = assembly.add::<Source>("a", source)?;
            for path in ["b", "c"] {
                let sink = assembly.add::<Sink>(path, SinkParams::default())?;
                assembly.wire((a, "out"), (sink, "in"), shape)?;
            }
            Ok(())
        });
        check("a: there is no input `out`", |assembly| {
            let a = assembly.add::<Source>("a", source)?;
            assembly.wire((a, "out"), (a, "out"), shape)
        });
        check("a: depth 0 of the wire at `out`; 1 to 65535", |assembly| {
            let a = assembly.add::<Source>("a", source)?;
            let b = assembly.add::<Sink>("b", SinkParams::default())?;
            assembly.wire((a, "out"), (b, "in"), WireShape { depth: 0, ..shape })
        });
        check("a: `out` carries u64, `in` takes i64", |assembly| {
            let a = assembly.add::<Source>("a", source)?;
            let b = assembly.add_element::<accel::SystolicSink, _, _, _>("b", ())?;
            assembly.wire((a, "out"), (b, "in"), shape)
        });
        check(
            "b: parameter `limit`: 0 items; a limit is at least 1",
            |assembly| {
                assembly
                    .add::<Sink>("b", SinkParams { limit: Some(0) })
                    .map(drop)
            },
        );
    }
}
