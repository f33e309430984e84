//! `plot` and `graph`: what is drawn, and what is said where nothing can be.
#![forbid(unsafe_code)]

mod common;

use common::tina;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// As ModelSim and Verilator write it: odd scopes, an escaped name, x and z, a real, text, an event.
const ODD: &str = r#"$date
   today
$end
$version another tool $end
$timescale 1ps $end
$scope module tb $end
$var reg 1 ! clk $end
$scope begin \gen[0] $end
$var wire 8 " data [7:0] $end
$var wire 1 # \odd.name $end
$var real 64 $ volts $end
$upscope $end
$scope task $unnamed $end
$var string 1 % state $end
$var event 1 & go $end
$upscope $end
$upscope $end
$enddefinitions $end
$dumpvars
0!
bx "
z#
r0.5 $
$end
#10
1!
b1010 "
sIDLE %
1&
#20
0!
b1z10 "
1#
#30
1!
r1.25 $
sRUN %
#40
0!
bz "
1&
"#;

/// A row of sources and sinks.
const ROW: &str = r#"// Sources and sinks.
Netlist(
    name: "row",
    cycles: 50,
    instances: {
        "source": (kind: "flow.source", array: [4]),
        "sink": (kind: "flow.sink", array: [4]),
    },
    wires: [Each(from: "source.out", to: "sink.in")],
)
"#;

fn folder(name: &str) -> PathBuf {
    common::folder(
        name,
        &[
            ("odd.vcd", ODD),
            ("row.ron", ROW),
            ("cut.vcd", &ODD[..200]),
            ("empty.fst", ""),
        ],
    )
}

#[test]
fn a_trace_of_another_tool_is_drawn_in_letters() {
    let folder = folder("plot_text");
    let (out, err, code) = tina(
        &folder,
        "plot odd.vcd --text --ascii --width 60 --cursor 20ps",
    );
    assert_eq!((err.as_str(), code), ("", 0));
    insta::assert_snapshot!("plot_text", out);
}

#[test]
fn pictures_are_written_and_say_what_they_show() {
    let folder = folder("plot_picture");
    for name in ["wave.svg", "wave.png"] {
        let answer = tina(
            &folder,
            &format!("plot odd.vcd -s gen -s go --analog volts -w 0..30 -o {name}"),
        );
        assert_eq!(answer, (String::new(), String::new(), 0));
    }
    let svg = fs::read_to_string(folder.join("wave.svg")).unwrap();
    for text in [">data[7:0]<", ">0a<", ">go<", "0 to 30 ps<", ">0 ps<"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(
        fs::read(folder.join("wave.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
}

#[test]
fn a_recorded_run_is_plotted_and_its_netlist_drawn() {
    let folder = folder("plot_run");
    let done =
        |arguments: &str| assert_eq!(tina(&folder, arguments), (String::new(), String::new(), 0));
    done("run row.ron --quiet --trace row.fst --stats row.json");
    done("plot row.fst -s source[*].out.valid --heat=mean -o heat.svg");
    done("plot row.json -s sink[*].count --heat -o count.svg");
    done("plot row.fst --rows 2 -o wave.svg");
    done("graph row.ron --shards 2 -o net.svg");
    let heat = fs::read_to_string(folder.join("heat.svg")).unwrap();
    assert!(heat.contains("source[3]: "), "{heat}");
    let wave = fs::read_to_string(folder.join("wave.svg")).unwrap();
    assert!(wave.contains("are folded into"), "{wave}");
    let net = fs::read_to_string(folder.join("net.svg")).unwrap();
    for text in [">source × 4<", ">flow.sink<", ">shard 1<", ">× 4"] {
        assert!(net.contains(text), "{text}: {net}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let folder = folder("plot_errors");
    fs::write(
        folder.join("several.json"),
        r#"{"instances": {"a[0]": {"x": 1, "y": 2}}}"#,
    )
    .unwrap();
    fs::write(folder.join("other.json"), "{}").unwrap();
    let mut said = String::new();
    for arguments in [
        "plot odd.vcd",
        "plot odd.vcd -o wave.pgn",
        "plot odd.vcd -o wave",
        "plot odd.vcd -o missing/wave.svg",
        "plot odd.vcd --text -s tb.clkk",
        "plot odd.vcd --text -s tb..clk",
        "plot odd.vcd --text -w 5..5",
        "plot odd.vcd --text -w 50..60",
        "plot odd.vcd --text -w 5",
        "plot odd.vcd --text -w 5years..",
        "plot odd.vcd --text --cursor 99",
        "plot odd.vcd --text --rows 0",
        "plot odd.vcd --heat",
        "plot odd.vcd -s clk --heat -o heat.svg",
        "plot cut.vcd --text",
        "plot empty.fst --text",
        "plot missing.vcd --text",
        "plot row.ron --text",
        "plot other.json -o wave.svg",
        "plot other.json --heat -o heat.svg",
        "plot several.json --heat -o heat.svg",
        "graph row.ron -o net.pdf",
        "graph row.ron -o missing/net.svg",
    ] {
        let (out, err, code) = tina(&folder, arguments);
        assert_eq!((out.as_str(), code), ("", 2), "{arguments}: {err}");
        write!(said, "$ tina-hw {arguments}\n{err}\n").unwrap();
    }
    insta::assert_snapshot!("picture_errors", said);
}

#[test]
fn every_netlist_is_drawn() {
    let netlists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../netlists");
    let folder = folder("graphs");
    for name in [
        "cpu",
        "cpu1",
        "w1_pipeline",
        "w2_mesh",
        "w3_systolic",
        "w5_quicksort",
        "w6_parallel_sort",
        "w7_ntt",
    ] {
        let path = netlists.join(format!("{name}.ron"));
        let (out, err, code) = tina(&folder, &format!("graph {} -o {name}.svg", path.display()));
        assert_eq!((out.as_str(), code), ("", 0), "{name}: {err}");
        assert!(
            fs::read_to_string(folder.join(format!("{name}.svg")))
                .unwrap()
                .contains(&format!(">{name}<"))
        );
    }
}
