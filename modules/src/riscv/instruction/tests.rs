//! Decoding, text and arithmetic against hand-made encodings, objdump and wide arithmetic.

use super::*;
use proptest::prelude::*;

fn operation_of(word: u32) -> Operation {
    Instruction::decode(word).operation()
}

/// Encodings assembled by hand from the formats of the Unprivileged ISA, section 2.2.
#[test]
fn words_decode_to_their_fields() {
    let check = |word, operation, rd, rs1, rs2, immediate: i32| {
        let found = Instruction::decode(word);
        let fields = (
            found.operation(),
            found.rd(),
            found.rs1(),
            found.rs2(),
            found.immediate() as i32,
        );
        assert_eq!(fields, (operation, rd, rs1, rs2, immediate), "{word:#010x}");
    };
    check(0x0000_0013, Operation::AluImmediate(Alu::Add), 0, 0, 0, 0);
    check(0x0031_00b3, Operation::Alu(Alu::Add), 1, 2, 3, 0);
    check(0x4031_00b3, Operation::Alu(Alu::Sub), 1, 2, 3, 0);
    check(0x0231_00b3, Operation::MulDiv(MulDiv::Mul), 1, 2, 3, 0);
    check(0xfff1_0093, Operation::AluImmediate(Alu::Add), 1, 2, 0, -1);
    check(
        0x41f1_5093,
        Operation::AluImmediate(Alu::ShiftRightArithmetic),
        1,
        2,
        0,
        31,
    );
    check(0x8000_00b7, Operation::Lui, 1, 0, 0, i32::MIN);
    check(0xffdf_f0ef, Operation::Jal, 1, 0, 0, -4);
    check(0x0000_8067, Operation::Jalr, 0, 1, 0, 0);
    check(
        0xfe20_9ee3,
        Operation::Branch(Condition::NotEqual),
        0,
        1,
        2,
        -4,
    );
    check(0x0021_2223, Operation::Store(Store::Word), 0, 2, 2, 4);
    check(0xffc1_2083, Operation::Load(Load::Word), 1, 2, 0, -4);
    check(0x1001_20af, Operation::LoadReserved, 1, 2, 0, 0);
    check(0x1831_20af, Operation::StoreConditional, 1, 2, 3, 0);
    check(0x3001_10f3, Operation::Csr(CsrChange::Write), 1, 2, 0, 0);
    check(
        0x3001_50f3,
        Operation::CsrImmediate(CsrChange::Write),
        1,
        0,
        0,
        0,
    );
    check(0x3020_0073, Operation::Mret, 0, 0, 0, 0);
}

#[test]
fn csr_operands_come_from_the_word() {
    let found = Instruction::decode(0x3001_50f3); // csrrwi ra,mstatus,2
    assert_eq!((found.csr_number(), found.csr_immediate()), (0x300, 2));
    let writes = |word| Instruction::decode(word).writes_csr();
    assert!(writes(0x3000_1073), "csrrw zero,mstatus,zero writes zero");
    assert!(writes(0x3000_5073), "csrrwi zero,mstatus,0 writes zero");
    assert!(!writes(0x3000_2073), "csrrs with x0 only reads");
    assert!(!writes(0x3000_7073), "csrrci with 0 only reads");
    assert!(
        writes(0x3000_a073),
        "csrrs with x1 writes, whatever x1 holds"
    );
    assert!(!writes(0x0000_0073));
}

/// The text of every kind of instruction against GNU objdump 2.40 (`-M no-aliases`): address, word,
/// mnemonic and operands a line, comments and symbol names removed. The source drew registers and
/// immediates at random, extremes included.
#[test]
fn text_agrees_with_objdump() {
    let lines = include_str!("objdump.txt").lines();
    let mut count = 0;
    for line in lines {
        let fields: Vec<&str> = line.splitn(3, ' ').collect();
        let number = |text: &str| u32::from_str_radix(text, 16).unwrap();
        let instruction = Instruction::decode(number(fields[1]));
        let expected = match instruction.operation() {
            Operation::Jal | Operation::Branch(_) => {
                // objdump prints the absolute target.
                let (operands, target) = fields[2].rsplit_once(',').unwrap();
                let offset = number(target).wrapping_sub(number(fields[0])) as i32;
                format!("{operands},.{offset:+}")
            }
            _ => fields[2].to_owned(),
        };
        assert_eq!(instruction.to_string(), expected, "{line}");
        count += 1;
    }
    assert!(count > 180);
}

#[test]
fn reserved_encodings_are_illegal() {
    let illegal = [
        (0x0000_0000, "all zeros"),
        (0xffff_ffff, "all ones"),
        (0x0000_0001, "compressed c.nop"),
        (0x0000_4501, "compressed c.li"),
        (0x0000_2063, "branch with funct3 2"),
        (0x0000_3003, "ld is of RV64"),
        (0x0000_6003, "lwu is of RV64"),
        (0x0000_3023, "sd is of RV64"),
        (0x0200_1013, "slli with a shift of 32"),
        (0x0200_5013, "srli with a shift of 32"),
        (0x4000_1013, "slli with the bit of srai"),
        (0x4000_1033, "sll with the bit of sra"),
        (0x4000_7033, "and with the bit of sub"),
        (0x0400_0033, "unknown funct7"),
        (0x0000_1067, "jalr with funct3 1"),
        (0x0000_200f, "fence with funct3 2"),
        (0x1010_202f, "lr with rs2"),
        (0x0000_302f, "amoadd.d"),
        (0x2800_202f, "unknown atomic"),
        (0x0020_0073, "uret"),
        (0x1020_0073, "sret"),
        (0x3020_00f3, "mret with rd"),
        (0x1200_0073, "sfence.vma"),
        (0x0000_4073, "system with funct3 4"),
        (0x0000_0007, "flw"),
        (0x0000_001b, "addiw"),
    ];
    for (word, name) in illegal {
        assert_eq!(operation_of(word), Operation::Illegal, "{name}");
    }
    assert_eq!(
        Instruction::decode(0xffff_ffff).to_string(),
        "illegal 0xffffffff"
    );
}

#[test]
fn fences_ignore_reserved_fields() {
    assert_eq!(operation_of(0xfff9_8f8f), Operation::Fence);
    assert_eq!(operation_of(0xfff9_9f8f), Operation::FenceI);
    assert_eq!(Instruction::decode(0xfff9_8f8f).rd(), 0);
}

#[test]
fn arithmetic_at_its_corners() {
    let minimum = i32::MIN as u32;
    assert_eq!(alu(Alu::Add, u32::MAX, 1), 0);
    assert_eq!(alu(Alu::Sub, 0, 1), u32::MAX);
    assert_eq!(alu(Alu::ShiftLeft, 1, 33), 2);
    assert_eq!(alu(Alu::ShiftRight, minimum, 31), 1);
    assert_eq!(alu(Alu::ShiftRightArithmetic, minimum, 63), u32::MAX);
    assert_eq!(
        (
            alu(Alu::Less, minimum, 0),
            alu(Alu::LessUnsigned, minimum, 0)
        ),
        (1, 0)
    );
    assert!(branch_taken(Condition::Less, minimum, 0));
    assert!(branch_taken(Condition::GreaterEqualUnsigned, minimum, 0));
    assert!(branch_taken(Condition::GreaterEqual, 7, 7));
    assert!(!branch_taken(Condition::NotEqual, 7, 7));

    assert_eq!(mul_div(MulDiv::Mul, 0xffff_ffff, 0xffff_ffff), 1);
    assert_eq!(mul_div(MulDiv::MulHigh, minimum, minimum), 0x4000_0000);
    assert_eq!(
        mul_div(MulDiv::MulHighSignedUnsigned, u32::MAX, u32::MAX),
        u32::MAX
    );
    assert_eq!(mul_div(MulDiv::MulHighSignedUnsigned, 2, minimum), 1);
    assert_eq!(
        mul_div(MulDiv::MulHighUnsigned, u32::MAX, u32::MAX),
        0xffff_fffe
    );
    assert_eq!(mul_div(MulDiv::Divide, minimum, u32::MAX), minimum);
    assert_eq!(mul_div(MulDiv::Remainder, minimum, u32::MAX), 0);
    assert_eq!(mul_div(MulDiv::Divide, 5, 0), u32::MAX);
    assert_eq!(mul_div(MulDiv::DivideUnsigned, 5, 0), u32::MAX);
    assert_eq!(mul_div(MulDiv::Remainder, 5, 0), 5);
    assert_eq!(mul_div(MulDiv::RemainderUnsigned, 5, 0), 5);
    assert_eq!(mul_div(MulDiv::Divide, -7i32 as u32, 2), -3i32 as u32);
    assert_eq!(mul_div(MulDiv::Remainder, -7i32 as u32, 2), -1i32 as u32);

    assert_eq!(amo(Amo::Min, 1, u32::MAX), u32::MAX);
    assert_eq!(amo(Amo::Max, 1, u32::MAX), 1);
    assert_eq!(amo(Amo::MinUnsigned, 1, u32::MAX), 1);
    assert_eq!(amo(Amo::MaxUnsigned, 1, u32::MAX), u32::MAX);
    assert_eq!(amo(Amo::Swap, 1, 2), 2);
}

#[test]
fn loads_and_stores_use_their_byte_lanes() {
    let word = 0x8091_a2b3;
    assert_eq!(Load::Byte.extract(word, 0x103), 0xffff_ff80);
    assert_eq!(Load::ByteUnsigned.extract(word, 0x101), 0xa2);
    assert_eq!(Load::Half.extract(word, 0x102), 0xffff_8091);
    assert_eq!(Load::HalfUnsigned.extract(word, 0x100), 0xa2b3);
    assert_eq!(Store::Byte.merge(word, 0xff11, 0x102), 0x8011_a2b3);
    assert_eq!(Store::Half.merge(word, 0xf_1122, 0x102), 0x1122_a2b3);
    assert_eq!(Store::Word.merge(word, 5, 0x100), 5);
    assert_eq!(merge_lanes(0x1111_1111, 0x2222_2222, 0b1010), 0x2211_2211);
}

proptest! {
    /// Decoding knows nothing but the word, and no word makes it or its text fail.
    #[test]
    fn every_word_decodes(word: u32) {
        let instruction = Instruction::decode(word);
        prop_assert_eq!(instruction.word(), word);
        prop_assert!(!instruction.to_string().is_empty());
        prop_assert!(instruction.rd() < 32 && instruction.rs1() < 32 && instruction.rs2() < 32);
        if word & 3 != 3 {
            prop_assert_eq!(instruction.operation(), Operation::Illegal);
        }
    }

    /// Quotient and remainder belong together wherever division is defined.
    #[test]
    fn division_is_inverse_to_multiplication(a: u32, b in 1u32..) {
        let quotient = mul_div(MulDiv::DivideUnsigned, a, b);
        let remainder = mul_div(MulDiv::RemainderUnsigned, a, b);
        prop_assert_eq!(quotient.wrapping_mul(b).wrapping_add(remainder), a);
        let quotient = mul_div(MulDiv::Divide, a, b);
        let remainder = mul_div(MulDiv::Remainder, a, b);
        prop_assert_eq!(quotient.wrapping_mul(b).wrapping_add(remainder), a);
    }

    /// The high words agree with 128-bit arithmetic.
    #[test]
    fn high_products_agree_with_wide_arithmetic(a: u32, b: u32) {
        let (signed_a, signed_b) = (i128::from(a as i32), i128::from(b as i32));
        prop_assert_eq!(mul_div(MulDiv::MulHigh, a, b), ((signed_a * signed_b) >> 32) as u32);
        prop_assert_eq!(mul_div(MulDiv::MulHighSignedUnsigned, a, b), ((signed_a * i128::from(b)) >> 32) as u32);
        prop_assert_eq!(mul_div(MulDiv::MulHighUnsigned, a, b), ((u128::from(a) * u128::from(b)) >> 32) as u32);
    }
}
