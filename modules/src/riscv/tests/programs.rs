//! Programs written for one property each.

use super::assembler::*;
use super::bench::{DATA, Ran, Setup, check, check_image, epilogue, exit, image, run_image};
use crate::riscv::csr::{MCAUSE, MCYCLE, MEPC, MTVAL, MTVEC};
use crate::riscv::fetch::FetchParams;
use crate::riscv::image::Image;
use crate::riscv::platform::{HART_COUNT, RAM_BASE, UART_BASE};

/// The cycle at which execute gets past `words`.
fn cycles(words: &[u32]) -> u32 {
    let all = [words, &[csr(2, 20, MCYCLE, 0)], &epilogue()].concat();
    run_image(&image(&all), &Setup::default()).register(20)
}

/// A loop around `body` that runs `count` times, x16 counting.
fn repeated(count: i32, body: &[u32]) -> Vec<u32> {
    let mut words = vec![addi(16, 0, count)];
    words.extend(body);
    words.push(addi(16, 16, -1));
    words.push(branch(1, 16, 0, -4 * (body.len() as i32 + 1)));
    words
}

/// Cycles that one more turn of a loop around `body` takes, when everything is warm.
fn cycles_per_turn(body: &[u32]) -> u32 {
    let few = cycles(&repeated(200, body));
    let many = cycles(&repeated(300, body));
    assert_eq!((many - few) % 100, 0, "{few} {many}");
    (many - few) / 100
}

#[test]
fn arithmetic_runs_at_full_rate() {
    let independent: Vec<u32> = (1..9).map(|register| addi(register, 0, 5)).collect();
    assert_eq!(cycles_per_turn(&independent), 10);
    let chain = [addi(1, 1, 1); 8];
    assert_eq!(cycles_per_turn(&chain), 10);
    assert_eq!(cycles_per_turn(&[]), 2);
}

#[test]
fn latencies_are_what_the_head_comments_say() {
    // The loop's own two instructions included. A value is used 4 edges behind its load.
    let base = constant(17, DATA);
    let with_base = |body: &[u32]| {
        let turns = |count| {
            let mut words = base.to_vec();
            words.extend(repeated(count, body));
            cycles(&words)
        };
        (turns(300) - turns(200)) / 100
    };
    assert_eq!(with_base(&[load(2, 1, 17, 0)]), 4);
    assert_eq!(with_base(&[load(2, 1, 17, 0), addi(2, 1, 0)]), 4 + 1 + 2);
    assert_eq!(
        with_base(&[load(2, 1, 17, 0), load(2, 2, 17, 4), load(2, 3, 17, 8)]),
        5
    );
    assert_eq!(with_base(&[store(2, 1, 17, 0), store(2, 2, 17, 4)]), 4);
    // Multiply takes 3 by default: 1 to get there, 3, 1 to write back.
    assert_eq!(
        with_base(&[mul_div(0, 1, 2, 3), addi(4, 1, 0)]),
        1 + 3 + 1 + 1 + 2
    );
    assert_eq!(
        with_base(&[mul_div(4, 1, 2, 3), addi(4, 1, 0)]),
        1 + 18 + 1 + 1 + 2
    );
}

#[test]
fn a_misprediction_costs_three_edges() {
    // Turns on which the branch goes the other way than its counter says: x5 alternates.
    let body = [i(0x13, 4, 5, 5, 1), branch(0, 5, 0, 8), addi(6, 6, 1)];
    let never = FetchParams::default();
    let run = |count| {
        let setup = Setup {
            fetch: never.clone(),
            ..Setup::default()
        };
        check(&repeated(count, &body), &setup)
    };
    let (few, many) = (run(200), run(400));
    let turns = 200;
    let mispredicts = many.result("mispredicts") - few.result("mispredicts");
    let instructions = many.result("instructions") - few.result("instructions");
    let spent = many.result("cycles") - few.result("cycles");
    // What follows the program until the end of the epoch runs at full rate.
    assert!(mispredicts >= turns / 2, "{mispredicts}");
    assert_eq!(spent, instructions + 3 * mispredicts);
}

#[test]
fn calls_return_where_the_stack_says() {
    // A function called from two places: only a return-address stack predicts both.
    let body = [jal(1, 12), jal(1, 8), jal(0, 8), jalr(0, 1, 0)];
    let with = |return_addresses| {
        let fetch = FetchParams {
            return_addresses,
            ..FetchParams::default()
        };
        let run = |count| {
            check(
                &repeated(count, &body),
                &Setup {
                    fetch: fetch.clone(),
                    ..Setup::default()
                },
            )
        };
        run(400).result("mispredicts") - run(200).result("mispredicts")
    };
    assert_eq!(with(8), 0);
    // Calls three deep with room for one: the outer returns miss.
    let deep = [
        jal(1, 8),
        jal(0, 36),
        addi(2, 1, 0),
        jal(1, 12),
        addi(1, 2, 0),
        jalr(0, 1, 0),
        addi(3, 1, 0),
        jal(1, 12),
        addi(1, 3, 0),
        jalr(0, 1, 0),
        jalr(0, 1, 0),
    ];
    let mut deep = deep.to_vec();
    deep[1] = jal(0, 4 * (deep.len() as i32 - 1));
    let with = |return_addresses| {
        let fetch = FetchParams {
            return_addresses,
            ..FetchParams::default()
        };
        let run = |count| {
            check(
                &repeated(count, &deep),
                &Setup {
                    fetch: fetch.clone(),
                    ..Setup::default()
                },
            )
        };
        run(400).result("mispredicts") - run(200).result("mispredicts")
    };
    assert_eq!(with(4), 0);
    assert!(with(1) >= 200, "{}", with(1));
}

#[test]
fn calls_on_a_wrong_path_leave_the_stack_alone() {
    // A function with a branch that is never predicted; every other time the wrong path calls.
    let nop = addi(0, 0, 0);
    let words = [
        jal(1, 8),
        jal(0, 56),
        addi(3, 1, 0),
        i(0x13, 4, 5, 5, 1),
        branch(0, 5, 0, 8),
        jal(1, 12),
        addi(1, 3, 0),
        jalr(0, 1, 0),
        nop,
        nop,
        nop,
        nop,
        nop,
        nop,
        jalr(0, 1, 0),
    ];
    let run = |count| check(&repeated(count, &words), &Setup::default()).result("mispredicts");
    assert_eq!(run(400) - run(200), 200, "the branch, and no return");
}

/// Where [`trapped`] puts its words.
const START: u32 = RAM_BASE + 0x400;

/// Runs `words` from [`START`] on with a handler that ends the run; gives cause, address and value.
fn trapped(words: &[u32]) -> (u32, u32, u32) {
    let mut all = vec![jal(0, 0x200)];
    all.extend([
        csr(2, 20, MCAUSE, 0),
        csr(2, 21, MEPC, 0),
        csr(2, 22, MTVAL, 0),
    ]);
    all.extend(epilogue());
    all.resize(0x80, 0);
    all.extend(constant(28, RAM_BASE + 4));
    all.extend([csr(1, 0, MTVEC, 28), jal(0, 0x200 - 12)]);
    all.resize(0x100, 0);
    all.extend(words);
    all.extend(exit(99));
    let ran = check_image(&image(&all), &Setup::default());
    assert_eq!(ran.code, 0, "nothing trapped");
    assert_eq!(ran.result("traps"), 1);
    (ran.register(20), ran.register(21), ran.register(22))
}

#[test]
fn every_cause_of_a_trap_is_precise() {
    const HOLE: u32 = 0x4000_0000;
    let hole = lui(5, HOLE);
    let console = lui(5, UART_BASE);
    let nop = addi(0, 0, 0);
    // The word at fault stands behind the first one, whatever that is.
    let check = |first: u32, word: u32, cause: u32, value: u32| {
        assert_eq!(
            trapped(&[first, word]),
            (cause, START + 4, value),
            "{word:#x}"
        );
    };
    check(nop, jal(1, 6), 0, START + 10);
    check(hole, jalr(1, 5, 2), 0, HOLE + 2);
    check(nop, branch(0, 0, 0, 6), 0, START + 10);
    assert_eq!(trapped(&[hole, jalr(1, 5, 0)]), (1, HOLE, HOLE));
    for illegal in [!0, 0, csr(2, 1, 0x7c0, 0), csr(1, 1, 0xf14, 2)] {
        check(nop, illegal, 2, illegal);
    }
    check(nop, EBREAK, 3, START + 4);
    for (load, width) in [
        (load(1, 1, 5, 1), 1),
        (load(5, 1, 5, 1), 1),
        (load(2, 1, 5, 2), 2),
    ] {
        check(hole, load, 4, HOLE + width);
        check(lui(5, RAM_BASE), load, 4, RAM_BASE + width);
    }
    check(addi(5, 0, 2), atomic(2, 1, 5, 0), 4, 2);
    check(hole, load(0, 1, 5, 3), 5, HOLE + 3);
    check(hole, atomic(2, 1, 5, 0), 5, HOLE);
    check(console, atomic(2, 1, 5, 0), 5, UART_BASE);
    check(hole, store(1, 1, 5, 1), 6, HOLE + 1);
    check(lui(5, RAM_BASE), store(2, 1, 5, 2), 6, RAM_BASE + 2);
    check(addi(5, 0, 2), atomic(3, 1, 5, 2), 6, 2);
    check(addi(5, 0, 1), atomic(0, 1, 5, 2), 6, 1);
    check(hole, store(0, 1, 5, 1), 7, HOLE + 1);
    check(console, atomic(1, 1, 5, 2), 7, UART_BASE);
    check(console, store(2, 1, 5, 8), 7, HART_COUNT);
    check(nop, ECALL, 11, 0);
}

#[test]
fn what_stands_behind_a_trap_does_nothing() {
    // A load that takes its time, then a fault, then a store and a product that must not happen.
    let [high, low] = constant(17, DATA);
    let hole = lui(5, 0x4000_0000);
    let words = [
        high,
        low,
        hole,
        load(2, 1, 17, 0),
        load(2, 2, 5, 0),
        store(2, 17, 17, 4),
        mul_div(0, 3, 17, 17),
    ];
    assert_eq!(trapped(&words), (5, START + 16, 0x4000_0000));
}

#[test]
fn written_code_runs_only_after_a_fence() {
    let patch = |fence: u32| {
        let mut words = constant(6, addi(5, 5, 1)).to_vec();
        words.extend([0x17 | 7 << 7, store(2, 6, 7, 12), fence, addi(5, 5, 7)]);
        words.extend(epilogue());
        run_image(&image(&words), &Setup::default()).register(5)
    };
    assert_eq!(patch(FENCE_I), 1);
    assert_eq!(
        patch(addi(0, 0, 0)),
        7,
        "the test memory is as stale as it may be"
    );
}

#[test]
fn the_console_prints_and_the_exit_code_arrives() {
    let mut words = constant(5, UART_BASE).to_vec();
    for byte in b"hello\n" {
        words.extend([addi(6, 0, i32::from(*byte)), store(0, 6, 5, 0)]);
    }
    words.extend([load(2, 7, 5, 8), load(0, 8, 5, 0)]);
    words.extend(exit(7));
    let ran = check_image(&image(&words), &Setup::default());
    assert_eq!((ran.console.as_slice(), ran.code), (&b"hello\n"[..], 7));
    assert_eq!(ran.result("device_accesses"), 8);
}

#[test]
fn counters_count() {
    let words = [
        csr(2, 1, MCYCLE, 0),
        csr(2, 2, MCYCLE, 0),
        addi(0, 0, 0),
        csr(2, 3, MCYCLE, 0),
        csr(5, 0, MCYCLE, 9),
        csr(2, 4, MCYCLE, 0),
    ];
    let program = [&words[..], &epilogue()].concat();
    let ran: Ran = run_image(&image(&program), &Setup::default());
    assert_eq!(ran.register(2) - ran.register(1), 1);
    assert_eq!(ran.register(3) - ran.register(2), 2);
    assert_eq!(ran.register(4), 10);
    assert_eq!(
        ran.register(0),
        6 + 2 + 29,
        "instructions before minstret was read"
    );
    let counted = check(
        &[
            constant(17, DATA).as_slice(),
            &[load(2, 1, 17, 0), FENCE, atomic(0, 1, 17, 1)],
        ]
        .concat(),
        &Setup::default(),
    );
    assert_eq!((counted.result("loads"), counted.result("atomics")), (1, 1));
    assert_eq!(counted.result("stores"), 29 + 2);
}

/// A program of the `netlists` folder, with the RAM it wants.
fn guest(path: &str) -> (Image, Setup) {
    let path = format!("{}/../netlists/programs/{path}", env!("CARGO_MANIFEST_DIR"));
    let image = Image::from_elf(&std::fs::read(path).unwrap()).unwrap();
    (
        image,
        Setup {
            ram_bytes: 1 << 20,
            cycles_max: 20_000_000,
            ..Setup::default()
        },
    )
}

#[test]
fn conformance_programs_pass() {
    for name in [
        "arithmetic",
        "atomic",
        "branches",
        "csr",
        "fencei",
        "hazards",
        "memory",
        "multiply",
        "traps",
    ] {
        let (image, setup) = guest(&format!("conformance/{name}.elf"));
        assert_eq!(run_image(&image, &setup).code, 0, "{name}");
        let slow = Setup {
            latency: 3,
            depth: 1,
            refused_percent: 30,
            ..setup
        };
        assert_eq!(run_image(&image, &slow).code, 0, "{name}, slowly");
    }
}

#[test]
fn programs_in_c_do_what_the_reference_does() {
    for name in ["hello", "mix", "atomics"] {
        let (image, setup) = guest(&format!("{name}.elf"));
        let ran = check_image(&image, &setup);
        assert_eq!(
            ran.code,
            0,
            "{name}: {}",
            String::from_utf8_lossy(&ran.console)
        );
    }
}
