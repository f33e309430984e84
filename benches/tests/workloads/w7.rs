//! The transform pipeline against transforms computed by definition and by recursion.

use crate::rig::{run, run_once};
use tina_engine::Outcome;
use tina_modules::math::lcg;

const PRIME: u64 = 998_244_353;

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent /= 2;
    }
    result
}

/// 3 generates the field; this power of it has order `points`.
fn root(points: usize) -> u64 {
    power(3, (PRIME - 1) / points as u64)
}

/// X\[k\] = Σ x\[j\] · r^(j·k), term by term.
fn by_definition(x: &[u64]) -> Vec<u64> {
    let root = root(x.len());
    let term = |j: usize, k: usize| x[j] * power(root, (j * k % x.len()) as u64) % PRIME;
    (0..x.len())
        .map(|k| (0..x.len()).map(|j| term(j, k)).sum::<u64>() % PRIME)
        .collect()
}

/// The same by halves: even and odd coefficients.
fn by_recursion(x: &[u64], root: u64) -> Vec<u64> {
    if x.len() == 1 {
        return x.to_vec();
    }
    let part = |parity: usize| {
        let coefficients: Vec<u64> = x.iter().copied().skip(parity).step_by(2).collect();
        by_recursion(&coefficients, root * root % PRIME)
    };
    let (even, odd) = (part(0), part(1));
    let mut transform = vec![0; x.len()];
    let mut factor = 1;
    for k in 0..even.len() {
        let turned = factor * odd[k] % PRIME;
        transform[k] = (even[k] + turned) % PRIME;
        transform[k + even.len()] = (even[k] + PRIME - turned) % PRIME;
        factor = factor * root % PRIME;
    }
    transform
}

/// Lane l of the sinks carries the point whose number is l with its bits in reverse order.
fn reversed(lane: usize, stages: u32) -> usize {
    lane.reverse_bits() >> (usize::BITS - stages)
}

/// The checks of all lanes after `cycles`, from `transform` of the same polynomials.
fn checks(stages: u32, cycles: u64, transform: impl Fn(&[u64]) -> Vec<u64>) -> Vec<u64> {
    let lanes = 0..1usize << stages;
    let mut states: Vec<u64> = lanes
        .clone()
        .map(|lane| lcg::first_state(lane as u64))
        .collect();
    let mut checks = states.clone();
    for _ in 0..cycles.saturating_sub(u64::from(stages) + 1) {
        let polynomial: Vec<u64> = states
            .iter_mut()
            .map(|state| {
                *state = lcg::next(*state);
                ((*state >> 32) * PRIME) >> 32
            })
            .collect();
        let points = transform(&polynomial);
        for lane in lanes.clone() {
            checks[lane] = lcg::next(checks[lane] ^ points[reversed(lane, stages)]);
        }
    }
    checks
}

fn check(stages: u32, cycles: u64, transform: impl Fn(&[u64]) -> Vec<u64>) {
    let text = stages.to_string();
    let ran = run("w7_ntt.ron", &[("stages", &text)], Some(cycles));
    assert_eq!(ran.outcome, Outcome::CyclesDone);
    let expected = checks(stages, cycles, transform);
    for (lane, check) in expected.iter().enumerate() {
        let sink = format!("sink[{lane}]");
        assert_eq!(ran.value(&sink, "check"), *check, "lane {lane}");
    }
    let sum = expected
        .iter()
        .fold(0, |sum: u64, check| sum.wrapping_add(*check));
    assert_eq!(ran.total("check"), sum);
    // The closed forms of the netlist's head comment.
    let points = 1 << stages;
    let stages = u64::from(stages);
    assert_eq!(ran.total("transforms"), cycles - stages - 1);
    assert_eq!(ran.total("numbers"), points * (cycles - stages - 1));
    let butterflies = points / 2 * (stages * (cycles - 1) - stages * (stages - 1) / 2);
    assert_eq!(ran.total("butterflies"), butterflies);
}

#[test]
fn small_transforms_are_those_of_the_definition() {
    for stages in [2, 3, 5] {
        check(stages, 60, by_definition);
    }
}

#[test]
fn a_transform_of_2048_points_is_that_of_the_recursion() {
    check(11, 40, |x| by_recursion(x, root(x.len())));
}

/// The first line of the table in the netlist's head comment.
#[test]
fn the_table_is_right() {
    let found = checks(11, 2_000, |x| by_recursion(x, root(x.len())));
    let sum = found
        .iter()
        .fold(0, |sum: u64, check| sum.wrapping_add(*check));
    assert_eq!(sum, 0xf2cf_ea14_5436_c1e6);
    let ran = run_once("w7_ntt.ron", &[], None);
    assert_eq!(ran.cycles, 2_000);
    assert_eq!(ran.total("check"), sum);
    assert_eq!(ran.digest, 0x6261_7833_13f2_cd58);
}
