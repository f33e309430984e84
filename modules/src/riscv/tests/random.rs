//! Random programs: straight lines, forward branches, counted loops, calls, accesses, atomics, traps
//! and written code. The core must leave what the reference leaves, whatever stands around it.

use super::assembler::*;
use super::bench::{DATA, Setup, check, epilogue, image, run_image};
use crate::riscv::csr::{MCAUSE, MEPC, MSCRATCH, MSTATUS, MTVAL, MTVEC};
use crate::riscv::fetch::FetchParams;
use crate::riscv::multiply::MultiplyParams;
use crate::riscv::platform::RAM_BASE;
use proptest::prelude::*;

// Registers 1 to 15 are the program's; 16 counts loops, 17 holds the address of the data, 18 one
// of nothing, 27 to 31 are
// the handler's.
const COUNT: u32 = 16;
const BASE: u32 = 17;
const WILD: u32 = 18;
const LOG: u32 = RAM_BASE + 0x8000;

/// The words before the program: a trap handler that writes down cause, address and value and goes
/// on behind the instruction, and the first values of all registers.
fn prologue(seed: u32) -> Vec<u32> {
    let handler = [
        csr(2, 30, MCAUSE, 0),
        store(2, 30, 29, 0),
        csr(2, 31, MEPC, 0),
        store(2, 31, 29, 4),
        csr(2, 28, MTVAL, 0),
        store(2, 28, 29, 8),
        // Log entries wrap within 4 KiB, so a loop full of traps stays within bounds.
        addi(27, 29, 12),
        lui(28, 0x1000),
        addi(28, 28, -1),
        r(0x33, 7, 0, 27, 27, 28), // and
        lui(28, LOG),
        add(29, 27, 28),
        addi(31, 31, 4),
        csr(1, 0, MEPC, 31),
        MRET,
    ];
    let mut words = vec![jal(0, 4 + 4 * handler.len() as i32)];
    words.extend(handler);
    words.extend(constant(29, LOG));
    words.extend(constant(28, RAM_BASE + 4));
    words.push(csr(1, 0, MTVEC, 28));
    words.extend(constant(BASE, DATA));
    let mut value = seed;
    words.extend(constant(WILD, seed & 0x3fff_ffff));
    for register in 1..16 {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words.extend(constant(register, value));
    }
    words
}

fn register() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0u32), 15 => 1..16u32]
}

/// One instruction that goes on behind itself, trap or not.
fn plain() -> impl Strategy<Value = Vec<u32>> {
    let one = |word: u32| vec![word];
    prop_oneof![
        6 => (0..8u32, register(), register(), -2048..2048i32).prop_map(move |(funct3, rd, rs1, immediate)| {
            one(match funct3 {
                1 => i(0x13, 1, rd, rs1, immediate & 31),
                5 => i(0x13, 5, rd, rs1, immediate & 31 | (immediate & 32) << 5),
                _ => i(0x13, funct3, rd, rs1, immediate),
            })
        }),
        6 => (0..8u32, any::<bool>(), register(), register(), register()).prop_map(move |(funct3, other, rd, rs1, rs2)| {
            let funct7 = if other && (funct3 == 0 || funct3 == 5) { 0x20 } else { 0 };
            one(r(0x33, funct3, funct7, rd, rs1, rs2))
        }),
        1 => (register(), any::<u32>()).prop_map(move |(rd, value)| one(lui(rd, value))),
        1 => (register(), any::<u32>()).prop_map(move |(rd, value)| one(lui(rd, value) ^ 0x20)), // auipc
        3 => (0..8u32, register(), register(), register())
            .prop_map(move |(funct3, rd, rs1, rs2)| one(mul_div(funct3, rd, rs1, rs2))),
        4 => (prop::sample::select(vec![0u32, 1, 2, 4, 5]), register(), 0..64i32)
            .prop_map(move |(funct3, rd, offset)| one(load(funct3, rd, BASE, offset))),
        4 => (0..3u32, register(), 0..64i32)
            .prop_map(move |(funct3, rs2, offset)| one(store(funct3, rs2, BASE, offset))),
        2 => (
            prop::sample::select(vec![0u32, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28]),
            register(),
            register(),
            prop::sample::select(vec![BASE, BASE, BASE, WILD]),
        )
            .prop_map(move |(funct5, rd, rs2, rs1)| {
                one(atomic(funct5, rd, rs1, if funct5 == 2 { 0 } else { rs2 }))
            }),
        1 => prop::sample::select(vec![FENCE, FENCE_I, WFI, ECALL, EBREAK, 0, !0, 0x73 | 0xc00 << 20 | 1 << 12])
            .prop_map(one),
        1 => (1..8u32, register(), 0..32u32, prop::sample::select(vec![MSCRATCH, MSTATUS, 0xf14, 0x7c0]))
            .prop_map(move |(funct3, rd, rs1, number)| one(csr(funct3, rd, number, rs1))),
        // Anywhere: holes, devices' surroundings, misaligned.
        1 => (0..5u32, register(), register(), -8..8i32)
            .prop_map(move |(funct3, rd, rs1, offset)| one(load(funct3 % 3, rd, rs1, offset))),
        1 => (0..3u32, -4..12i32)
            .prop_map(move |(funct3, offset)| vec![lui(1, 0x1000_0000), store(funct3, 2, 1, offset)]),
        // A misaligned jump.
        1 => Just(one(jal(3, 6))),
        // Code that writes code: the word behind the fence becomes `addi x5, x5, 1`.
        1 => Just([
            constant(6, addi(5, 5, 1)).to_vec(),
            vec![0x17 | 7 << 7, store(2, 6, 7, 16), FENCE_I, addi(4, 4, 1), addi(5, 5, 7)],
        ].concat()),
    ]
}

/// Plain instructions in blocks: in a row, jumped over, repeated, called.
fn block() -> impl Strategy<Value = Vec<u32>> {
    let body = || {
        prop::collection::vec(plain(), 0..8)
            .prop_map(|words| words.into_iter().flatten().collect::<Vec<u32>>())
    };
    prop_oneof![
        3 => body(),
        3 => (prop::sample::select(vec![0u32, 1, 4, 5, 6, 7]), register(), register(), body()).prop_map(
            |(funct3, rs1, rs2, body)| {
                let mut words = vec![branch(funct3, rs1, rs2, 4 + 4 * body.len() as i32)];
                words.extend(body);
                words
            }
        ),
        2 => (1..12i32, body()).prop_map(|(count, body)| {
            let mut words = vec![addi(COUNT, 0, count)];
            words.extend(&body);
            words.push(addi(COUNT, COUNT, -1));
            words.push(branch(1, COUNT, 0, -4 * (body.len() as i32 + 1)));
            words
        }),
        // A loop that calls a function behind it; the body leaves the link register 1 alone, or not
        // (then it is restored from the data).
        1 => (1..6i32, body()).prop_map(|(count, body)| {
            let mut words = vec![
                addi(COUNT, 0, count),
                jal(1, 16),
                addi(COUNT, COUNT, -1),
                branch(1, COUNT, 0, -8),
                jal(0, 4 * (body.len() as i32 + 4)),
                store(2, 1, BASE, 128),
            ];
            words.extend(&body);
            words.extend([load(2, 1, BASE, 128), jalr(0, 1, 0)]);
            words
        }),
    ]
}

fn program() -> impl Strategy<Value = Vec<u32>> {
    (any::<u32>(), prop::collection::vec(block(), 1..12)).prop_map(|(seed, blocks)| {
        let mut words = prologue(seed);
        words.extend(blocks.into_iter().flatten());
        words
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    (
        1..4u32,
        1..5u32,
        prop::sample::select(vec![0u64, 0, 30, 80]),
        1..5u32,
        1..20u32,
        0..6u32,
    )
        .prop_map(
            |(latency, depth, refused_percent, multiply_cycles, divide_cycles, bits)| Setup {
                latency,
                depth,
                refused_percent,
                multiply: MultiplyParams {
                    multiply_cycles,
                    divide_cycles,
                },
                fetch: FetchParams {
                    branch_targets: 1 << bits,
                    return_addresses: 1 << (bits / 2),
                },
                ..Setup::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_core_does_what_the_reference_does(words in program(), setup in setup()) {
        check(&words, &setup);
    }

    #[test]
    fn sleeping_changes_nothing(words in program(), setup in setup()) {
        let program = image(&[&words[..], &epilogue()].concat());
        let asleep = run_image(&program, &setup);
        let awake = run_image(&program, &Setup { no_sleep: true, ..setup });
        prop_assert_eq!(asleep, awake);
    }
}
