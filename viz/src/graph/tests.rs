//! Boxes do not overlap, lines keep clear of them, texts of each other.

use super::layers::{BoxSize, Line, layout};
use super::*;
use crate::drawing::{Shape, Theme};
use proptest::prelude::*;

fn mesh(shards: bool) -> Net {
    let mut net = Net {
        title: "mesh".to_owned(),
        shard_count: if shards { 2 } else { 0 },
        ..Net::default()
    };
    for row in 0..3usize {
        for column in 0..4usize {
            for kind in ["source", "router"] {
                net.elements.push(Element {
                    path: format!("tile[{row}][{column}].{kind}"),
                    kind: format!("noc.{kind}"),
                    shard: shards.then_some((column / 2) as u16),
                });
            }
            let at = net.elements.len() - 1;
            let wire = |from, to| NetWire {
                from,
                to,
                depth: 4,
                latency: 1,
            };
            net.wires.push(wire(at - 1, at));
            if column > 0 {
                net.wires.push(wire(at - 2, at));
            }
        }
    }
    net
}

#[test]
fn arrays_are_one_box_and_wires_one_line() {
    let svg = mesh(false).picture().svg(Theme::Light);
    for text in [">tile 3 × 4<", ">noc.router<", ">× 12<", ">9 wires within<"] {
        assert_eq!(svg.matches(text).count(), 1, "{text}: {svg}");
    }
    assert!(svg.contains("every wire between boxes: depth 4, latency 1"));
    assert!(!svg.contains("shard"));
}

/// Of a box in a box, the wires that lead out are seen, too: nothing that is connected looks as if it were not.
#[test]
fn wires_that_leave_a_box_are_drawn_up_to_its_border() {
    let mut net = Net::default();
    for (path, kind) in [("tile.core.fetch", "f"), ("tile.home", "h"), ("mesh", "m")] {
        net.elements.push(Element {
            path: path.to_owned(),
            kind: kind.to_owned(),
            shard: None,
        });
    }
    for (from, to) in [(1, 2), (2, 1), (0, 2)] {
        net.wires.push(NetWire {
            from,
            to,
            depth: 2,
            latency: 1,
        });
    }
    let svg = net.picture().svg(Theme::Light);
    // In the core and in the tile around it.
    assert_eq!(svg.matches(">to mesh<").count(), 2, "{svg}");
    assert_eq!(svg.matches(">from mesh<").count(), 1, "{svg}");
    for line in [
        "fetch → to mesh: 1",
        "home → to mesh: 1",
        "core → to mesh: 1",
        "from mesh → home: 1",
        "tile → mesh: 2",
    ] {
        assert_eq!(svg.matches(line).count(), 1, "{line}: {svg}");
    }
}

#[test]
fn cut_wires_are_told_by_pair_of_shards() {
    let svg = mesh(true).picture().svg(Theme::Light);
    assert!(svg.contains(">9 wires within, 3 cut<"), "{svg}");
    assert!(svg.contains(">0 – 1: 3 wires cut<"));
    assert!(svg.contains("tile[2][3]: shard 1"));
}

#[test]
fn the_same_net_is_the_same_picture() {
    assert_eq!(
        mesh(true).picture().svg(Theme::Dark),
        mesh(true).picture().svg(Theme::Dark)
    );
    assert!(
        Net::default().picture().width() > 0.0,
        "a net of nothing is a picture"
    );
}

#[test]
fn texts_do_not_meet() {
    let drawing = mesh(true).picture();
    let mut boxes: Vec<(f64, f64, f64, f64)> = Vec::new();
    for shape in drawing.shapes() {
        if let Shape::Text { place, text, set } = shape {
            boxes.push((
                place.0,
                place.1 - set.size * 0.8,
                place.0 + set.width(text),
                place.1,
            ));
        }
    }
    assert!(boxes.len() > 10);
    for (number, a) in boxes.iter().enumerate() {
        for b in &boxes[number + 1..] {
            let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
            assert!(apart, "{a:?} and {b:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn boxes_stand_apart_and_lines_keep_clear(
        sizes in prop::collection::vec((40.0f64..200.0, 30.0f64..120.0), 1..14),
        ends in prop::collection::vec((0usize..14, 0usize..14, 0.0f64..80.0), 0..30),
    ) {
        let boxes: Vec<BoxSize> = sizes.iter().map(|&(width, height)| BoxSize { width, height }).collect();
        let lines: Vec<Line> = ends
            .iter()
            .map(|&(from, to, label)| Line { from: from % boxes.len(), to: to % boxes.len(), label })
            .filter(|line| line.from != line.to)
            .collect();
        let found = layout(&boxes, &lines);
        let area = |at: usize| {
            let (x, y) = found.corners[at];
            (x, y, x + boxes[at].width, y + boxes[at].height)
        };
        for a in 0..boxes.len() {
            let a_area = area(a);
            prop_assert!(a_area.0 >= -0.1 && a_area.1 >= -0.1);
            prop_assert!(a_area.2 <= found.width + 0.1 && a_area.3 <= found.height + 0.1);
            for b in a + 1..boxes.len() {
                let b = area(b);
                let apart = a_area.2 <= b.0 || b.2 <= a_area.0 || a_area.3 <= b.1 || b.3 <= a_area.1;
                prop_assert!(apart, "{a_area:?} and {b:?}");
            }
            for route in &found.routes {
                for &(x, y) in &route.points {
                    let inside = x > a_area.0 + 0.6 && x < a_area.2 - 0.6 && y > a_area.1 + 0.6 && y < a_area.3 - 0.6;
                    prop_assert!(!inside, "{x} {y} in {a_area:?}");
                }
            }
        }
        for (route, line) in found.routes.iter().zip(&lines) {
            let (start, end) = (route.points[0], route.points[route.points.len() - 1]);
            let touches = |point: (f64, f64), area: (f64, f64, f64, f64)| {
                ((point.0 - area.0).abs() < 0.1 || (point.0 - area.2).abs() < 0.1)
                    && point.1 >= area.1 - 0.6 && point.1 <= area.3 + 0.6
            };
            prop_assert!(touches(start, area(line.from)), "{start:?} {:?}", area(line.from));
            prop_assert!(touches(end, area(line.to)), "{end:?} {:?}", area(line.to));
        }
    }
}
