//! Profiles as JSON.

use super::{Profile, structure, wire_name};
use crate::design::Design;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use tina_engine::Catalogue;

/// Version of the form.
const VERSION: u32 = 1;

/// A profile as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    tina_hw_profile: u32,
    netlist: String,
    structure: String,
    cycles: u64,
    cycle_ns: f64,
    handshake_ns: Option<f64>,
    kinds: BTreeMap<String, f64>,
    /// Clocked per cycle, by path.
    instances: BTreeMap<String, f64>,
    /// Items per cycle, by the producer's port.
    wires: BTreeMap<String, f64>,
}

/// Why a file is no profile of a design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// It is not what `--profile-out` writes.
    Form(String),
    /// It was written by another version.
    Version(u32),
    /// It was measured on another netlist: its name, and that of this one.
    Netlist(String, String),
    /// A number in it cannot be one of a measurement.
    Number(String),
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(reason) => write!(f, "this is not a profile: {reason}"),
            Self::Version(version) => write!(
                f,
                "this profile has version {version}; this program reads version {VERSION}: \
                 measure again with --profile-out"
            ),
            Self::Netlist(theirs, ours) if theirs == ours => write!(
                f,
                "this is a profile of a netlist `{theirs}` that has no instance in common with this \
                 one: measure again with --profile-out"
            ),
            Self::Netlist(theirs, ours) => write!(
                f,
                "this is a profile of the netlist `{theirs}`: measure `{ours}` with --profile-out"
            ),
            Self::Number(which) => write!(
                f,
                "this profile cannot have been measured: {which} is not a number from 0 to 1e12"
            ),
        }
    }
}

impl std::error::Error for ProfileError {}

impl Profile {
    /// The text of the file of `--profile-out`.
    #[must_use]
    pub fn to_json(&self, design: &Design, catalogue: &Catalogue) -> String {
        let blueprint = &design.blueprint;
        let paths = blueprint.instances.iter().map(|it| it.path.clone());
        let wires = blueprint
            .wires
            .iter()
            .map(|wire| wire_name(blueprint, wire.from));
        let rounded = |&number: &f64| (number * 1e4).round() / 1e4;
        let stored = Stored {
            tina_hw_profile: VERSION,
            netlist: design.name.clone(),
            structure: format!("{:#018x}", structure(blueprint, catalogue)),
            cycles: self.cycles,
            cycle_ns: rounded(&self.cycle_ns),
            handshake_ns: self.handshake_ns.as_ref().map(rounded),
            kinds: self
                .kinds
                .iter()
                .map(|(name, ns)| (name.clone(), rounded(ns)))
                .collect(),
            instances: paths.zip(self.clocks.iter().map(rounded)).collect(),
            wires: wires.zip(self.transfers.iter().map(rounded)).collect(),
        };
        let mut text = serde_json::to_string_pretty(&stored).expect("texts and finite numbers");
        text.push('\n');
        text
    }

    /// Reads a profile for a design, and says what does not fit, if anything.
    ///
    /// A profile of another structure is used for the instances and wires it has in common with the
    /// design; the others count as busy as the average of it.
    ///
    /// # Errors
    /// When the text is no profile, or one of a netlist that has nothing in common with the design.
    pub fn from_json(
        text: &str,
        design: &Design,
        catalogue: &Catalogue,
    ) -> Result<(Self, Option<String>), ProfileError> {
        let stored = parse(text)?;
        let blueprint = &design.blueprint;
        let paths = blueprint.instances.iter().map(|it| it.path.clone());
        let (clocks, unknown) = look_up(&stored.instances, paths);
        let same = stored.structure == format!("{:#018x}", structure(blueprint, catalogue));
        if !same && (stored.netlist != design.name || unknown == clocks.len()) {
            return Err(ProfileError::Netlist(stored.netlist, design.name.clone()));
        }
        let names = blueprint.wires.iter();
        let names = names.map(|wire| wire_name(blueprint, wire.from));
        let (transfers, _) = look_up(&stored.wires, names);
        let note = (!same).then(|| {
            format!(
                "the profile is of another form of the netlist: {} of {} instances are in it, the \
                 others count as its average",
                clocks.len() - unknown,
                clocks.len()
            )
        });
        let profile = Self {
            cycles: stored.cycles,
            // Of another structure, the time of a cycle is not known: it follows from the kinds.
            cycle_ns: stored.cycle_ns * clocks.len() as f64 / stored.instances.len() as f64,
            handshake_ns: stored.handshake_ns,
            kinds: stored.kinds,
            clocks,
            transfers,
        };
        Ok((profile, note))
    }
}

fn parse(text: &str) -> Result<Stored, ProfileError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Head {
        tina_hw_profile: u32,
    }
    let form = |error: serde_json::Error| ProfileError::Form(error.to_string());
    let head: Head = serde_json::from_str(text).map_err(form)?;
    if head.tina_hw_profile != VERSION {
        return Err(ProfileError::Version(head.tina_hw_profile));
    }
    let stored: Stored = serde_json::from_str(text).map_err(form)?;
    let times = [("cycle_ns", stored.cycle_ns)];
    let handshake = stored.handshake_ns.map(|ns| ("handshake_ns", ns));
    let tables = [&stored.kinds, &stored.instances, &stored.wires];
    let named = tables.into_iter().flatten();
    let named = named.map(|(name, &number)| (name.as_str(), number));
    let wrong = times
        .into_iter()
        .chain(handshake)
        .chain(named)
        .find(|(_, number)| !(0.0..=1e12).contains(number));
    match wrong {
        Some((name, _)) => Err(ProfileError::Number(format!("`{name}`"))),
        None => Ok(stored),
    }
}

/// The number of each name, the average for those that are not there, and how many that are.
fn look_up(
    table: &BTreeMap<String, f64>,
    names: impl Iterator<Item = String>,
) -> (Vec<f64>, usize) {
    let average = table.values().sum::<f64>() / table.len().max(1) as f64;
    let mut unknown = 0;
    let numbers = names.map(|name| {
        table.get(&name).copied().unwrap_or_else(|| {
            unknown += 1;
            average
        })
    });
    (numbers.collect(), unknown)
}
