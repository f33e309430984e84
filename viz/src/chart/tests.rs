//! Curves, rows and shares as SVG.

use super::curves::ceiling;
use super::*;
use crate::drawing::Theme;

fn chart(count: usize) -> Chart {
    let line = |number: usize| Line {
        name: format!("core[{number}]"),
        numbers: vec![0.25, 0.5, 0.5],
        is_main: number == 0,
    };
    Chart {
        title: "IPC".to_owned(),
        legend: "instructions per cycle".to_owned(),
        edges: vec![0, 1_000, 2_000, 2_500],
        edge_unit: "cycles".to_owned(),
        lines: (0..count).map(line).collect(),
    }
}

#[test]
fn curves_go_in_steps_and_have_their_names() {
    let svg = chart(3).curves().svg(Theme::Light);
    for text in [
        ">core[2]</text>",
        "core[1]: 0.400 on average",
        ">2,000</text>",
        ">cycles</text>",
        ">0.600</text>",
    ] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    let svg = chart(30).curves().svg(Theme::Light);
    assert!(svg.contains("least to greatest of 29"), "{svg}");
    assert!(!svg.contains("core[7]"), "{svg}");
    assert!(Chart::default().curves().width() > 0.0);
}

#[test]
fn rows_are_one_colour_where_the_number_is_one() {
    let svg = chart(3).rows().svg(Theme::Light);
    assert!(svg.contains("core[1], 1000 to 2500: 0.500"), "{svg}");
    assert!(!svg.contains("core[0]"), "what stands out is no row: {svg}");
    let many = chart(100).rows();
    assert!(many.svg(Theme::Light).contains("the first 64 of 99"));
    assert!(many.height() < 800.0);
    assert!(Chart::default().rows().width() > 0.0);
}

#[test]
fn shares_are_of_the_sum() {
    let part = |name: &str, ink| Part {
        name: name.to_owned(),
        ink,
    };
    let shares = Shares {
        title: "stalls".to_owned(),
        legend: "of all cycles".to_owned(),
        parts: vec![part("moved", Ink::Curve), part("full", Ink::Unknown)],
        rows: vec![
            ("a.out".to_owned(), vec![1.0, 3.0]),
            ("b.out".to_owned(), vec![0.0, 0.0]),
        ],
    };
    let svg = shares.picture().svg(Theme::Light);
    for text in ["a.out, full: 75 %", "a.out, moved: 25 %", ">b.out</text>"] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
}

#[test]
fn the_top_of_a_chart_is_round() {
    for (number, expected) in [
        (0.97, 1.0),
        (1.0, 1.0),
        (1.01, 1.2),
        (3.0, 4.0),
        (41.0, 60.0),
    ] {
        assert!((ceiling(number) - expected).abs() < 1e-9, "{number}");
    }
}
