//! `tina-hw list`.

use super::arguments::ListArguments;
use super::failure::Failure;
use super::parameters::{Parameter, parameters, sample};
use super::table;
use super::terminal::print;
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
    /// As similar as a slip of the finger or two.
    const SIMILAR: f64 = 0.75;
    let families = catalogue
        .kinds()
        .iter()
        .filter_map(|kind| kind.name().split('.').next());
    let near = catalogue
        .kinds()
        .iter()
        .map(Kind::name)
        .chain(families)
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|&(similarity, _)| similarity > SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
    let hint = near.map_or("`tina-hw list` shows all".to_owned(), |(_, known)| {
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
        Ok(ports) => {
            write_ports(&mut text, &ports, &parameters).expect("writing to a string succeeds")
        }
        Err(reason) => {
            writeln!(text, "\nports depend on the parameters ({reason})")
                .expect("writing to a string succeeds");
        }
    }
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

/// The ports of a kind with sample parameters.
fn ports(kind: &Kind, parameters: &[Parameter]) -> Result<Vec<PortInfo>, String> {
    let params = sample(kind, parameters)?;
    let mut probe = Probe::new().map_err(|error| error.to_string())?;
    let place = Place {
        path: "sample",
        index: [0; 3],
        instance: 0,
        seed: 0,
    };
    let shape = kind.shape(&params, place, &Resources::default(), &mut probe);
    shape
        .map(|shape| shape.ports)
        .map_err(|error| error.to_string())
}

fn write_ports(
    text: &mut String,
    ports: &[PortInfo],
    parameters: &[Parameter],
) -> std::fmt::Result {
    let sampled: Vec<&str> = parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name)
        .collect();
    if sampled.is_empty() {
        writeln!(text, "\nports")?;
    } else {
        writeln!(text, "\nports, with a sample of {}", sampled.join(", "))?;
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
