//! Small netlists, elaborated and compared by structure: who is wired to whom, and how.

use serde::Deserialize;
use std::collections::BTreeMap;
use tina_engine::{BuildError, Catalogue, Cycle, Effect, In, Module, Out, PortRef, Wiring};
use tina_sim::design::{Design, LoadOptions, load_text};

/// A module with the ports its parameters name, which does nothing.
struct Node {
    _inputs: Vec<In<u8>>,
    _outputs: Vec<Out<u8>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NodeParams {
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// Optional inputs and outputs of these names.
    optional: Vec<String>,
    /// Rows of outputs and their lengths.
    rows: Vec<(String, usize)>,
    rows_in: Vec<(String, usize)>,
    lanes: Option<u8>,
    tag: u64,
    mode: Mode,
    by_name: BTreeMap<String, f32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
enum Mode {
    #[default]
    Plain,
    Hot {
        node: u16,
    },
    Pair(i8, bool),
    One(u32),
}

impl Module for Node {
    const KIND: &'static str = "test.node";
    const SUMMARY: &'static str = "ports by parameter: any";
    type Params = NodeParams;

    fn build(params: NodeParams, wiring: &mut Wiring<'_>) -> Result<Self, BuildError> {
        if params.tag > 1000 {
            return Err(BuildError::param(
                "tag",
                format!("{} {:?}", params.tag, params.mode),
            ));
        }
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let lanes = params.lanes.unwrap_or(1);
        for name in &params.inputs {
            inputs.push(wiring.wide_input(name, lanes)?);
        }
        for name in &params.outputs {
            outputs.push(wiring.wide_output(name, lanes)?);
        }
        for name in &params.optional {
            inputs.push(wiring.optional_input(name)?);
            outputs.push(wiring.optional_output(name)?);
        }
        for (name, length) in &params.rows {
            outputs.extend(wiring.outputs(name, *length)?);
        }
        for (name, length) in &params.rows_in {
            inputs.extend(wiring.inputs(name, *length)?);
        }
        Ok(Self {
            _inputs: inputs,
            _outputs: outputs,
        })
    }

    fn clock(&mut self, _now: Cycle) -> Effect {
        Effect::Receive
    }
}

fn try_load(text: &str) -> Result<Design, String> {
    let catalogue = Catalogue::new().with::<Node>();
    load_text(
        "tests/good/text.ron",
        text,
        &LoadOptions::default(),
        &catalogue,
    )
    .map_err(|found| found.to_string())
}

fn elaborated(text: &str) -> Design {
    try_load(text).unwrap_or_else(|found| panic!("{found}"))
}

/// `instances` and `wires` in a netlist around them.
fn netlist(instances: &str, wires: &str) -> Design {
    elaborated(&format!(
        "Netlist(name: \"test\", params: {{\"n\": 3, \"hot\": Hot}},
         instances: {{{instances}}}, wires: [{wires}])"
    ))
}

/// Every wire as `from -> to`, sorted, one a line.
fn wires(design: &Design) -> String {
    let blueprint = &design.blueprint;
    let name = |port: PortRef| {
        let instance = &blueprint.instances[port.instance as usize];
        format!(
            "{}.{}",
            instance.path,
            instance.shape.ports[usize::from(port.port)].name
        )
    };
    let mut list: Vec<String> = blueprint
        .wires
        .iter()
        .map(|wire| format!("{} -> {}", name(wire.from), name(wire.to)))
        .collect();
    list.sort();
    list.join("\n")
}

#[test]
fn a_wire_repeats_over_its_variables() {
    let design = netlist(
        "\"a\": (kind: \"test.node\", array: [\"n\"], params: (rows: [(\"to\", \"n\")], rows_in: [(\"of\", \"n\")])),
         \"b\": (kind: \"test.node\", params: (optional: [\"x\"]))",
        "Wire(from: \"a[i].to[j]\", to: \"a[j].of[i]\", for: {\"i\": \"n\", \"j\": (0, \"n\")}, if: \"i != j\",
              latency: \"1 + max(i - j, j - i)\", depth: \"10 * i + j + 1\"),
         Each(from: \"a[0..1].to[0]\", to: \"a[0..1].of[0]\"),
         Wire(from: \"a[i].to[i]\", to: \"a[i].of[i]\", for: {\"i\": (1, \"n\")})",
    );
    insta::assert_snapshot!(wires(&design), @r"
    a[0].to[0] -> a[0].of[0]
    a[0].to[1] -> a[1].of[0]
    a[0].to[2] -> a[2].of[0]
    a[1].to[0] -> a[0].of[1]
    a[1].to[1] -> a[1].of[1]
    a[1].to[2] -> a[2].of[1]
    a[2].to[0] -> a[0].of[2]
    a[2].to[1] -> a[1].of[2]
    a[2].to[2] -> a[2].of[2]
    ");
    let first = design.blueprint.wires[0];
    assert_eq!(
        (first.depth, first.latency, first.credit, first.lanes),
        (2, 2, 2, 1)
    );
    let last = design.blueprint.wires[5];
    assert_eq!((last.depth, last.latency, last.credit), (22, 2, 2));
}

const PASS: &str = "params: (inputs: [\"in\"], outputs: [\"out\"])";

#[test]
fn chains_run_along_a_dimension_with_head_and_tail() {
    let design = netlist(
        &format!(
            "\"s\": (kind: \"test.node\", array: [2], params: (outputs: [\"out\"])),
             \"g\": (kind: \"test.node\", array: [3, 2], {PASS}),
             \"t\": (kind: \"test.node\", params: (rows_in: [(\"in\", 2)])),
             \"r\": (kind: \"test.node\", array: [2, 2], {PASS})"
        ),
        "Chain(of: \"g\", along: 0, head: \"s.out\", tail: \"t.in\"), Chain(of: \"r\", ring: true)",
    );
    insta::assert_snapshot!(wires(&design), @r"
    g[0][0].out -> g[1][0].in
    g[0][1].out -> g[1][1].in
    g[1][0].out -> g[2][0].in
    g[1][1].out -> g[2][1].in
    g[2][0].out -> t.in[0]
    g[2][1].out -> t.in[1]
    r[0][0].out -> r[0][1].in
    r[0][1].out -> r[0][0].in
    r[1][0].out -> r[1][1].in
    r[1][1].out -> r[1][0].in
    s[0].out -> g[0][0].in
    s[1].out -> g[0][1].in
    ");
}

#[test]
fn a_mesh_sends_north_what_arrives_from_the_south() {
    let design = netlist(
        "\"m\": (kind: \"test.node\", array: [2, 2], params: (optional: [\"north\", \"east\", \"south\", \"west\"]))",
        "Mesh(of: \"m\")",
    );
    insta::assert_snapshot!(wires(&design), @r"
    m[0][0].east -> m[0][1].west
    m[0][0].south -> m[1][0].north
    m[0][1].south -> m[1][1].north
    m[0][1].west -> m[0][0].east
    m[1][0].east -> m[1][1].west
    m[1][0].north -> m[0][0].south
    m[1][1].north -> m[0][1].south
    m[1][1].west -> m[1][0].east
    ");
}

#[test]
fn a_torus_has_no_border_and_names_its_ports_freely() {
    let design = netlist(
        "\"t\": (kind: \"test.node\", array: [1, 3], params: (
            inputs: [\"n_in\", \"east_in\", \"from_south\", \"west_in\"],
            outputs: [\"n_out\", \"east_out\", \"to_south\", \"west_out\"]))",
        "Torus(of: \"t\", north: \"n\", south: (out: \"to_south\", in: \"from_south\"))",
    );
    insta::assert_snapshot!(wires(&design), @r"
    t[0][0].east_out -> t[0][1].west_in
    t[0][0].n_out -> t[0][0].from_south
    t[0][0].to_south -> t[0][0].n_in
    t[0][0].west_out -> t[0][2].east_in
    t[0][1].east_out -> t[0][2].west_in
    t[0][1].n_out -> t[0][1].from_south
    t[0][1].to_south -> t[0][1].n_in
    t[0][1].west_out -> t[0][0].east_in
    t[0][2].east_out -> t[0][0].west_in
    t[0][2].n_out -> t[0][2].from_south
    t[0][2].to_south -> t[0][2].n_in
    t[0][2].west_out -> t[0][1].east_in
    ");
}

#[test]
fn grids_have_three_dimensions_too() {
    let ports = "params: (optional: [\"north\", \"east\", \"south\", \"west\", \"up\", \"down\"])";
    let design = netlist(
        &format!("\"c\": (kind: \"test.node\", array: [2, 3, 4], {ports})"),
        "Mesh(of: \"c\")",
    );
    assert_eq!(design.blueprint.wires.len(), 2 * (12 + 16 + 18));
    let all = wires(&design);
    assert!(all.contains("c[0][1][2].up -> c[1][1][2].down"), "{all}");
    assert!(all.contains("c[1][1][2].down -> c[0][1][2].up"), "{all}");
    assert!(
        all.contains("c[1][1][2].north -> c[1][0][2].south"),
        "{all}"
    );
    assert_eq!(design.blueprint.instances[23].index, [1, 2, 3]);
    assert_eq!(design.grid_of[5], [2, 3, 4]);
    let torus = netlist(
        &format!("\"c\": (kind: \"test.node\", array: [2, 3, 4], {ports})"),
        "Torus(of: \"c[*][*][1..4]\")",
    );
    assert_eq!(torus.blueprint.wires.len(), 6 * 18);
}

#[test]
fn fans_and_forks_flatten_rows() {
    let design = netlist(
        "\"s\": (kind: \"test.node\", array: [2], params: (outputs: [\"out\"])),
         \"f\": (kind: \"test.node\", array: [2], params: (inputs: [\"in\"], rows: [(\"out\", 3)])),
         \"w\": (kind: \"test.node\", array: [2, 3], params: (inputs: [\"in\"], outputs: [\"out\"])),
         \"j\": (kind: \"test.node\", params: (rows_in: [(\"in\", 6)]))",
        "Broadcast(from: \"s.out\", fork: \"f\", to: \"w.in\"),
         FanIn(from: \"w.out\", to: \"j.in\")",
    );
    insta::assert_snapshot!(wires(&design), @r"
    f[0].out[0] -> w[0][0].in
    f[0].out[1] -> w[0][1].in
    f[0].out[2] -> w[0][2].in
    f[1].out[0] -> w[1][0].in
    f[1].out[1] -> w[1][1].in
    f[1].out[2] -> w[1][2].in
    s[0].out -> f[0].in
    s[1].out -> f[1].in
    w[0][0].out -> j.in[0]
    w[0][1].out -> j.in[1]
    w[0][2].out -> j.in[2]
    w[1][0].out -> j.in[3]
    w[1][1].out -> j.in[4]
    w[1][2].out -> j.in[5]
    ");
}

#[test]
fn sub_netlists_nest_with_ports_and_parameters() {
    let design = elaborated(
        "Netlist(
            name: \"top\",
            clocks: {\"core\": \"1 GHz\", \"slow\": \"250 MHz\"},
            instances: {
                \"source\": (kind: \"test.node\", array: [2], params: (outputs: [\"out\"])),
                \"branch\": (netlist: \"branch.ron\", array: [2], params: (first: \"index + 1\"), clock: \"slow\"),
                \"leaf\": (netlist: \"leaf.ron\", shard: 5),
                \"end\": (kind: \"test.node\", params: (inputs: [\"in\"], outputs: [\"out\"])),
            },
            wires: [
                Each(from: \"source.out\", to: \"branch.in\", no_cut: true),
                Wire(from: \"end.out\", to: \"leaf.in\"),
                Wire(from: \"leaf.lane[0]\", to: \"end.in\"),
            ],
            results: {\"all\": Sum(\"branch[*].leaf.worker[*].count\")},
        )",
    );
    insta::assert_snapshot!(wires(&design), @r"
    branch[0].leaf.fork.out[0] -> branch[0].leaf.worker[0].in
    branch[0].leaf.fork.out[1] -> branch[0].leaf.worker[1].in
    branch[0].leaf.worker[0].out -> branch[0].join.in[0]
    branch[0].leaf.worker[1].out -> branch[0].join.in[1]
    branch[1].leaf.fork.out[0] -> branch[1].leaf.worker[0].in
    branch[1].leaf.fork.out[1] -> branch[1].leaf.worker[1].in
    branch[1].leaf.worker[0].out -> branch[1].join.in[0]
    branch[1].leaf.worker[1].out -> branch[1].join.in[1]
    end.out -> leaf.fork.in
    leaf.fork.out[0] -> leaf.worker[0].in
    leaf.worker[0].out -> end.in
    source[0].out -> branch[0].leaf.fork.in
    source[1].out -> branch[1].leaf.fork.in
    ");
    let described: Vec<String> = (design.blueprint.instances.iter().zip(&design.shard_of))
        .zip(&design.grid_of)
        .map(|((instance, shard), grid)| {
            format!(
                "{} {} {:?} of {grid:?} {shard:?}",
                instance.path, instance.domain, instance.index
            )
        })
        .collect();
    insta::assert_snapshot!(described.join("\n"), @r"
    source[0] 0 [0, 0, 0] of [2, 1, 1] None
    source[1] 0 [1, 0, 0] of [2, 1, 1] None
    branch[0].leaf.fork 1 [0, 0, 0] of [2, 1, 1] Some(3)
    branch[0].leaf.worker[0] 1 [0, 0, 0] of [2, 1, 1] Some(3)
    branch[0].leaf.worker[1] 1 [1, 0, 0] of [2, 1, 1] Some(3)
    branch[0].leaf.extra 1 [0, 0, 0] of [2, 1, 1] Some(3)
    branch[0].join 1 [0, 0, 0] of [2, 1, 1] None
    branch[1].leaf.fork 1 [1, 0, 0] of [2, 1, 1] Some(3)
    branch[1].leaf.worker[0] 1 [0, 0, 0] of [2, 1, 1] Some(3)
    branch[1].leaf.worker[1] 1 [1, 0, 0] of [2, 1, 1] Some(3)
    branch[1].leaf.extra 1 [1, 0, 0] of [2, 1, 1] Some(3)
    branch[1].join 1 [1, 0, 0] of [2, 1, 1] None
    leaf.fork 0 [0, 0, 0] of [1, 1, 1] Some(5)
    leaf.worker[0] 0 [0, 0, 0] of [1, 1, 1] Some(5)
    leaf.extra 0 [0, 0, 0] of [1, 1, 1] Some(5)
    end 0 [0, 0, 0] of [1, 1, 1] None
    ");
    let no_cut: Vec<u32> = design.no_cut.clone();
    let from: Vec<u32> = no_cut
        .iter()
        .map(|&wire| design.blueprint.wires[wire as usize].from.instance)
        .collect();
    assert_eq!(from, [0, 1]);
    assert_eq!(design.totals[0].instances(), [3, 4, 8, 9]);
    assert_eq!(design.blueprint.domains.len(), 2);
}

/// The parameters of `a`, as its refusal to be built prints them.
fn refused(params: &str) -> String {
    let text = format!(
        "Netlist(name: \"x\", params: {{\"n\": 3, \"hot\": Plain, \"yes\": \"n == 3\"}},
         instances: {{\"a\": (kind: \"test.node\", params: (tag: \"n * 1000\", {params}))}})"
    );
    try_load(&text).map(|design| design.name).unwrap_err()
}

#[test]
fn parameters_are_any_serde_type() {
    for (params, expected) in [
        ("mode: Hot(node: \"n + 1\")", "Hot { node: 4 }"),
        ("mode: Pair(\"-n\", \"yes\")", "Pair(-3, true)"),
        ("mode: One(\"1 << n\")", "One(8)"),
        ("mode: \"hot\"", "Plain"),
        (
            "lanes: None, by_name: {\"x\": \"n / 2.0\", \"y\": 1}",
            "Plain",
        ),
        ("lanes: Some(\"n\")", "Plain"),
        ("lanes: 2", "Plain"),
    ] {
        let found = refused(params);
        assert!(
            found.contains(&format!("refuses `tag`: 3000 {expected}")),
            "{params}: {found}"
        );
    }
    for (params, expected) in [
        ("mode: Hot(nodes: 1)", "no parameter is called `nodes`"),
        ("mode: Hot(node: 70000)", "70000; it must be 0 to 65535"),
        ("mode: Hot", "this variant holds fields"),
        ("mode: Plain(1)", "this variant holds nothing"),
        ("mode: Pair(1)", "this variant holds 2 values"),
        ("rows: [(\"x\", 1, 2)]", "expected 2 values"),
        ("by_name: {\"x\": \"1 / 2\"}", "drops a remainder"),
        ("outputs: \"x\"", "expected a list"),
        ("outputs: [x]", "expected a string"),
        ("tag: 1, tag: 2", "given twice"),
    ] {
        let found = refused(params);
        assert!(found.contains(expected), "{params}: {found}");
    }
}

#[test]
fn lanes_default_to_the_wider_port() {
    let design = netlist(
        "\"a\": (kind: \"test.node\", params: (outputs: [\"x\", \"y\"], lanes: 4)),
         \"b\": (kind: \"test.node\", params: (inputs: [\"x\", \"y\"]))",
        "Wire(from: \"a.x\", to: \"b.x\", depth: 8), Wire(from: \"a.y\", to: \"b.y\", lanes: 2, depth: 3)",
    );
    let lanes: Vec<u8> = design
        .blueprint
        .wires
        .iter()
        .map(|wire| wire.lanes)
        .collect();
    assert_eq!(lanes, [4, 2]);
    assert_eq!(design.rate_caps.len(), 1, "{:?}", design.rate_caps);
}

#[test]
fn caps_and_unused_parameters_are_warnings() {
    let design = netlist(
        &format!("\"a\": (kind: \"test.node\", array: [4], {PASS})"),
        "Chain(of: \"a\", ring: true, depth: 1, latency: 2)",
    );
    insta::assert_snapshot!(design.warnings, @r#"
    warning[N0090]: parameter `n` is never used
     --> tests/good/text.ron:1:33
      |
    1 | Netlist(name: "test", params: {"n": 3, "hot": Hot},
      |                                 ^ unused

    warning[N0090]: parameter `hot` is never used
     --> tests/good/text.ron:1:41
      |
    1 | Netlist(name: "test", params: {"n": 3, "hot": Hot},
      |                                         ^^^ unused
    "#);
    let [cap] = design.rate_caps.as_slice() else {
        panic!("{:?}", design.rate_caps)
    };
    assert_eq!(
        cap.to_string(),
        "`a[0].out` to `a[1].in` and 3 more: depth 1 caps the rate at 1/4 item per edge"
    );
    assert_eq!(cap.depth_needed, 4);
    assert!(
        design
            .rate_cap_warnings()
            .to_string()
            .starts_with("warning[N0091]")
    );
}
