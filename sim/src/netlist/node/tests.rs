//! Where values stand, and what is no value.

use super::*;
use crate::diagnostic::{Diagnostics, Sources};
use proptest::prelude::*;

fn read(text: &str) -> Result<Node, Diagnostics> {
    let mut sources = Sources::default();
    let source = sources.add("a.ron", text.into());
    Node::read(text, source).map_err(|diagnostic| Diagnostics::new(sources, vec![*diagnostic]))
}

/// All leaves with the source text at their span.
fn leaves(node: &Node, text: &str, found: &mut Vec<String>) {
    match &node.form {
        Form::List(items) | Form::Tuple(_, items) => {
            items.iter().for_each(|item| leaves(item, text, found));
        }
        Form::Struct(_, fields) => fields
            .iter()
            .for_each(|(_, value)| leaves(value, text, found)),
        Form::Map(entries) => entries.iter().for_each(|(key, value)| {
            leaves(key, text, found);
            leaves(value, text, found);
        }),
        _ => found.push(text[node.span.start as usize..node.span.end as usize].to_owned()),
    }
}

#[test]
fn every_value_knows_its_place() {
    let text = r##"// head
    Netlist( /* a /* nested */ comment */ name: "x", // tail
        list: [ 1 , -2.5, 'c', true, Uniform, /* b */ r#"raw"# /* c */ ],
        map: { "key": Wrap(( 0x1f )), "esc\"aped": () },
    )"##;
    let node = read(text).unwrap();
    let mut found = Vec::new();
    leaves(&node, text, &mut found);
    assert_eq!(
        found,
        [
            "\"x\"",
            "1",
            "-2.5",
            "'c'",
            "true",
            "Uniform",
            "r#\"raw\"#",
            "\"key\"",
            "0x1f",
            "\"esc\\\"aped\""
        ]
    );
    let Form::Struct(Some(name), fields) = &node.form else {
        panic!("{node:?}")
    };
    assert_eq!(name.text, "Netlist");
    assert_eq!(&text[fields[1].0.span.start as usize..][..4], "list");
    let Form::Text(text, exact) = &fields[0].1.form else {
        panic!("{fields:?}")
    };
    assert_eq!((text.as_str(), *exact), ("x", true));
}

#[test]
fn broken_text_is_shown_where_it_breaks() {
    let found = read("Netlist(\n    name: \"x\",\n    wires: [1, 2,,],\n)").unwrap_err();
    insta::assert_snapshot!(found, @r#"
    error[N0003]: this is not RON
     --> a.ron:3:18
      |
    3 |     wires: [1, 2,,],
      |                  ^ Unexpected char ','
    "#);
    insta::assert_snapshot!(read("Netlist(name: \"x\"").unwrap_err(), @r#"
    error[N0003]: this is not RON
     --> a.ron:1:16
      |
    1 | Netlist(name: "x"
      |                ^^ Expected comma
    "#);
    insta::assert_snapshot!(read("").unwrap_err(), @r#"
    error[N0003]: this is not RON
     --> a.ron:1:1
      |
    1 |
      | ^ Unexpected end of RON
    "#);
}

#[test]
fn a_nesting_bomb_is_refused() {
    for text in [
        "[".repeat(1_000_000),
        "(a:".repeat(300_000),
        "{1:".repeat(300_000),
        "A(".repeat(300_000),
    ] {
        let found = read(&text).unwrap_err();
        assert_eq!(
            found.list()[0].code(),
            Code::NestingTooDeep,
            "{}",
            &text[..8]
        );
    }
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    assert_eq!(
        read(&deep).unwrap_err().list()[0].code(),
        Code::NestingTooDeep
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "[(){}\\[\\],:\"'a-zA-Z0-9#!/*\\\\ \n._-]{0,60}") {
        let _ = read(&text);
    }

    /// What `ron` takes, the walk takes too, and the other way round.
    #[test]
    fn the_walk_agrees_with_ron(parts in proptest::collection::vec(0..24_usize, 0..40)) {
        const PARTS: [&str; 24] = [
            "(", ")", "[", "]", "{", "}", ",", ":", "a", "Name", "1", "-2.5", "\"t\\\"\"", "'c'", "'\\''",
            "r#\"x\"#", "b\"y\"", "/* , */", "// (\n", " ", "true", "(a:", "[1,", "{1:",
        ];
        let text: String = parts.iter().map(|&part| PARTS[part]).collect();
        let taken = ron::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(read(&text).is_ok(), taken, "{}", text);
    }
}
