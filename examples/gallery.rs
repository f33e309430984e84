//! Draws the pictures in `viz/gallery` anew: runs a machine, records it, and plots what was recorded.
//!
//! ```sh
//! cargo run --release -p tina-examples --bin gallery
//! ```
//! Each line of [`COMMANDS`] is what one would type after `tina-hw`. The same pictures come out every time,
//! byte for byte, so a difference in the repository is a difference in what is drawn.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use tina_sim::cli;

/// NETLISTS, GALLERY and TRACES stand for folders.
const COMMANDS: &[&str] = &[
    "run NETLISTS/cpu.ron --cycles 4000 --quiet --trace TRACES/cpu.fst",
    "plot TRACES/cpu.fst --window 3000..3060 --cursor 3021 --cursor 3037 \
     --signals tile[0][0].core.fetch.request --signals tile[0][0].core.execute.access \
     --signals tile[0][0].core.load_store.request --analog tile[0][0].core.fetch.request.occupancy \
     --analog tile[0][0].core.execute.access.occupancy --analog tile[0][0].core.load_store.request.occupancy \
     -o GALLERY/wave_core.svg",
    "run NETLISTS/w2_mesh.ron --set rate=0.02 --cycles 2000 --quiet --trace TRACES/light.fst",
    "plot TRACES/light.fst --window 0..400 --signals router[*][*].*.valid --rows 5 -o GALLERY/wave_folded.png",
    "run NETLISTS/w2_mesh.ron --cycles 2000 --quiet --trace TRACES/heavy.fst",
    "plot TRACES/heavy.fst --signals router[*][*].*.valid --heat=mean -o GALLERY/heat_links.svg",
    "plot TRACES/heavy.fst --signals generator[*][*].*.occupancy --heat=mean -o GALLERY/heat_occupancy.svg",
    "graph NETLISTS/cpu.ron -o GALLERY/graph_cpu.svg",
    "graph NETLISTS/cpu.ron --shards 4 -o GALLERY/graph_cpu_shards.svg",
    "graph NETLISTS/w2_mesh.ron --shards 4 -o GALLERY/graph_mesh_shards.svg",
    "graph NETLISTS/w3_systolic.ron --shards 8 -o GALLERY/graph_systolic_shards.svg",
    "graph NETLISTS/w7_ntt.ron -o GALLERY/graph_ntt.svg",
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let traces = std::env::temp_dir().join("tina-hw-gallery");
    let gallery = root.join("viz/gallery");
    for folder in [&traces, &gallery] {
        if let Err(error) = fs::create_dir_all(folder) {
            eprintln!("error: cannot create {}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    let places = [
        ("NETLISTS", root.join("netlists")),
        ("GALLERY", gallery),
        ("TRACES", traces.clone()),
    ];
    for command in COMMANDS {
        println!(
            "tina-hw {}",
            command.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        let word = |word: &str| {
            places.iter().fold(word.to_owned(), |word, (name, path)| {
                word.replace(name, &path.to_string_lossy())
            })
        };
        let arguments = ["tina-hw".to_owned()].into_iter();
        let arguments = arguments.chain(command.split_whitespace().map(word));
        let code = cli::with_arguments(arguments, tina_modules::catalogue());
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    // What cannot be taken away is overwritten next time.
    let _ = fs::remove_dir_all(traces);
    ExitCode::SUCCESS
}
