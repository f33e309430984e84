//! What the user is told about each way a netlist can be wrong. The netlists stand in `bad/`, the
//! messages in `snapshots/`.

use std::path::{Path, PathBuf};
use tina_sim::design::{Design, LoadOptions, load, load_text};
use tina_sim::diagnostic::{Code, Diagnostics};

fn try_load(path: &Path, options: &LoadOptions<'_>) -> Result<Design, Diagnostics> {
    load(path, options, &tina_modules::catalogue())
}

fn message(outcome: Result<Design, Diagnostics>) -> String {
    outcome
        .map(|design| design.name)
        .expect_err("the netlist is wrong")
        .to_string()
}

#[test]
fn every_bad_netlist_has_its_message() {
    let names = [
        "missing_file",
        "not_ron",
        "not_a_netlist",
        "fields",
        "missing_fields",
        "empty",
        "unknown_kind",
        "unknown_names",
        "params",
        "two_wires",
        "unconnected",
        "numbers",
        "indices",
        "signals",
        "cycle_a",
        "includes",
        "clocks",
        "results",
        "too_many",
    ];
    for name in names {
        let path = Path::new("tests/bad").join(name).with_extension("ron");
        insta::assert_snapshot!(name, message(try_load(&path, &LoadOptions::default())));
    }
}

#[test]
fn values_given_by_the_user_are_checked() {
    let set = |list: &[(&str, &str)]| {
        let set = list
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let options = LoadOptions {
            set,
            ..LoadOptions::default()
        };
        message(try_load(Path::new("../netlists/w2_mesh.ron"), &options))
    };
    insta::assert_snapshot!(
        "set",
        set(&[
            ("kk", "3"),
            ("k", "0.5"),
            ("k", "1 +"),
            ("rate", "fast"),
            ("rate", "1 / 0")
        ])
    );
    insta::assert_snapshot!("set_out_of_range", set(&[("k", "0")]));
}

#[test]
fn a_program_that_cannot_be_loaded_is_an_error() {
    let refuse = |_: &Path, _: &mut tina_engine::Resources| Err("it is not ELF".to_owned());
    let mut options = LoadOptions {
        load_program: Some(&refuse),
        ..LoadOptions::default()
    };
    let path = Path::new("tests/bad/program.ron");
    insta::assert_snapshot!("program", message(try_load(path, &options)));
    options.program = Some(PathBuf::from("given.elf"));
    insta::assert_snapshot!("program_given", message(try_load(path, &options)));
}

/// The codes of what is wrong with a text.
fn codes(text: &str) -> Vec<Code> {
    let found = load_text(
        "text.ron",
        text,
        &LoadOptions::default(),
        &tina_modules::catalogue(),
    );
    let found = found
        .map(|design| design.name)
        .expect_err("the text is wrong");
    found
        .list()
        .iter()
        .map(tina_sim::diagnostic::Diagnostic::code)
        .collect()
}

#[test]
fn bombs_are_refused() {
    let deep = format!("Netlist(name: \"x\", instances: {}", "[".repeat(1_000_000));
    assert_eq!(codes(&deep), [Code::NestingTooDeep]);
    let formula = format!(
        "Netlist(name: \"x\", instances: {{\"a\": (kind: \"flow.source\", array: [\"{}\"])}})",
        "(".repeat(1_000_000)
    );
    assert_eq!(codes(&formula), [Code::ExpressionSyntax]);
    let loops = "Netlist(name: \"x\", instances: {\"a\": (kind: \"flow.source\")}, \
        wires: [Wire(from: \"a.out\", to: \"a.in\", for: {\"i\": \"1 << 60\"}, if: \"false\")])";
    assert_eq!(codes(loops), [Code::TooMany]);
}

#[test]
fn a_file_above_the_limit_is_refused() {
    let folder = std::env::temp_dir().join(format!("tina-netlist-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("large.ron");
    std::fs::write(&path, vec![b' '; (16 << 20) + 1]).unwrap();
    let found = message(try_load(&path, &LoadOptions::default()));
    std::fs::write(&path, [b'N', 0xff]).unwrap();
    let not_text = message(try_load(&path, &LoadOptions::default()));
    let directory = message(try_load(&folder, &LoadOptions::default()));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(found.contains("is larger than 16 MiB"), "{found}");
    assert!(not_text.contains("byte 1 is not UTF-8 text"), "{not_text}");
    assert!(directory.contains("error[N0001]"), "{directory}");
}

#[test]
fn sub_netlists_nest_only_so_deep() {
    let folder = std::env::temp_dir().join(format!("tina-nest-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for level in 0..20 {
        let text = format!(
            "Netlist(name: \"level\", instances: {{\"a\": (netlist: \"{}.ron\")}})",
            level + 1
        );
        std::fs::write(folder.join(format!("{level}.ron")), text).unwrap();
    }
    let found = message(try_load(&folder.join("0.ron"), &LoadOptions::default()));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        found.contains("error[N0051]: sub-netlists nest deeper than 16"),
        "{found}"
    );
}
