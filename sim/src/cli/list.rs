//! `tina-hw list`.

use super::arguments::ListArguments;
use super::failure::Failure;
use super::parameters::{Parameter, parameters, sample};
use super::table;
use super::terminal::print;
use crate::diagnostic::nearest;
use std::collections::BTreeMap;
use std::fmt::Write;
use tina_engine::{Catalogue, Direction, Kind, Place, PortInfo, Probe, Resources};

pub(super) fn list(arguments: &ListArguments, catalogue: &Catalogue) -> Result<u8, Failure> {
    let Some(name) = &arguments.kind else {
        return print(&all(catalogue.kinds().iter())).map(|()| 0);
    };
    if let Some(number) = catalogue.find(name) {
        return print(&one(catalogue.kind(number))).map(|()| 0);
    }
    let family = format!("{name}.");
    let members: Vec<&Kind> = catalogue
        .kinds()
        .iter()
        .filter(|kind| kind.name().starts_with(&family))
        .collect();
    if members.is_empty() {
        return Err(Failure::input(unknown(name, catalogue)));
    }
    print(&all(members.into_iter())).map(|()| 0)
}

/// The nearest kind or family, where one is near.
fn unknown(name: &str, catalogue: &Catalogue) -> String {
    let families = catalogue
        .kinds()
        .iter()
        .filter_map(|kind| kind.name().split('.').next());
    let kinds = catalogue.kinds().iter().map(Kind::name);
    let known: Vec<&str> = kinds.chain(families).collect();
    let hint = nearest(name, &known).map_or("`tina-hw list` shows all".to_owned(), |known| {
        format!("did you mean `{known}`?")
    });
    format!("no kind or family is called `{name}`; {hint}")
}

fn all<'k>(kinds: impl Iterator<Item = &'k Kind>) -> String {
    let mut table = table::headless();
    for kind in kinds {
        table.add_row([kind.name(), kind.summary()]);
    }
    table::text(table, 0..0)
}

fn one(kind: &Kind) -> String {
    let mut text = format!(
        "{}\n  {}\n  about {:.1} ns of host time per busy edge\n",
        kind.name(),
        kind.summary(),
        kind.cost_ns()
    );
    let parameters = parameters(kind);
    write_parameters(&mut text, &parameters).expect("writing to a string succeeds");
    match ports(kind, &parameters) {
        Ok((ports, mut numbers)) => {
            let is_number = |name: &str| {
                let mut of_name = parameters.iter().filter(|parameter| parameter.name == name);
                of_name.any(|parameter| parameter.form.contains("number"))
            };
            numbers.retain(|name, _| is_number(name));
            write_ports(&mut text, &ports, &numbers)
        }
        Err(reason) => writeln!(text, "\nthe ports depend on more than parameters: {reason}"),
    }
    .expect("writing to a string succeeds");
    text
}

fn write_parameters(text: &mut String, parameters: &[Parameter]) -> std::fmt::Result {
    if parameters.is_empty() {
        return writeln!(text, "\nno parameters");
    }
    writeln!(text, "\nparameters")?;
    let width = parameters
        .iter()
        .map(|parameter| parameter.name.len())
        .max()
        .unwrap_or(0);
    for Parameter {
        name,
        form,
        required,
    } in parameters
    {
        let note = if *required { "" } else { ", optional" };
        writeln!(text, "  {name:<width$}  {form}{note}")?;
    }
    Ok(())
}

/// Numbers tried for a parameter, one after the other while the kind refuses it.
const NUMBERS: [u8; 7] = [1, 2, 4, 16, 64, 128, 0];

/// The ports of a kind, and the numbers of the sample parameters it was built with.
fn ports<'p>(
    kind: &Kind,
    parameters: &'p [Parameter],
) -> Result<(Vec<PortInfo>, BTreeMap<&'p str, u8>), String> {
    let required = parameters.iter().filter(|parameter| parameter.required);
    let mut numbers: BTreeMap<&str, u8> = required
        .map(|parameter| (parameter.name, NUMBERS[0]))
        .collect();
    let mut probe = Probe::new().map_err(|error| error.to_string())?;
    let place = Place {
        path: "sample",
        index: [0; 3],
        instance: 0,
        seed: 0,
    };
    loop {
        let params = sample(kind, &|name| numbers.get(name).copied())?;
        let error = match kind.shape(&params, place, &Resources::default(), &mut probe) {
            Ok(shape) => return Ok((shape.ports, numbers)),
            Err(error) => error,
        };
        let refused = parameters
            .iter()
            .find(|parameter| error.param == Some(parameter.name));
        let next = refused.and_then(|parameter| {
            let tried = numbers.get(parameter.name);
            let index = tried.and_then(|tried| NUMBERS.iter().position(|number| number == tried));
            let next = NUMBERS.get(index.map_or(0, |index| index + 1))?;
            Some((parameter.name, *next))
        });
        // Ends: each round takes a number off the list of one parameter.
        let Some((name, number)) = next else {
            return Err(error.to_string());
        };
        numbers.insert(name, number);
    }
}

fn write_ports(
    text: &mut String,
    ports: &[PortInfo],
    numbers: &BTreeMap<&str, u8>,
) -> std::fmt::Result {
    let sample: Vec<String> = numbers
        .iter()
        .map(|(name, number)| format!("{name} {number}"))
        .collect();
    if sample.is_empty() {
        writeln!(text, "\nports")?;
    } else {
        writeln!(text, "\nports, for example with {}", sample.join(", "))?;
    }
    let width = ports.iter().map(|port| port.name.len()).max().unwrap_or(0);
    for port in ports {
        let direction = match port.direction {
            Direction::In => "in ",
            Direction::Out => "out",
        };
        let lanes = if port.lanes > 1 {
            format!(", {} lanes", port.lanes)
        } else {
            String::new()
        };
        let optional = if port.optional { ", optional" } else { "" };
        writeln!(
            text,
            "  {direction}  {:<width$}  {}{lanes}{optional}",
            port.name, port.signal
        )?;
    }
    Ok(())
}
