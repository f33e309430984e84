//! The guest programs of the repository, and what they cannot show: reservations, steps, refusals.

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
        assert!(
            (500_000..3_000_000).contains(&instructions),
            "{instructions}"
        );
    }
}

#[test]
fn mix_passes() {
    let (text, instructions) = check("mix.elf", 1);
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
            let exit_code = machine(&program, harts).run(1_000_000);
            assert_eq!(exit_code, Some(0), "{name}: the number of the failed case");
        }
    }
}

#[test]
fn an_unexpected_trap_ends_the_run_with_its_cause() {
    let file = fs::read(programs().join("hello.elf")).unwrap();
    let image = Image::from_elf(&file).unwrap();
    let main = image
        .symbol("main")
        .expect("the committed programs keep their symbols");
    let mut machine = Reference::new(&image, 2, RAM_BYTES).unwrap();
    machine.memory.ram[(main - RAM_BASE) as usize / 4] = 0; // no instruction
    assert_eq!(
        machine.run(10_000),
        Some(128 + Cause::IllegalInstruction.number())
    );
}

#[test]
fn committed_programs_are_small_and_have_what_a_machine_needs() {
    for program in ["hello.elf", "mix.elf", "parallel.elf", "atomics.elf"] {
        let file = fs::read(programs().join(program)).unwrap();
        assert!(file.len() < 30_000, "{program}");
        let image = Image::from_elf(&file).unwrap();
        assert_eq!(image.entry(), RAM_BASE, "{program}");
        assert_eq!(image.symbol("_start"), Some(RAM_BASE), "{program}");
        assert_eq!(
            image.symbol("tohost").map(|address| address % 64),
            Some(0),
            "{program}"
        );
        assert_eq!(image.symbol("no such symbol"), None);
        let first = Instruction::decode(image.read_word(RAM_BASE));
        assert_eq!(
            first.operation(),
            Operation::Auipc,
            "{program}: la t0, unexpected_trap"
        );
    }
}

#[test]
fn a_program_that_does_not_fit_is_refused() {
    let file = fs::read(programs().join("parallel.elf")).unwrap();
    let image = Image::from_elf(&file).unwrap();
    let error = Reference::new(&image, 1, 0x1000).unwrap_err().to_string();
    assert!(
        error.starts_with("program too large: segment 1 (0x80000"),
        "{error}"
    );
}

/// A machine of two harts with these instructions at the start of RAM.
fn with_code(words: &[u32]) -> Reference {
    let mut machine = machine("hello.elf", 2);
    machine.memory.ram[..words.len()].copy_from_slice(words);
    machine
}

#[test]
fn another_harts_store_ends_a_reservation() {
    // lr.w a1,(a2); sc.w a3,a0,(a2); sw a0,0(a2)
    let code = [0x1006_25af, 0x18a6_26af, 0x00a6_2023];
    let reserved = RAM_BASE + 0x100;
    for (stored_to, failed) in [(None, 0), (Some(reserved + 4), 0), (Some(reserved), 1)] {
        let mut machine = with_code(&code);
        machine.harts[0].registers[12] = reserved;
        machine.step(0);
        if let Some(address) = stored_to {
            machine.harts[1].pc = RAM_BASE + 8;
            machine.harts[1].registers[12] = address;
            machine.step(1);
        }
        machine.step(0);
        assert_eq!(machine.harts()[0].registers()[13], failed, "{stored_to:?}");
    }
}

#[test]
fn a_step_says_what_it_did() {
    let mut machine = with_code(&[0x0050_0593, 0x0000_0073]); // li a1,5; ecall
    let step = machine.step(0);
    assert_eq!(
        (step.pc, step.instruction.to_string().as_str(), step.trap),
        (RAM_BASE, "addi a1,zero,5", None)
    );
    let trap = Trap {
        cause: Cause::MachineEcall,
        value: 0,
    };
    assert_eq!(machine.step(0).trap, Some(trap));
    let hart = &machine.harts()[0];
    assert_eq!(
        (
            hart.registers()[11],
            hart.steps(),
            hart.csrs().instret(),
            hart.pc()
        ),
        (5, 2, 1, 0)
    );
    // mtvec is 0, where nothing is.
    let trap = Trap {
        cause: Cause::InstructionAccess,
        value: 0,
    };
    assert_eq!(
        machine.step(0),
        Step {
            pc: 0,
            instruction: Instruction::NOP,
            trap: Some(trap)
        }
    );
    assert_eq!(machine.exit_code(), None);
}
