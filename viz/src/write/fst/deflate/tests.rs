//! What another implementation makes of it again, and how small it is.

use super::*;
use proptest::prelude::*;
use std::io::Read;

fn check(deflate: &mut Deflate, chain: &[u8], rows: Rows) -> usize {
    let mut out = vec![7];
    deflate.compress(chain, rows, &mut out);
    let mut again = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(&out[1..]);
    reader.read_to_end(&mut again).unwrap();
    assert!(again == chain, "{rows:?} {chain:?}");
    assert_eq!(reader.total_in() as usize, out.len() - 1);
    out.len() - 1
}

const ROWS: [Rows; 4] = [
    Rows {
        even_bytes: 0,
        odd_bytes: 0,
    },
    Rows {
        even_bytes: 1,
        odd_bytes: 8,
    },
    Rows {
        even_bytes: 5,
        odd_bytes: 40,
    },
    Rows {
        even_bytes: 64,
        odd_bytes: 512,
    },
];

proptest! {
    #[test]
    fn any_bytes_come_back(
        chains in prop::collection::vec((
            prop::collection::vec(any::<u8>(), 0..300), 1..200usize, any::<u8>()
        ), 1..4),
        rows in 0..4usize,
    ) {
        // One after the other: nothing of a chain may be found in the next.
        let mut deflate = Deflate::new();
        for (bytes, times, mask) in chains {
            let chain: Vec<u8> = bytes.iter().map(|byte| byte & mask).collect::<Vec<u8>>().repeat(times);
            check(&mut deflate, &chain, ROWS[rows]);
        }
    }
}

#[test]
fn what_repeats_is_small() {
    let mut deflate = Deflate::new();
    let clock: Vec<u8> = [4, 6].repeat(100_000);
    assert!(check(&mut deflate, &clock, ROWS[0]) < 1200);
    let turns: Vec<u8> = (0..100_000u32)
        .flat_map(|row| [2, (row % 57 * 23 % 256) as u8])
        .collect();
    assert!(check(&mut deflate, &turns, ROWS[1]) < 2500);
    let counter: Vec<u8> = (0..10_000u32)
        .flat_map(|row| [2, 0, 0, 0, (row / 256) as u8, row as u8])
        .collect();
    assert!(check(&mut deflate, &counter, ROWS[2]) < 20_000);
}

#[test]
fn every_length_and_distance_is_written_as_it_is_read() {
    let mut deflate = Deflate::new();
    let noise = |count: usize, seed: u32| -> Vec<u8> {
        let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(next(&seed), next)
            .map(|state| (state >> 24) as u8 & 126)
            .take(count)
            .collect()
    };
    for length in 8..300 {
        for distance in [300, 1000, 5000, 20_000, 32_760, 32_768, 32_769, 40_000] {
            if length % 7 == distance % 7 {
                let mut chain = noise(distance, length as u32);
                let again = chain[..length].to_vec();
                chain.extend(again);
                chain.extend(noise(20, 5));
                check(&mut deflate, &chain, ROWS[0]);
            }
        }
    }
}
