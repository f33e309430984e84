//! The ports an instance offers to wires, whether it is a module or a whole sub-netlist.

use tina_engine::{Direction, PortInfo, PortRef, Shape};

/// A port and where it leads.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    /// Its name outside, direction, signal, lanes.
    pub(crate) info: PortInfo,
    /// The port of a module, the instance counted from the first one of the owner.
    pub(crate) inner: PortRef,
}

/// Ports with one name: a single one, or a row `name[0]`, `name[1]`, ...
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) direction: Direction,
    pub(crate) indexed: bool,
    /// Numbers of the ports, in order.
    pub(crate) ports: Vec<u16>,
}

/// All ports of an instance, by number and by name.
#[derive(Debug, Default)]
pub(crate) struct Interface {
    pub(crate) ports: Vec<Port>,
    pub(crate) rows: Vec<Row>,
}

impl Interface {
    /// The ports of a module.
    pub(crate) fn of_shape(shape: &Shape) -> Self {
        let mut interface = Self::default();
        for (number, info) in shape.ports.iter().enumerate() {
            interface.add(Port {
                info: info.clone(),
                inner: PortRef {
                    instance: 0,
                    port: number as u16,
                },
            });
        }
        interface
    }

    /// Adds a port; `name[n]` joins the row `name` when it continues it.
    pub(crate) fn add(&mut self, port: Port) {
        let number = self.ports.len() as u16;
        let direction = port.info.direction;
        let (name, index) = split(&port.info.name);
        let row = self
            .rows
            .iter_mut()
            .rev()
            .find(|row| row.name == name && row.direction == direction);
        match (row, index) {
            (Some(row), Some(index)) if row.indexed && row.ports.len() == index => {
                row.ports.push(number)
            }
            (None, Some(0)) => {
                let name = name.to_owned();
                self.rows.push(Row {
                    name,
                    direction,
                    indexed: true,
                    ports: vec![number],
                });
            }
            _ => {
                let name = port.info.name.clone();
                self.rows.push(Row {
                    name,
                    direction,
                    indexed: false,
                    ports: vec![number],
                });
            }
        }
        self.ports.push(port);
    }

    /// The row or single port of this name and direction.
    pub(crate) fn row(&self, name: &str, direction: Direction) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.direction == direction && row.name == name)
    }
}

/// `in[3]` as `in` and 3.
fn split(name: &str) -> (&str, Option<usize>) {
    let parts = name.strip_suffix(']').and_then(|name| name.split_once('['));
    match parts.map(|(base, index)| (base, index.parse())) {
        Some((base, Ok(index))) => (base, Some(index)),
        _ => (name, None),
    }
}
