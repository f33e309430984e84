//! The forms of a workload: which there are, and one run of one of them.
//!
//! Knows nothing of rounds. Every run is checked: a form that computes something else is an error.

use super::options::Options;
use super::report::Family;
use super::rivals::{Rival, Rivals};
use super::tokens::{TokenStream, stream};
use crate::subjects::{
    Model, Run, Subject, Totals, Variant, automatic, design, machine, scalar_machine,
};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use tina_sim::design::Design;

/// A way to run a workload.
#[derive(Clone, Debug)]
pub struct Form {
    /// Short name.
    pub name: String,
    /// Name in tables.
    pub label: String,
    /// Whose it is.
    pub family: Family,
    /// Threads it uses.
    pub threads: usize,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Plain(Model),
    Tuned(Model),
    /// Number of the design, and shards.
    Machine {
        design: usize,
        shard_count: usize,
    },
    /// One shard, elements clocked one by one.
    Scalar,
    /// As many shards as the program finds worth it.
    Auto,
    /// Two shards while another thread keeps a core busy.
    Busy,
    Rival {
        rival: Box<Rival>,
        model: Model,
    },
}

/// A workload and all that its forms need.
pub struct Bench<'a> {
    /// Its entry in the list.
    pub subject: &'a Subject,
    /// That of the workload, then those of its variants.
    designs: Vec<Design>,
    rivals: Option<&'a Rivals>,
}

/// What a workload must give after so many cycles.
pub struct Target {
    /// How far runs go; `None`: to the end.
    pub cycles: Option<u64>,
    /// What the list of workloads says.
    written: Totals,
    /// What one of them did; known from a model, or from the first run.
    pub run: Option<Run>,
    tokens: Option<TokenStream>,
}

impl Target {
    /// Runs the plain loop, if there is one, to know what all must give.
    ///
    /// # Errors
    /// When the plain loop does not give what is written in the list.
    pub fn of(subject: &Subject, cycles: Option<u64>) -> Result<Self, String> {
        let run = match (subject.model, cycles) {
            (Some(model), Some(cycles)) => Some(model.plain(cycles)()?),
            _ => None,
        };
        let written = if cycles == subject.cycles {
            written(subject)
        } else {
            Totals::new()
        };
        if let Some(run) = &run {
            compare(&run.totals, &written)?;
        }
        let tokens = match (subject.model, &run) {
            (Some(model), Some(run)) => stream(model, run),
            _ => None,
        };
        Ok(Self {
            cycles,
            written,
            run,
            tokens,
        })
    }
}

impl<'a> Bench<'a> {
    /// Loads the netlists of a workload.
    ///
    /// # Errors
    /// When one is missing or wrong.
    pub fn new(subject: &'a Subject, rivals: Option<&'a Rivals>) -> Result<Self, String> {
        let mut designs = vec![design(subject.netlist, subject.set)?];
        for variant in subject.variants {
            designs.push(design(variant.netlist, variant.set)?);
        }
        Ok(Self {
            subject,
            designs,
            rivals,
        })
    }

    /// One run: seconds without set-up.
    ///
    /// # Errors
    /// When it fails, or its results are wrong.
    pub fn measure(&self, form: &Form, target: &mut Target) -> Result<f64, String> {
        let run = match &form.way {
            Way::Plain(model) => model.plain(cycles_of(target)?)()?,
            Way::Tuned(model) => {
                let tuned = model.tuned(cycles_of(target)?);
                tuned.ok_or("there is no tuned loop")?()?
            }
            Way::Machine {
                design,
                shard_count,
            } => machine(&self.designs[*design], *shard_count, target.cycles)?()?,
            Way::Scalar => scalar_machine(&self.designs[0], target.cycles)?()?,
            Way::Auto => automatic(&self.designs[0], target.cycles)?,
            Way::Busy => {
                let run = machine(&self.designs[0], 2, target.cycles)?;
                busy(run)?
            }
            Way::Rival { rival, model } => {
                let rivals = self.rivals.ok_or("the list of rivals was not read")?;
                let tokens = target.tokens.as_ref().filter(|_| !rival.timed);
                let run = rivals.run(rival, *model, cycles_of(target)?, tokens)?;
                if let Some(tokens) = tokens {
                    compare(&run.totals, &tokens.totals)?;
                    return Ok(run.seconds);
                }
                run
            }
        };
        let seconds = run.seconds;
        if self.is_other_work(form) {
            return Ok(seconds);
        }
        compare(&run.totals, &target.written)?;
        match &target.run {
            Some(expected) => {
                if run.cycles != expected.cycles {
                    return Err(format!(
                        "{} cycles instead of {}",
                        run.cycles, expected.cycles
                    ));
                }
                compare(&run.totals, &expected.totals)?;
            }
            None => target.run = Some(run),
        }
        Ok(seconds)
    }

    /// A variant that is measured to be compared with, not to give the same.
    fn is_other_work(&self, form: &Form) -> bool {
        match form.way {
            Way::Machine { design, .. } if design > 0 => {
                !self.subject.variants[design - 1].same_results
            }
            _ => false,
        }
    }
}

/// The forms of a workload that were asked for.
#[must_use]
pub fn forms(subject: &Subject, rivals: &[Rival], options: &Options) -> Vec<Form> {
    let mut forms = Vec::new();
    if let Some(model) = subject.model {
        forms.push(Form::of_loop("plain", "plain loop", Way::Plain(model)));
        if model.tuned(0).is_some() {
            forms.push(Form::of_loop(
                "tuned",
                "tuned loop, vectorised",
                Way::Tuned(model),
            ));
        }
    }
    let mut shard_counts: Vec<usize> = options.shards.iter().copied().map(usize::from).collect();
    if options.wants_witnesses() {
        shard_counts.extend([1, 2, 8]);
    }
    shard_counts.sort_unstable();
    shard_counts.dedup();
    for &shard_count in &shard_counts {
        forms.push(Form::machine("shards", "tina-hw", 0, shard_count));
    }
    if subject.has_elements {
        forms.push(Form {
            name: "scalar-1".to_owned(),
            label: "tina-hw, 1 shard, elements one by one".to_owned(),
            family: Family::Tina,
            threads: 1,
            way: Way::Scalar,
        });
    }
    for (number, variant) in (1..).zip(subject.variants) {
        forms.extend(variant_forms(variant, number, &shard_counts, options));
    }
    if options.wants_witnesses() {
        forms.push(Form {
            name: "auto".to_owned(),
            label: "tina-hw, --shards auto".to_owned(),
            family: Family::Witness,
            threads: cores(),
            way: Way::Auto,
        });
        forms.push(Form {
            name: "busy-2".to_owned(),
            label: "tina-hw, 2 shards, one core busy".to_owned(),
            family: Family::Witness,
            threads: 2,
            way: Way::Busy,
        });
    }
    if let Some(model) = subject.model.filter(|_| !subject.is_witness) {
        let rivals = rivals.iter().filter(|rival| rival.runs(model));
        forms.extend(rivals.map(|rival| Form {
            name: rival.name.clone(),
            label: rival.label.clone(),
            family: if rival.timed {
                Family::Timed
            } else {
                Family::Untimed
            },
            threads: rival.threads,
            way: Way::Rival {
                rival: Box::new(rival.clone()),
                model,
            },
        }));
    }
    forms.retain(|form| options.wants_form(&form.name));
    forms
}

fn variant_forms(
    variant: &Variant,
    number: usize,
    shard_counts: &[usize],
    options: &Options,
) -> Vec<Form> {
    if variant.same_results {
        let counts = shard_counts.iter().filter(|&&count| count <= 2);
        return counts
            .map(|&count| Form::machine(variant.name, variant.title, number, count))
            .collect();
    }
    if !options.wants_witnesses() {
        return Vec::new();
    }
    vec![Form {
        name: variant.name.to_owned(),
        label: variant.title.to_owned(),
        family: Family::Witness,
        threads: 1,
        way: Way::Machine {
            design: number,
            shard_count: 1,
        },
    }]
}

impl Form {
    fn of_loop(name: &str, label: &str, way: Way) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            family: Family::Loop,
            threads: 1,
            way,
        }
    }

    fn machine(name: &str, title: &str, design: usize, shard_count: usize) -> Self {
        let cores = cores();
        let plural = if shard_count == 1 { "" } else { "s" };
        Self {
            name: format!("{name}-{shard_count}"),
            label: format!("{title}, {shard_count} shard{plural}"),
            family: if shard_count <= cores {
                Family::Tina
            } else {
                Family::Witness
            },
            threads: shard_count.min(cores),
            way: Way::Machine {
                design,
                shard_count,
            },
        }
    }

    /// The rival and the model it runs, if it is one.
    #[must_use]
    pub fn rival(&self) -> Option<(&Rival, Model)> {
        match &self.way {
            Way::Rival { rival, model } => Some((rival, *model)),
            _ => None,
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn cycles_of(target: &Target) -> Result<u64, String> {
    target
        .cycles
        .ok_or_else(|| "the workload has no number of cycles".to_owned())
}

/// Runs something while a thread of this process keeps the last core busy.
fn busy<R>(run: impl FnOnce() -> R) -> R {
    let done = AtomicBool::new(false);
    let started = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if let Some(core) = core_affinity::get_core_ids().and_then(|mut cores| cores.pop()) {
                core_affinity::set_for_current(core);
            }
            started.wait();
            let mut number = 0u64;
            while !done.load(Ordering::Relaxed) {
                number = std::hint::black_box(number.wrapping_add(1));
            }
        });
        started.wait();
        let result = run();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// The results the list of workloads tells of a whole run.
fn written(subject: &Subject) -> Totals {
    let expected = subject.expected.iter();
    expected
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// Whether all that is expected is there.
fn compare(totals: &Totals, expected: &Totals) -> Result<(), String> {
    if expected.iter().all(|total| totals.contains(total)) {
        return Ok(());
    }
    Err(format!(
        "wrong results: {} instead of {}",
        show(totals),
        show(expected)
    ))
}

fn show(totals: &Totals) -> String {
    let totals: Vec<String> = totals
        .iter()
        .map(|(name, value)| format!("{name} {value:#x}"))
        .collect();
    totals.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subjects::SUBJECTS;

    fn subject(name: &str) -> &'static Subject {
        SUBJECTS
            .iter()
            .find(|subject| subject.name == name)
            .unwrap()
    }

    #[test]
    fn every_form_of_our_own_gives_the_results() {
        for name in ["w1", "w2-light", "w3"] {
            let bench = Bench::new(subject(name), None).unwrap();
            let mut target = Target::of(subject(name), Some(300)).unwrap();
            let options = <Options as clap::Parser>::parse_from(["compare", "--witnesses"]);
            let forms = forms(subject(name), &[], &options);
            assert!(forms.len() >= 5, "{forms:?}");
            for form in forms {
                assert!(bench.measure(&form, &mut target).unwrap() > 0.0);
            }
        }
    }

    #[test]
    fn a_wrong_result_is_no_figure() {
        let bench = Bench::new(subject("w1"), None).unwrap();
        let mut target = Target::of(subject("w1"), Some(1_100)).unwrap();
        target.run.as_mut().unwrap().totals[1].1 ^= 1;
        let options = <Options as clap::Parser>::parse_from(["compare"]);
        for form in forms(subject("w1"), &[], &options) {
            let error = bench.measure(&form, &mut target).unwrap_err();
            assert!(error.starts_with("wrong results: "), "{error}");
        }
    }
}
