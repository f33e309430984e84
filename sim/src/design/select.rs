//! Selections of instances and ports, as lists of ends with a shape.

use super::interface::Interface;
use super::level::{Item, Level};
use super::scope::Scope;
use crate::diagnostic::{Code, Diagnostic, Refusal, Span};
use crate::netlist::endpoint::{Endpoint, PortSelection, Selection, Selector};
use tina_engine::Direction;

/// Why there is no selection: a diagnostic, or nothing where the instance is broken already.
pub(crate) type Trouble = Option<Refusal>;

/// A port of an element of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) element: u32,
    pub(crate) port: u16,
}

/// Things in row-major order and their shape; one thing has no dimensions.
pub(crate) struct Picked<T> {
    pub(crate) shape: Vec<u32>,
    pub(crate) list: Vec<T>,
}

/// Remembers the port of the interface asked for last: neighbours mostly share theirs.
#[derive(Default)]
pub(crate) struct PortCache {
    known: Option<(u32, Vec<u16>)>,
    row: bool,
}

/// First and number of the chosen of a dimension, and whether the dimension stays.
type Range = (u32, u32, bool);

fn range(
    selector: &Selector,
    size: u32,
    what: &dyn Fn() -> String,
    span: Span,
    scope: &Scope<'_>,
) -> Result<Range, Refusal> {
    let check = |expression, most: u32| -> Result<u32, Refusal> {
        let any = i128::MIN..=i128::MAX;
        let value = scope.integer(expression, "an index", any)?;
        if (0..=i128::from(most)).contains(&value) {
            return Ok(value as u32);
        }
        let message = format!(
            "index {value} is out of range: {} has {size}, from 0 to {}",
            what(),
            size - 1
        );
        Err(Diagnostic::error(Code::IndexOutOfRange, message)
            .at(expression.span(), format!("this is {value}"))
            .into())
    };
    match selector {
        Selector::All => Ok((0, size, true)),
        Selector::One(expression) => Ok((check(expression, size - 1)?, 1, false)),
        Selector::Range(first, end) => {
            let (first, end) = (check(first, size)?, check(end, size)?);
            if first >= end {
                let message = format!("the range {first}..{end} of {} is empty", what());
                return Err(Diagnostic::error(Code::IndexOutOfRange, message)
                    .at(span, "")
                    .into());
            }
            Ok((first, end - first, true))
        }
    }
}

impl<'a> Level<'a> {
    fn item(&self, selection: &Selection) -> Result<&Item<'a>, Trouble> {
        let name = selection.instance.text.as_str();
        if let Some(&number) = self.item_of.get(name) {
            return Ok(&self.items[number]);
        }
        if self.broken.contains(name) {
            return Err(None);
        }
        let known = self.items.iter().map(|item| item.name.text.as_str());
        let message = format!("no instance is called `{name}`");
        Err(Some(
            Diagnostic::error(Code::UnknownInstance, message)
                .at(selection.instance.span, "unknown instance")
                .suggest(name, known)
                .into(),
        ))
    }

    fn ranges(
        &self,
        selection: &Selection,
        scope: &Scope<'_>,
    ) -> Result<(&Item<'a>, Vec<Range>), Trouble> {
        let item = self.item(selection)?;
        let name = &item.name.text;
        let (given, have) = (selection.index.len(), item.sizes.len());
        if given > have {
            let message = match have {
                0 => format!("`{name}` is a single instance, {given} indices are given"),
                1 => format!("`{name}` has one dimension, {given} indices are given"),
                _ => format!("`{name}` has {have} dimensions, {given} indices are given"),
            };
            return Err(Some(
                Diagnostic::error(Code::IndexOutOfRange, message)
                    .at(selection.span, "")
                    .also(item.name.span, "declared here")
                    .into(),
            ));
        }
        let mut ranges = Vec::with_capacity(have);
        for (dimension, &size) in item.sizes.iter().enumerate() {
            let selector = selection.index.get(dimension).unwrap_or(&Selector::All);
            let what = || match have {
                1 => format!("`{name}`"),
                _ => format!("dimension {dimension} of `{name}`"),
            };
            ranges.push(range(selector, size, &what, selection.span, scope)?);
        }
        Ok((item, ranges))
    }

    /// Elements of an array.
    pub(crate) fn pick(
        &self,
        selection: &Selection,
        scope: &Scope<'_>,
    ) -> Result<Picked<u32>, Trouble> {
        let (item, ranges) = self.ranges(selection, scope)?;
        let shape = ranges
            .iter()
            .filter(|range| range.2)
            .map(|range| range.1)
            .collect();
        let mut list = vec![0];
        for (&(first, count, _), &size) in ranges.iter().zip(&item.sizes) {
            if count == 1 {
                list.iter_mut()
                    .for_each(|number| *number = *number * size + first);
            } else {
                let start = list;
                list = Vec::with_capacity(start.len() * count as usize);
                for number in start {
                    list.extend((first..first + count).map(|index| number * size + index));
                }
            }
        }
        list.iter_mut()
            .for_each(|number| *number += item.first_element);
        Ok(Picked { shape, list })
    }

    /// Whether an endpoint names inputs, outputs, or one of each.
    pub(crate) fn directions(
        &self,
        endpoint: &Endpoint,
        scope: &Scope<'_>,
    ) -> Result<Vec<Direction>, Trouble> {
        let elements = self.pick(&endpoint.of, scope)?;
        let element = self.elements[elements.list[0] as usize];
        let interface = &self.interfaces[element.interface as usize];
        let name = &endpoint.port.name;
        let mut directions = vec![Direction::In, Direction::Out];
        directions.retain(|&direction| interface.row(&name.text, direction).is_some());
        if directions.is_empty() {
            let item = self.item_with(elements.list[0]);
            let message = format!("`{}` has no port `{}`", item.name.text, name.text);
            let diagnostic =
                Diagnostic::error(Code::UnknownPort, message).at(name.span, "unknown port");
            let known = interface.rows.iter().map(|row| row.name.as_str());
            return Err(Some(diagnostic.suggest(&name.text, known).into()));
        }
        Ok(directions)
    }

    /// Ports of elements of an array; a row of ports that is not indexed is a last dimension.
    pub(crate) fn pick_ports(
        &self,
        endpoint: &Endpoint,
        direction: Direction,
        scope: &Scope<'_>,
    ) -> Result<Picked<End>, Trouble> {
        let elements = self.pick(&endpoint.of, scope)?;
        let mut cache = PortCache::default();
        let mut list = Vec::with_capacity(elements.list.len());
        let mut width = None;
        for element in elements.list {
            let ports = self.ports(element, &endpoint.port, direction, scope, &mut cache)?;
            if *width.get_or_insert(ports.len()) != ports.len() {
                let message = format!(
                    "the rows `{}` of these instances differ in length",
                    endpoint.port.name.text
                );
                return Err(Some(
                    Diagnostic::error(Code::ShapeMismatch, message)
                        .at(endpoint.span, "give an index or a range for the ports")
                        .into(),
                ));
            }
            list.extend(ports.iter().map(|&port| End { element, port }));
        }
        let mut shape = elements.shape;
        if cache.row {
            shape.push(width.unwrap_or(0) as u32);
        }
        Ok(Picked { shape, list })
    }

    /// The one port of one element that an endpoint names.
    pub(crate) fn one_port(
        &self,
        endpoint: &Endpoint,
        direction: Direction,
        scope: &Scope<'_>,
        cache: &mut PortCache,
    ) -> Result<End, Trouble> {
        let (item, ranges) = self.ranges(&endpoint.of, scope)?;
        let mut element = 0;
        for (dimension, (&(first, count, _), &size)) in ranges.iter().zip(&item.sizes).enumerate() {
            if count > 1 {
                let message = format!("`{}` is an array; `Wire` joins two ports", item.name.text);
                return Err(Some(
                    Diagnostic::error(Code::ShapeMismatch, message)
                        .at(
                            endpoint.span,
                            format!("dimension {dimension} of {size} has no index"),
                        )
                        .help("give an index for each dimension, or use `Each` for all elements")
                        .into(),
                ));
            }
            element = element * size + first;
        }
        let element = item.first_element + element;
        let port = self.single(element, &endpoint.port, direction, scope, cache)?;
        Ok(End { element, port })
    }

    /// The one port of an element.
    pub(crate) fn single(
        &self,
        element: u32,
        port: &PortSelection,
        direction: Direction,
        scope: &Scope<'_>,
        cache: &mut PortCache,
    ) -> Result<u16, Trouble> {
        let ports = self.ports(element, port, direction, scope, cache)?;
        match ports {
            [port] => Ok(*port),
            _ => Err(Some(
                Diagnostic::error(
                    Code::ShapeMismatch,
                    format!("`{}` is a row of {} ports", port.name.text, ports.len()),
                )
                .at(port.name.span, "one port is needed here")
                .help(format!("give an index: `{}[0]`", port.name.text))
                .into(),
            )),
        }
    }

    /// The ports of an element that a port selection names.
    pub(crate) fn ports<'c>(
        &self,
        element: u32,
        port: &PortSelection,
        direction: Direction,
        scope: &Scope<'_>,
        cache: &'c mut PortCache,
    ) -> Result<&'c [u16], Trouble> {
        let number = self.elements[element as usize].interface;
        let constant = matches!(port.index, Selector::All);
        let hit = constant
            && cache
                .known
                .as_ref()
                .is_some_and(|(known, _)| *known == number);
        if !hit {
            let interface = &self.interfaces[number as usize];
            let Some(row) = interface.row(&port.name.text, direction) else {
                return Err(Some(self.no_port(element, interface, port, direction)));
            };
            let row_range = match (row.indexed, &port.index) {
                (true, selector) => {
                    let what = || format!("the row `{}`", port.name.text);
                    range(
                        selector,
                        row.ports.len() as u32,
                        &what,
                        port.name.span,
                        scope,
                    )?
                }
                (false, Selector::All) => (0, 1, false),
                (false, Selector::One(index) | Selector::Range(index, _)) => {
                    let message = format!("`{}` is a single port, not a row", port.name.text);
                    return Err(Some(
                        Diagnostic::error(Code::IndexOutOfRange, message)
                            .at(index.span(), "no index is possible")
                            .into(),
                    ));
                }
            };
            let (first, count, stays) = row_range;
            cache.row = stays;
            let chosen = row.ports[first as usize..][..count as usize].to_vec();
            cache.known = Some((number, chosen));
        }
        Ok(&cache.known.as_ref().expect("set above where it was not").1)
    }

    fn no_port(
        &self,
        element: u32,
        interface: &Interface,
        port: &PortSelection,
        direction: Direction,
    ) -> Refusal {
        let item = self.item_with(element);
        let name = &port.name.text;
        let (wanted, other) = match direction {
            Direction::In => ("input", Direction::Out),
            Direction::Out => ("output", Direction::In),
        };
        if interface.row(name, other).is_some() {
            let (found, field) = match direction {
                Direction::In => ("an output", "`to` needs an input"),
                Direction::Out => ("an input", "`from` needs an output"),
            };
            let message = format!("`{}.{name}` is {found}; {field}", item.name.text);
            return Diagnostic::error(Code::Direction, message)
                .at(port.name.span, found)
                .into();
        }
        let known = interface
            .rows
            .iter()
            .filter(|row| row.direction == direction);
        Diagnostic::error(
            Code::UnknownPort,
            format!("`{}` has no {wanted} `{name}`", item.name.text),
        )
        .at(port.name.span, format!("unknown {wanted}"))
        .suggest(name, known.map(|row| row.name.as_str()))
        .into()
    }

    /// The array an element belongs to.
    pub(crate) fn item_with(&self, element: u32) -> &Item<'a> {
        let after = self
            .items
            .partition_point(|item| item.first_element <= element);
        &self.items[after - 1]
    }

    /// Path of an element within this netlist.
    pub(crate) fn element_path(&self, element: u32) -> String {
        let item = self.item_with(element);
        let mut rest = element - item.first_element;
        let mut index: Vec<u32> = Vec::new();
        for &size in item.sizes.iter().rev() {
            index.push(rest % size);
            rest /= size;
        }
        let brackets: String = index
            .iter()
            .rev()
            .map(|index| format!("[{index}]"))
            .collect();
        format!("{}{brackets}", item.name.text)
    }

    /// Path of a port within this netlist.
    pub(crate) fn port_path(&self, end: End) -> String {
        let interface = &self.interfaces[self.elements[end.element as usize].interface as usize];
        format!(
            "{}.{}",
            self.element_path(end.element),
            interface.ports[usize::from(end.port)].info.name
        )
    }
}
