//! Just enough of an assembler: words from operands, and an ELF file around them.

use crate::riscv::platform::RAM_BASE;

pub fn r(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25
}

pub fn i(opcode: u32, funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    assert!((-2048..2048).contains(&immediate));
    opcode | rd << 7 | funct3 << 12 | rs1 << 15 | (immediate as u32) << 20
}

/// `funct3` 0 sb, 1 sh, 2 sw.
pub fn store(funct3: u32, rs2: u32, rs1: u32, immediate: i32) -> u32 {
    assert!((-2048..2048).contains(&immediate));
    let immediate = immediate as u32;
    0x23 | (immediate & 31) << 7
        | funct3 << 12
        | rs1 << 15
        | rs2 << 20
        | (immediate >> 5 & 0x7f) << 25
}

/// `funct3` 0 beq, 1 bne, 4 blt, 5 bge, 6 bltu, 7 bgeu.
pub fn branch(funct3: u32, rs1: u32, rs2: u32, offset: i32) -> u32 {
    assert!((-4096..4096).contains(&offset) && offset & 1 == 0);
    let offset = offset as u32;
    0x63 | (offset >> 11 & 1) << 7
        | (offset >> 1 & 15) << 8
        | funct3 << 12
        | rs1 << 15
        | rs2 << 20
        | (offset >> 5 & 63) << 25
        | (offset >> 12 & 1) << 31
}

pub fn jal(rd: u32, offset: i32) -> u32 {
    assert!((-(1 << 20)..1 << 20).contains(&offset) && offset & 1 == 0);
    let offset = offset as u32;
    0x6f | rd << 7
        | offset & 0xf_f000
        | (offset >> 11 & 1) << 20
        | (offset >> 1 & 0x3ff) << 21
        | (offset >> 20 & 1) << 31
}

pub fn jalr(rd: u32, rs1: u32, immediate: i32) -> u32 {
    i(0x67, 0, rd, rs1, immediate)
}

pub fn addi(rd: u32, rs1: u32, immediate: i32) -> u32 {
    i(0x13, 0, rd, rs1, immediate)
}

pub fn add(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, 0, 0, rd, rs1, rs2)
}

/// `funct3` as in the M extension: 0 mul … 4 div … 7 remu.
pub fn mul_div(funct3: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x33, funct3, 1, rd, rs1, rs2)
}

/// `funct3` 0 lb, 1 lh, 2 lw, 4 lbu, 5 lhu.
pub fn load(funct3: u32, rd: u32, rs1: u32, immediate: i32) -> u32 {
    i(0x03, funct3, rd, rs1, immediate)
}

/// `funct5` as in the A extension: 2 lr, 3 sc, 1 swap, 0 add, …
pub fn atomic(funct5: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0x2f, 2, funct5 << 2, rd, rs1, rs2)
}

pub fn lui(rd: u32, value: u32) -> u32 {
    0x37 | rd << 7 | value & 0xffff_f000
}

/// `funct3` 1 csrrw, 2 csrrs, 3 csrrc, 5 to 7 with an immediate for `rs1`.
pub fn csr(funct3: u32, rd: u32, number: u16, rs1: u32) -> u32 {
    0x73 | rd << 7 | funct3 << 12 | rs1 << 15 | u32::from(number) << 20
}

pub const ECALL: u32 = 0x73;
pub const EBREAK: u32 = 0x0010_0073;
pub const MRET: u32 = 0x3020_0073;
pub const WFI: u32 = 0x1050_0073;
pub const FENCE: u32 = 0x0ff0_000f;
pub const FENCE_I: u32 = 0x0000_100f;

/// Two words that put a constant into a register.
pub fn constant(rd: u32, value: u32) -> [u32; 2] {
    let low = (value << 20) as i32 >> 20;
    [lui(rd, value.wrapping_sub(low as u32)), addi(rd, rd, low)]
}

/// An executable whose only segment is `words` at the start of RAM, with the symbol `tohost`.
pub fn elf(words: &[u32], tohost: u32) -> Vec<u8> {
    let content: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let strings = b"\0tohost\0";
    let code_at = 52 + 32;
    let symbols_at = code_at + content.len() as u32;
    let strings_at = symbols_at + 32;
    let sections_at = strings_at + strings.len() as u32;
    let mut out = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend([2u16, 243].into_iter().flat_map(u16::to_le_bytes));
    let mut put = |values: &[u32]| out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    put(&[1, RAM_BASE, 52, sections_at, 0]);
    // Sizes and counts: header, program headers, section headers, index of the names.
    put(&[52 | 32 << 16, 1 | 40 << 16, 3 | 2 << 16]);
    let size = content.len() as u32;
    put(&[1, code_at, RAM_BASE, RAM_BASE, size, size, 7, 4]);
    out.extend(&content);
    let mut put = |values: &[u32]| out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    put(&[0, 0, 0, 0]);
    // A global object, in no section of this file: absolute.
    put(&[1, tohost, 4, 0x11 | 0xfff1 << 16]);
    out.extend(strings);
    let mut put = |values: &[u32]| out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    put(&[0; 10]);
    put(&[0, 2, 0, 0, symbols_at, 32, 2, 1, 4, 16]);
    put(&[0, 3, 0, 0, strings_at, strings.len() as u32, 0, 0, 1, 0]);
    out
}
