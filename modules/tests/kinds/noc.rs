//! The mesh: routes, fair turns, back-pressure, and packets that should not exist.

use crate::rig::{ALWAYS, Pace, Payload, Ran, Recorder, Script, run_of};
use tina_engine::{Catalogue, FaultCause, Outcome};
use tina_modules::noc::{
    Generator, GeneratorParams, MeshParams, Packet, PacketSink, Pattern, Routed, Router,
};
use tina_modules::{Assembly, AssemblyError, InstanceId, Site, WireShape};

impl Payload for Packet {
    const SCRIPT: &'static str = "test.packet_script";
    const RECORDER: &'static str = "test.packet_recorder";
    /// Destination in the lowest 12 bits, source above.
    fn of(number: u64) -> Self {
        Packet::new(number as u32 & 0xfff, (number >> 12) as u32, 0)
    }
    fn number(self) -> u64 {
        self.word(12)
    }
}

fn kinds() -> Catalogue {
    crate::rig::kinds()
        .with::<Script<Packet>>()
        .with::<Recorder<Packet>>()
}

const WIRE: WireShape = WireShape {
    depth: 4,
    latency: 1,
    credit: 1,
    lanes: 1,
};

/// A mesh of routers; `ends` puts something on the local ports of each.
fn mesh(
    assembly: &mut Assembly<'_>,
    (width, height): (u32, u32),
    mut ends: impl FnMut(&mut Assembly<'_>, u32, InstanceId) -> Result<(), AssemblyError>,
) -> Result<(), AssemblyError> {
    let params = MeshParams {
        width,
        height,
        node: None,
    };
    let mut routers = Vec::new();
    for node in 0..width * height {
        let (y, x) = (node / width, node % width);
        let site = Site {
            path: format!("router[{y}][{x}]"),
            index: [y, x, 0],
            domain: 0,
        };
        let router = assembly.add::<Router<Packet>>(site, params)?;
        if x > 0 {
            let west = routers[node as usize - 1];
            assembly.wire((router, "west"), (west, "east"), WIRE)?;
            assembly.wire((west, "east"), (router, "west"), WIRE)?;
        }
        if y > 0 {
            let north = routers[(node - width) as usize];
            assembly.wire((router, "north"), (north, "south"), WIRE)?;
            assembly.wire((north, "south"), (router, "north"), WIRE)?;
        }
        routers.push(router);
    }
    (0..width * height).try_for_each(|node| ends(assembly, node, routers[node as usize]))
}

/// Node n sends `sends[n]`, a list of destinations; what arrives at n is recorded at `pace`.
fn traffic(size: (u32, u32), sends: &[&[u64]], pace: Pace) -> Ran {
    run_of(&kinds(), 400, |assembly| {
        mesh(assembly, size, |assembly, node, router| {
            let destinations = sends[node as usize].iter();
            let items = destinations
                .map(|to| (0, to | u64::from(node) << 12))
                .collect();
            let source = assembly.add::<Script<Packet>>(&*format!("source[{node}]"), items)?;
            assembly.wire((source, "out"), (router, "local_in"), WIRE)?;
            let end = assembly.add::<Recorder<Packet>>(&*format!("end[{node}]"), pace)?;
            assembly.wire((router, "local_out"), (end, "in"), WIRE)
        })
    })
}

/// (cycle, source) of what arrived at `node`.
fn arrivals(ran: &Ran, node: u32) -> Vec<(u64, u64)> {
    let all = ran.of(&format!("end[{node}]"));
    assert!(
        all.iter().all(|(_, word)| word & 0xfff == u64::from(node)),
        "{all:x?}"
    );
    all.into_iter()
        .map(|(cycle, word)| (cycle, word >> 12 & 0xfff))
        .collect()
}

#[test]
fn every_pair_of_nodes_is_connected_by_the_shortest_way() {
    let (width, height) = (4u64, 3u64);
    for from in 0..12usize {
        for to in 0..12u64 {
            let mut sends = [&[][..]; 12];
            let send = [to];
            sends[from] = &send;
            let ran = traffic((4, 3), &sends, ALWAYS);
            let (x, y) = (from as u64 % width, from as u64 / width);
            let hops = x.abs_diff(to % width) + y.abs_diff(to / width);
            // Pushed in cycle 0; each router and the last wire take one cycle.
            assert_eq!(
                arrivals(&ran, to as u32),
                [(hops + 2, from as u64)],
                "{from} to {to}"
            );
            assert!(height > to / width && ran.seen.len() == 1);
        }
    }
}

#[test]
fn inputs_of_an_output_take_turns() {
    // A row of three: both ends and the middle itself send to the middle.
    let ran = traffic((3, 1), &[&[1; 4], &[1; 4], &[1; 4]], ALWAYS);
    let sources: Vec<u64> = arrivals(&ran, 1)
        .into_iter()
        .map(|(_, source)| source)
        .collect();
    // Local comes first because the others have a wire more to go; then east, west, local in turn.
    assert_eq!(sources, [1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn packets_wait_for_a_slow_reader_and_none_is_lost() {
    let all: Vec<u64> = (0..10).collect();
    let sends: Vec<&[u64]> = vec![&all[..9]; 9];
    let ran = traffic((3, 3), &sends, Pace { from: 5, every: 7 });
    for node in 0..9 {
        let mut sources: Vec<u64> = arrivals(&ran, node).into_iter().map(|a| a.1).collect();
        sources.sort_unstable();
        assert_eq!(sources, (0..9).collect::<Vec<_>>(), "node {node}");
    }
}

#[test]
fn a_destination_outside_the_mesh_crashes_the_router_it_enters() {
    let ran = traffic((2, 1), &[&[1], &[2]], ALWAYS);
    let Outcome::Faulted(faults) = &ran.outcome else {
        panic!("no fault")
    };
    let crash = FaultCause::Crash("a packet's destination is no node of this mesh");
    assert_eq!((faults.len(), &faults[0].cause), (1, &crash));
}

#[test]
fn a_source_outside_the_mesh_crashes_the_router_it_enters() {
    let ran = traffic((2, 1), &[&[1 | 4 << 12], &[]], ALWAYS);
    let Outcome::Faulted(faults) = &ran.outcome else {
        panic!("no fault")
    };
    let crash = FaultCause::Crash("a packet's source is no node of this mesh");
    assert_eq!((faults.len(), &faults[0].cause), (1, &crash));
}

/// A mesh of generators and sinks for 300 cycles.
fn generated(side: u32, rate: f64, pattern: Pattern) -> Ran {
    run_of(&kinds(), 300, |assembly| {
        mesh(assembly, (side, side), |assembly, node, router| {
            let here = Some(node);
            let traffic = GeneratorParams {
                width: side,
                height: side,
                node: here,
                rate,
                pattern,
            };
            let place = MeshParams {
                width: side,
                height: side,
                node: here,
            };
            let generator = assembly.add::<Generator>(&*format!("generator[{node}]"), traffic)?;
            let sink = assembly.add::<PacketSink>(&*format!("sink[{node}]"), place)?;
            assembly.wire((generator, "out"), (router, "local_in"), WIRE)?;
            assembly.wire((router, "local_out"), (sink, "in"), WIRE)
        })
    })
}

#[test]
fn generators_follow_their_rate_and_pattern() {
    let sum = |ran: &Ran, of: &str, name: &str| -> u64 {
        (0..9)
            .map(|node| ran.result(&format!("{of}[{node}]"), name))
            .sum()
    };
    let silent = generated(3, 0.0, Pattern::Uniform);
    assert_eq!(sum(&silent, "generator", "sent"), 0);
    let uniform = generated(3, 0.1, Pattern::Uniform);
    assert!((200..340).contains(&sum(&uniform, "generator", "sent")));
    let rare = generated(3, 0.0005, Pattern::Uniform);
    assert!(sum(&rare, "generator", "sent") < 10);
    let transposed = generated(3, 1.0, Pattern::Transpose);
    for node in [0, 4, 8] {
        assert_eq!(
            transposed.result(&format!("generator[{node}]"), "sent"),
            0,
            "writes to itself"
        );
    }
    let opposite = generated(3, 1.0, Pattern::Opposite);
    assert_eq!(
        opposite.result("generator[4]", "sent"),
        0,
        "writes to itself"
    );
    for ran in [uniform, transposed, opposite] {
        let (sent, delivered) = (
            sum(&ran, "generator", "sent"),
            sum(&ran, "sink", "delivered"),
        );
        assert!(delivered > 0 && delivered <= sent && sent - delivered < 9 * 6 * 4);
    }
}

#[test]
fn packets_say_where_they_go() {
    assert_eq!(Packet::new(77, 3, 9).destination(), 77);
}
