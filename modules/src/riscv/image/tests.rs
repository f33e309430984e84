//! Good files, every way to be a bad one, and copies into memories.

use super::*;

/// A program header of the file under test.
#[derive(Clone)]
struct Load {
    physical: u32,
    content: Vec<u8>,
    memory_bytes: u32,
}

fn load(physical: u32, content: &[u8], memory_bytes: u32) -> Load {
    Load {
        physical,
        content: content.to_vec(),
        memory_bytes,
    }
}

/// A minimal 32-bit RISC-V executable: header, program headers, contents. Virtual addresses differ
/// from physical ones on purpose.
fn file(entry: u32, loads: &[Load]) -> Vec<u8> {
    let mut out = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |out: &mut Vec<u8>, value: u16| out.extend(value.to_le_bytes());
    let word = |out: &mut Vec<u8>, value: u32| out.extend(value.to_le_bytes());
    half(&mut out, 2); // executable
    half(&mut out, 243); // RISC-V
    for value in [1, entry, 52, 0, 0] {
        word(&mut out, value);
    }
    for value in [52, 32, loads.len() as u16, 40, 0, 0] {
        half(&mut out, value);
    }
    let mut offset = 52 + 32 * loads.len() as u32;
    for load in loads {
        let size = load.content.len() as u32;
        for value in [
            1,
            offset,
            load.physical ^ 0x4000_0000,
            load.physical,
            size,
            load.memory_bytes,
            7,
            4,
        ] {
            word(&mut out, value);
        }
        offset += size;
    }
    for load in loads {
        out.extend(&load.content);
    }
    out
}

fn two_segments() -> Vec<u8> {
    file(
        0x8000_0000,
        &[
            load(0x8000_0000, &[1, 2, 3, 4, 5], 12),
            load(0x8000_000e, &[6, 7, 8, 9, 10, 11, 12], 7),
        ],
    )
}

#[test]
fn segments_lie_at_their_physical_addresses() {
    let image = Image::from_elf(&two_segments()).unwrap();
    assert_eq!(image.entry(), 0x8000_0000);
    assert_eq!(image.segments().len(), 2);
    let mut words = [u32::MAX; 7];
    image.copy_words(0x7fff_fffc, &mut words);
    assert_eq!(
        words,
        [
            0,
            0x0403_0201,
            0x0000_0005,
            0,
            0x0706_0000,
            0x0b0a_0908,
            0x0000_000c
        ]
    );
    for (index, word) in words.into_iter().enumerate() {
        assert_eq!(image.read_word(0x7fff_fffc + 4 * index as u32), word);
    }
    assert_eq!(image.symbol("tohost"), None);
}

#[test]
fn ragged_ends_copy_the_same_from_everywhere() {
    let content: Vec<u8> = (1..=40).collect();
    for first in 0..5 {
        let segments = [
            load(0x100, &[0x13, 0, 0, 0], 4),
            load(0x200 + first, &content, 40),
        ];
        let image = Image::from_elf(&file(0x100, &segments)).unwrap();
        for start in (0x1f8..0x240).step_by(4) {
            for count in 0..14 {
                let mut words = vec![7; count];
                image.copy_words(start, &mut words);
                let byte = |address: u32| {
                    let offset = address.wrapping_sub(0x200 + first) as usize;
                    content.get(offset).copied().unwrap_or(0)
                };
                for (index, word) in words.into_iter().enumerate() {
                    let address = start + 4 * index as u32;
                    let expected = [0, 1, 2, 3].map(|lane| byte(address + lane));
                    assert_eq!(
                        word.to_le_bytes(),
                        expected,
                        "{first} {start:#x} {count} {index}"
                    );
                }
            }
        }
    }
}

#[test]
fn interleaved_banks_hold_every_word_once() {
    let content: Vec<u8> = (0..128).collect();
    let image = Image::from_elf(&file(0x8000_0000, &[load(0x8000_0000, &content, 128)])).unwrap();
    let mut whole = [0; 32];
    image.copy_words(0x8000_0000, &mut whole);
    // Two banks, lines of 16 bytes: bank 1 holds the odd lines.
    let mut bank = [0; 16];
    image.copy_interleaved(0x8000_0010, 4, 32, &mut bank);
    for line in 0..4 {
        assert_eq!(
            bank[4 * line..4 * line + 4],
            whole[8 * line + 4..8 * line + 8]
        );
    }
}

/// Message of the error of a file.
fn message(file: &[u8]) -> String {
    Image::from_elf(file).unwrap_err().to_string()
}

fn changed(at: usize, byte: u8) -> Vec<u8> {
    let mut file = two_segments();
    file[at] = byte;
    file
}

#[test]
fn files_that_are_no_program_for_this_machine() {
    assert_eq!(
        message(b""),
        "not an ELF file: it does not start with 0x7f 'E' 'L' 'F'"
    );
    assert_eq!(
        message(b"#!/bin/sh\n"),
        "not an ELF file: it does not start with 0x7f 'E' 'L' 'F'"
    );
    assert_eq!(
        message(b"\x7fELF\x01"),
        "file truncated: 5 bytes, its headers speak of at least 52"
    );
    assert_eq!(
        message(&changed(4, 2)),
        "wrong class: a 64-bit program, this machine runs 32-bit RISC-V (RV32IMA)"
    );
    assert_eq!(
        message(&changed(4, 9)),
        "wrong class: EI_CLASS is 9, expected 1 (32-bit)"
    );
    assert_eq!(
        message(&changed(5, 2)),
        "wrong byte order: a big-endian program, this machine is little-endian"
    );
    assert_eq!(
        message(&changed(18, 40)),
        "wrong architecture: Arm (machine 40), expected RISC-V (machine 243)"
    );
    assert_eq!(
        message(&changed(16, 1)),
        "not an executable: a relocatable object, not yet linked (type 1), expected type 2"
    );
    assert_eq!(
        message(&changed(36, 1)),
        "compiled for compressed instructions (extension C), which this machine lacks: use -march=rv32ima"
    );
    assert_eq!(
        message(&changed(36, 4)),
        "compiled for floating-point registers, which this machine lacks: use -march=rv32ima -mabi=ilp32"
    );
}

#[test]
fn files_whose_segments_are_wrong() {
    let start = 0x8000_0000;
    let nop = [0x13, 0, 0, 0];
    assert_eq!(message(&file(start, &[])), "no loadable segment");
    assert_eq!(
        message(&file(start, &[load(start, &[], 0)])),
        "no loadable segment"
    );
    assert_eq!(
        message(&file(
            start,
            &[load(start + 8, &nop, 4), load(start, &nop, 12)]
        )),
        "segment 1 (0x80000000..0x8000000c) and segment 0 (0x80000008..0x8000000c) overlap"
    );
    assert_eq!(
        message(&file(start, &[load(0xffff_fff0, &nop, 17)])),
        "segment 0 at 0xfffffff0 with 17 bytes goes beyond the 32-bit address space"
    );
    assert_eq!(
        message(&file(start, &[load(start, &nop, 3)])),
        "malformed ELF file: segment 0 has 4 bytes in the file but 3 in memory"
    );
    let bad_entry = "is no 4-byte aligned address within a loaded segment";
    assert_eq!(
        message(&file(0x10, &[load(start, &nop, 4)])),
        format!("entry 0x00000010 {bad_entry}")
    );
    assert_eq!(
        message(&file(start + 2, &[load(start, &nop, 8)])),
        format!("entry 0x80000002 {bad_entry}")
    );
    let many: Vec<Load> = (0..257)
        .map(|number| load(start + 4 * number, &nop, 4))
        .collect();
    assert_eq!(
        message(&file(start, &many)),
        "too many loadable segments: 257, the limit is 256"
    );
    assert!(Image::from_elf(&file(start, &many[..256])).is_ok());
    assert!(Image::from_elf(&file(0xffff_fffc, &[load(0xffff_fffc, &nop, 4)])).is_ok());
}

#[test]
fn files_beyond_the_limits() {
    let oversized = vec![0; FILE_BYTES_MAX + 1];
    assert_eq!(
        message(&oversized),
        "file too large: 67108865 bytes, the limit is 67108864"
    );
    // Two segments that share the file's bytes load more than the file has.
    let half = vec![0; FILE_BYTES_MAX / 2 + 8];
    let mut shared = file(
        0x8000_0000,
        &[
            load(0x8000_0000, &half, half.len() as u32),
            load(0x9000_0000, &[], 0),
        ],
    );
    let (first, second) = shared[52..116].split_at_mut(32);
    second.copy_from_slice(first);
    second[15] = 0x90;
    assert_eq!(
        message(&shared),
        "too large: the segments load 67108880 bytes, the limit is 67108864"
    );
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let whole = two_segments();
    for length in 0..whole.len() {
        Image::from_elf(&whole[..length]).expect_err("a truncated file is no program");
    }
    assert_eq!(
        message(&whole[..whole.len() - 1]),
        format!(
            "file truncated: {} bytes, its headers speak of at least {}",
            whole.len() - 1,
            whole.len()
        )
    );
}

#[test]
fn segments_are_checked_against_a_memory() {
    let image = Image::from_elf(&two_segments()).unwrap();
    assert_eq!(image.check_within(0x8000_0000, 0x15), Ok(()));
    let error = |start, bytes| image.check_within(start, bytes).unwrap_err().to_string();
    assert_eq!(
        error(0x8000_0000, 0x14),
        "program too large: segment 1 (0x8000000e..0x80000015) does not lie within the memory \
         (0x80000000..0x80000014, 0 KiB)"
    );
    assert_eq!(
        error(0, 0x1000),
        "program out of range: segment 0 (0x80000000..0x8000000c) does not lie within the memory \
         (0x00000000..0x00001000, 4 KiB)"
    );
}

proptest::proptest! {
    /// No file, however broken, makes loading panic.
    #[test]
    fn broken_files_are_errors_or_programs(
        changes in proptest::collection::vec((0usize..130, proptest::num::u8::ANY), 1..6)
    ) {
        let mut file = two_segments();
        let length = file.len();
        for (at, byte) in changes {
            file[at % length] = byte;
        }
        if let Ok(image) = Image::from_elf(&file) {
            image.copy_words(0x8000_0000, &mut [0; 8]);
        }
    }
}
