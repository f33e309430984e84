//! The performance section of the README is what the committed figures say, and so is the chart.

use std::fs;
use std::path::Path;
use tina_benches::compare::{chart, readme};

#[test]
fn the_figures_of_the_readme_are_the_committed_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let report = readme::committed(root).unwrap();
    let text = fs::read_to_string(root.join("README.md")).unwrap();
    let hint = "run `cargo run --release -p tina-benches --bin compare -- --readme`";
    assert!(text == readme::replaced(&text, &report).unwrap(), "{hint}");
    let drawn = fs::read_to_string(root.join(readme::CHART)).unwrap();
    assert!(drawn == chart::svg(&report), "{hint}");
}
