//! Designs: netlists elaborated into what the engine runs, fully checked.
//!
//! ```text
//!   files ──read──► Netlist (each file) ──parameters, clocks, program──► blocks ──► Design
//! ```
//! A design exists only if nothing was wrong; otherwise all that was found is returned. Knows the
//! catalogue and the host's files; knows nothing of shards (it carries what a person wrote about
//! them), of program formats or of the command line.

mod scope;
mod params;
mod clocks;
mod interface;
mod rates;
mod files;
mod array;
mod level;
mod select;
mod wires;
mod patterns;
mod connect;
mod items;
mod totals;

pub use files::INCLUDE_DEPTH_MAX;
pub use rates::RateCap;
pub use totals::Total;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Findings, Sources, Span};
use crate::netlist::expression::{Expression, Located};
use crate::netlist::value::Value;
use clocks::Clocks;
use files::{File, Files};
use level::{Block, Elaborator, param_values};
use scope::Scope;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use tina_engine::{Blueprint, Catalogue, Domain, Probe, Resources, TICK_MAX, Timebase};

/// Base-clock cycles per epoch if the netlist does not say.
pub const EPOCH_CYCLES_DEFAULT: u64 = 1024;

/// The longest epoch a netlist may ask for, in base-clock cycles.
pub const EPOCH_CYCLES_MAX: u64 = 1 << 32;

/// Puts a program of the host into the resources of the modules; an error is a sentence.
pub type LoadProgram<'a> = &'a dyn Fn(&Path, &mut Resources) -> Result<(), String>;

/// What the user adds to a netlist.
#[derive(Clone, Default)]
pub struct LoadOptions<'a> {
    /// Parameters of the first netlist and their values as text; of two for one, the later counts.
    pub set: Vec<(String, String)>,
    /// The program, instead of the one the netlist names.
    pub program: Option<PathBuf>,
    /// Seed of all keyed randomness.
    pub seed: u64,
    /// How to load a program; without it, a program is only named.
    pub load_program: Option<LoadProgram<'a>>,
    /// What modules may ask the host for, besides the program.
    pub resources: Resources,
}

/// What a netlist says about a run, for the user to override.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunDefaults {
    /// How many base-clock cycles to run.
    pub cycles: Option<u64>,
    /// After how many base-clock cycles to give up.
    pub max_cycles: Option<u64>,
    /// The program that was loaded or named.
    pub program: Option<PathBuf>,
}

/// A checked machine and what stands in its netlist besides.
pub struct Design {
    /// Name of the netlist.
    pub name: String,
    /// The machine, shared with whoever runs it.
    pub blueprint: Arc<Blueprint>,
    /// Totals over results.
    pub totals: Vec<Total>,
    /// Hand placement, per instance.
    pub shard_of: Vec<Option<u8>>,
    /// Sizes of the array that an instance's index counts in, per instance; 1 where there is none.
    pub grid_of: Vec<[u32; 3]>,
    /// Numbers of the wires that must stay inside a shard, ascending.
    pub no_cut: Vec<u32>,
    /// What the netlist says about a run.
    pub run: RunDefaults,
    /// Wires whose depth caps their rate.
    pub rate_caps: Vec<RateCap>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
    sources: Sources,
}

/// Under which name a value from the command line stands among the sources.
const OVERRIDE: &str = "--set";

impl Design {
    /// The files it was read from, the first netlist first: name and text.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().filter(|(name, _)| *name != OVERRIDE)
    }

    /// The rate caps as warnings that show their places.
    #[must_use]
    pub fn rate_cap_warnings(&self) -> Diagnostics {
        let list = self.rate_caps.iter().map(RateCap::warning).collect();
        Diagnostics::new(self.sources.clone(), list)
    }
}

/// Reads and elaborates a netlist file.
///
/// # Errors
/// All that is wrong with it and the files it includes.
pub fn load(
    path: &Path,
    options: &LoadOptions<'_>,
    catalogue: &Catalogue,
) -> Result<Design, Diagnostics> {
    let mut loading = Loading::new(options, catalogue);
    let top = loading.files.read(path, &mut loading.found);
    loading.finish(top)
}

/// Elaborates a netlist given as text; files it includes are searched in the folder of `name`.
///
/// # Errors
/// All that is wrong with it and the files it includes.
pub fn load_text(
    name: &str,
    text: &str,
    options: &LoadOptions<'_>,
    catalogue: &Catalogue,
) -> Result<Design, Diagnostics> {
    let mut loading = Loading::new(options, catalogue);
    let top = loading
        .files
        .add(Path::new(name), text.to_owned(), &mut loading.found);
    loading.finish(top)
}

/// A load in progress.
struct Loading<'a> {
    options: &'a LoadOptions<'a>,
    catalogue: &'a Catalogue,
    files: Files,
    found: Findings,
}

impl<'a> Loading<'a> {
    fn new(options: &'a LoadOptions<'a>, catalogue: &'a Catalogue) -> Self {
        Self {
            options,
            catalogue,
            files: Files::default(),
            found: Findings::default(),
        }
    }

    fn finish(mut self, top: Option<usize>) -> Result<Design, Diagnostics> {
        let design = top.and_then(|top| self.design(top));
        let sources = self.files.sources;
        let (errors, warnings) = self.found.split();
        match design {
            Some(mut design) if errors.is_empty() => {
                design.warnings = Diagnostics::new(sources.clone(), warnings);
                design.sources = sources;
                Ok(design)
            }
            _ => Err(Diagnostics::new(sources, errors)),
        }
    }

    fn design(&mut self, top: usize) -> Option<Design> {
        let given = self.overrides(top);
        let values = param_values(&self.files.list[top], &given, &mut self.found)?;
        let (domains, timebase) = self.clocks(top, &values);
        let mut run = self.run_defaults(top, &values);
        let epoch_cycles = self.number(
            top,
            &values,
            |file| &file.netlist.epoch,
            "the epoch",
            EPOCH_CYCLES_MAX,
        );
        let mut resources = self.options.resources.clone();
        let before = self.found.kept_count();
        run.program = self.program(top, &mut resources);
        let kept = self.found.kept_count();
        let block = self.elaborate(top, &values, &domains, &timebase, &resources);
        if kept > before {
            // Modules that miss the program are not to blame.
            self.found.forget(Code::Refused, kept);
        }
        let block = block?;
        let mut blueprint = Blueprint {
            domains,
            instances: Vec::with_capacity(block.instances.len()),
            wires: block.wires,
            epoch_cycles: epoch_cycles.unwrap_or(EPOCH_CYCLES_DEFAULT),
            seed: self.options.seed,
            resources,
        };
        let mut shard_of = Vec::with_capacity(block.instances.len());
        let mut grid_of = Vec::with_capacity(block.instances.len());
        for placed in block.instances {
            shard_of.push(placed.shard);
            grid_of.push(if placed.grid == [0; 3] {
                [1; 3]
            } else {
                placed.grid
            });
            blueprint.instances.push(placed.instance);
        }
        let netlist = &self.files.list[top].netlist;
        let mut totals = Vec::with_capacity(netlist.results.len());
        for declaration in &netlist.results {
            totals.extend(
                self.found
                    .keep(Total::of(declaration, &blueprint.instances)),
            );
        }
        let name = netlist.name.text.clone();
        self.warn_of_unused_params();
        self.warn_of_ignored_fields(top);
        Some(Design {
            name,
            blueprint: Arc::new(blueprint),
            totals,
            shard_of,
            grid_of,
            no_cut: block.no_cut,
            run,
            rate_caps: block.caps,
            warnings: Diagnostics::default(),
            sources: Sources::default(),
        })
    }

    /// Values given with `--set`, per parameter of the first netlist.
    fn overrides(&mut self, top: usize) -> Vec<Option<(Value, Span)>> {
        let file = &self.files.list[top];
        let mut given = vec![None; file.params.len()];
        for (name, text) in &self.options.set {
            let source = self
                .files
                .sources
                .add(OVERRIDE, format!("{name}={text}").into());
            let span = |start: usize, length: usize| Span {
                source,
                start: start as u32,
                end: (start + length) as u32,
            };
            let Some(position) = file.params.iter().position(|(known, _)| known == name) else {
                let message = format!(
                    "netlist `{}` has no parameter `{name}`",
                    file.netlist.name.text
                );
                self.found.add(
                    Diagnostic::error(Code::UnknownParam, message)
                        .at(span(0, name.len()), "unknown parameter")
                        .suggest(name, file.params.iter().map(|(known, _)| known.as_str())),
                );
                continue;
            };
            let located = Located {
                text,
                span: span(name.len() + 1, text.len()),
                exact: true,
            };
            // A bare word is the value of a word parameter; all else is an expression.
            let is_word =
                crate::netlist::expression::is_name(text) && text != "true" && text != "false";
            let value = if is_word {
                Some(Value::Word(text.clone()))
            } else {
                let formula = Expression::parse(located);
                let evaluated = formula.and_then(|formula| formula.evaluate(&()));
                self.found.keep(evaluated).map(|evaluated| evaluated.value)
            };
            if let Some(value) = value {
                given[position] = Some((value, located.span));
            }
        }
        given
    }

    /// Clocks of all files, those of the first netlist first.
    fn clocks(&mut self, top: usize, values: &[Value]) -> (Vec<Domain>, Timebase) {
        let mut clocks = Clocks::default();
        let file = &self.files.list[top];
        let scope = Scope {
            names: &file.params,
            values,
            locals: &[],
        };
        clocks.add(&file.netlist.clocks, &scope, &mut self.found);
        for (number, file) in self.files.list.iter().enumerate() {
            if number == top || file.netlist.clocks.is_empty() {
                continue;
            }
            if let Some(values) = param_values(file, &[], &mut self.found) {
                let scope = Scope {
                    names: &file.params,
                    values: &values,
                    locals: &[],
                };
                clocks.add(&file.netlist.clocks, &scope, &mut self.found);
            }
        }
        clocks.finish(&mut self.found)
    }

    fn number(
        &mut self,
        top: usize,
        values: &[Value],
        field: impl Fn(&File) -> &Option<Expression>,
        what: &str,
        most: u64,
    ) -> Option<u64> {
        let file = &self.files.list[top];
        let scope = Scope {
            names: &file.params,
            values,
            locals: &[],
        };
        let expression = field(file).as_ref()?;
        let value = self
            .found
            .keep(scope.integer(expression, what, 1..=i128::from(most)))?;
        Some(value as u64)
    }

    fn run_defaults(&mut self, top: usize, values: &[Value]) -> RunDefaults {
        RunDefaults {
            cycles: self.number(
                top,
                values,
                |file| &file.netlist.cycles,
                "the number of cycles",
                TICK_MAX,
            ),
            max_cycles: self.number(
                top,
                values,
                |file| &file.netlist.max_cycles,
                "the most cycles",
                TICK_MAX,
            ),
            program: None,
        }
    }

    /// Finds and loads the program.
    fn program(&mut self, top: usize, resources: &mut Resources) -> Option<PathBuf> {
        let file = &self.files.list[top];
        let (path, span) = match (&self.options.program, &file.netlist.program) {
            (Some(path), _) => (path.clone(), None),
            (None, Some((path, span))) => (file.folder.join(path), Some(*span)),
            (None, None) => return None,
        };
        if let Some(load) = self.options.load_program
            && let Err(reason) = load(&path, resources)
        {
            let message = format!("program `{}`: {reason}", path.display());
            let diagnostic = Diagnostic::error(Code::Program, message);
            self.found.add(match span {
                Some(span) => diagnostic.at(span, "named here"),
                None => diagnostic,
            });
        }
        Some(path)
    }

    fn elaborate(
        &mut self,
        top: usize,
        values: &[Value],
        domains: &[Domain],
        timebase: &Timebase,
        resources: &Resources,
    ) -> Option<Block> {
        let probe = match Probe::new() {
            Ok(probe) => probe,
            Err(error) => {
                let message = format!("no memory for checking modules: {error}");
                self.found.add(Diagnostic::error(Code::Host, message));
                return None;
            }
        };
        let mut elaborator = Elaborator {
            files: &self.files,
            catalogue: self.catalogue,
            resources,
            seed: self.options.seed,
            domains,
            periods: &timebase.period_ticks,
            probe,
            found: std::mem::take(&mut self.found),
            blocks: BTreeMap::new(),
        };
        let block = items::block(&mut elaborator, top, values, 0, true);
        self.found = elaborator.found;
        // The last holder of the first netlist's block: nothing includes it.
        elaborator.blocks.clear();
        Rc::into_inner(block?)
    }

    fn warn_of_unused_params(&mut self) {
        for file in &self.files.list {
            for (param, (name, used)) in file.netlist.params.iter().zip(&file.params) {
                if !used.get() {
                    let message = format!("parameter `{name}` is never used");
                    self.found.add(
                        Diagnostic::warning(Code::UnusedParam, message)
                            .at(param.name.span, "unused"),
                    );
                }
            }
        }
    }

    /// What concerns a whole run stands in the first netlist; in one that is included it says nothing.
    fn warn_of_ignored_fields(&mut self, top: usize) {
        for (number, file) in self.files.list.iter().enumerate() {
            let netlist = &file.netlist;
            let fields = [
                ("`cycles`", netlist.cycles.is_some()),
                ("`max_cycles`", netlist.max_cycles.is_some()),
                ("`epoch`", netlist.epoch.is_some()),
                ("`program`", netlist.program.is_some()),
                ("`results`", !netlist.results.is_empty()),
            ];
            let given = fields.iter().filter(|(_, given)| *given);
            let names: Vec<&str> = given.map(|(name, _)| *name).collect();
            if number != top && !names.is_empty() {
                let verb = if names.len() == 1 { "has" } else { "have" };
                let message = format!(
                    "{} of netlist `{}` {verb} no meaning where it is included",
                    names.join(" and "),
                    netlist.name.text
                );
                self.found.add(
                    Diagnostic::warning(Code::IgnoredField, message)
                        .at(netlist.name.span, "included"),
                );
            }
        }
    }
}
