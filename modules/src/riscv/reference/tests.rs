use super::*;
use std::fs;
use std::path::PathBuf;

const RAM_BYTES: u32 = 4 << 20;

fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../netlists/programs")
}

fn machine(program: &str, hart_count: u32) -> Reference {
    let path = programs().join(program);
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Reference::new(&Image::from_elf(&file).unwrap(), hart_count, RAM_BYTES).unwrap()
}

fn console(machine: &Reference) -> String {
    String::from_utf8(machine.console().to_vec()).unwrap()
}

/// Runs a program of `netlists/programs` to its end; gives the console's text and the number of
/// instructions of all harts.
fn check(program: &str, hart_count: u32) -> (String, u64) {
    let mut machine = machine(program, hart_count);
    let exit_code = machine.run(20_000_000);
    let text = console(&machine);
    assert_eq!(
        exit_code,
        Some(0),
        "{program} on {hart_count} harts printed: {text}"
    );
    (
        text,
        machine
            .harts()
            .iter()
            .map(|hart| hart.csrs().instret())
            .sum(),
    )
}

#[test]
fn hello_prints_its_line() {
    assert_eq!(check("hello.elf", 1).0, "hello from hart 0 of 1\n");
    assert_eq!(check("hello.elf", 8).0, "hello from hart 0 of 8\n");
}

#[test]
fn parallel_passes_on_every_number_of_harts() {
    for harts in [1, 2, 3, 8, 13] {
        let (text, instructions) = check("parallel.elf", harts);
        assert!(text.ends_with(" ok\nPASS\n"), "{text}");
        assert!(!text.contains("WRONG"), "{text}");
        println!("{harts} {instructions} {text}");
        assert!(
            (500_000..3_000_000).contains(&instructions),
            "{instructions}"
        );
    }
}

#[test]
fn mix_passes() {
    let (text, instructions) = check("mix.elf", 1);
    println!("{instructions} {text}");
    assert!(
        (800_000..3_000_000).contains(&instructions),
        "{instructions}"
    );
    assert_eq!(check("mix.elf", 2).0, text);
}

#[test]
fn no_increment_is_lost() {
    for harts in [1, 2, 8, 17] {
        assert!(check("atomics.elf", harts).0.ends_with("PASS\n"));
    }
}

#[test]
fn every_conformance_program_passes() {
    let folder = programs().join("conformance");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".elf"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let program = format!("conformance/{name}");
        for harts in [1, 2] {
            let mut machine = machine(&program, harts);
            assert_eq!(
                machine.run(1_000_000),
                Some(0),
                "{name}: the number of the failed case"
            );
            println!("{name} {}", machine.harts()[0].csrs().instret());
        }
    }
}
