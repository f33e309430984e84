//! Kinds of module behind one face: parameters of any deserializer in, a shape or a batch out.

use crate::element::{Alone, Element};
use crate::group::{Group, TypedGroup};
use crate::module::Module;
use crate::vector::VectorGroup;
use crate::wiring::{BuildError, Place, Probe, Resources, Shape};
use std::any::Any;
use std::sync::Arc;

/// Parameters of one instance, typed inside, shared by all instances that are given the same.
#[derive(Clone)]
pub struct Params(pub(crate) Arc<dyn Any + Send + Sync>);

impl Params {
    /// Parameters made in Rust: `P` must be the [`Module::Params`] of the instance's kind.
    #[must_use]
    pub fn new<P: Any + Send + Sync>(params: P) -> Self {
        Self(Arc::new(params))
    }
}

type Parse = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Params, erased_serde::Error>;
type ProbeShape = fn(&Params, Place<'_>, &Resources, &mut Probe) -> Result<Shape, BuildError>;

/// A type of module as the netlist knows it.
#[derive(Clone)]
pub struct Kind {
    name: &'static str,
    summary: &'static str,
    cost_ns: f64,
    module_bytes: usize,
    module_align: usize,
    parse: Parse,
    probe: ProbeShape,
    pub(crate) group: fn() -> Box<dyn Group>,
    pub(crate) vector: Option<VectorKind>,
}

/// What the kind of an element has besides.
#[derive(Clone, Copy)]
pub(crate) struct VectorKind {
    pub(crate) group: fn() -> Box<dyn Group>,
    /// Ports are inputs first, then outputs.
    pub(crate) input_count: usize,
    /// Words of state.
    pub(crate) word_count: usize,
}

pub(crate) fn typed<M: Module>(params: &Params) -> &M::Params {
    params_as(params)
}

/// The parameters as what the kind parsed them to.
pub(crate) fn params_as<P: Any>(params: &Params) -> &P {
    params
        .0
        .downcast_ref()
        .expect("parameters were parsed by this kind")
}

impl Kind {
    /// The kind of module type `M`.
    #[must_use]
    pub fn of<M: Module>() -> Self {
        Self {
            name: M::KIND,
            summary: M::SUMMARY,
            cost_ns: M::COST_NS,
            module_bytes: size_of::<M>(),
            module_align: align_of::<M>(),
            parse: |deserializer| {
                let params: M::Params = erased_serde::deserialize(deserializer)?;
                Ok(Params(Arc::new(params)))
            },
            probe: |params, place, resources, probe| {
                let params = typed::<M>(params).clone();
                probe.shape_of(place, resources, |wiring| M::build(params, wiring))
            },
            group: || Box::new(TypedGroup::<M>::empty()),
            vector: None,
        }
    }

    /// The kind of element type `E`.
    #[must_use]
    pub fn of_element<E, const INPUTS: usize, const OUTPUTS: usize, const WORDS: usize>() -> Self
    where
        E: Element<INPUTS, OUTPUTS, WORDS>,
    {
        Self {
            vector: Some(VectorKind {
                group: || Box::new(VectorGroup::<E, INPUTS, OUTPUTS, WORDS>::empty()),
                input_count: INPUTS,
                word_count: WORDS,
            }),
            ..Self::of::<Alone<E, INPUTS, OUTPUTS, WORDS>>()
        }
    }

    /// The name netlists use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What `list` says of it.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// Cost of a busy edge in nanoseconds.
    #[must_use]
    pub fn cost_ns(&self) -> f64 {
        self.cost_ns
    }

    /// Size and alignment of one module in bytes.
    pub(crate) fn layout(&self) -> (usize, usize) {
        (self.module_bytes, self.module_align)
    }

    /// Reads the parameters of an instance.
    ///
    /// # Errors
    /// The deserializer's, with its place.
    pub fn parse(
        &self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<Params, erased_serde::Error> {
        (self.parse)(deserializer)
    }

    /// Builds an instance on scratch ports and says what it asks for.
    ///
    /// # Errors
    /// The module's own, when a parameter is out of range.
    pub fn shape(
        &self,
        params: &Params,
        place: Place<'_>,
        resources: &Resources,
        probe: &mut Probe,
    ) -> Result<Shape, BuildError> {
        (self.probe)(params, place, resources, probe)
    }
}

/// All kinds a program knows, by name.
#[derive(Clone, Default)]
pub struct Catalogue {
    kinds: Vec<Kind>,
}

impl Catalogue {
    /// An empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the kind of module type `M`.
    ///
    /// # Panics
    /// When its name is taken.
    #[must_use]
    pub fn with<M: Module>(self) -> Self {
        self.with_kind(Kind::of::<M>())
    }

    /// Adds the kind of element type `E`.
    ///
    /// # Panics
    /// When its name is taken.
    #[must_use]
    pub fn with_element<E, const INPUTS: usize, const OUTPUTS: usize, const WORDS: usize>(
        self,
    ) -> Self
    where
        E: Element<INPUTS, OUTPUTS, WORDS>,
    {
        self.with_kind(Kind::of_element::<E, INPUTS, OUTPUTS, WORDS>())
    }

    fn with_kind(mut self, kind: Kind) -> Self {
        assert!(
            self.find(kind.name).is_none(),
            "two kinds are called `{}`",
            kind.name
        );
        self.kinds.push(kind);
        self
    }

    /// Number of the kind called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.kinds
            .iter()
            .position(|kind| kind.name == name)
            .map(|index| index as u32)
    }

    /// The kind with this number.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn kind(&self, number: u32) -> &Kind {
        &self.kinds[number as usize]
    }

    /// All kinds in the order they were added.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }
}
