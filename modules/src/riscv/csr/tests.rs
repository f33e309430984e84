//! What registers keep, which accesses are illegal, counters, traps.

use super::*;

/// Writes all ones, then all zeros; gives what is read after each.
fn writable(number: u16) -> (Option<u32>, Option<u32>) {
    let mut csrs = CsrFile::new(3);
    let mut put = |value| {
        csrs.access(number, CsrChange::Write, value, true, 0)?;
        csrs.read(number, 0)
    };
    (put(u32::MAX), put(0))
}

#[test]
fn registers_keep_what_they_can() {
    let check = |number, ones, zeros| {
        assert_eq!(writable(number), (Some(ones), Some(zeros)), "{number:#x}")
    };
    check(MSTATUS, 0x1888, 0x1800);
    check(MISA, 0x4000_1101, 0x4000_1101);
    check(MIE, 0x888, 0);
    check(MTVEC, 0xffff_fffd, 0);
    check(MSTATUSH, 0, 0);
    check(MSCRATCH, u32::MAX, 0);
    check(MEPC, 0xffff_fffc, 0);
    check(MCAUSE, u32::MAX, 0);
    check(MTVAL, u32::MAX, 0);
    check(MIP, 0, 0);
    check(MCYCLE, u32::MAX, 0);
    check(MCYCLEH, u32::MAX, 0);
}

#[test]
fn read_only_and_unknown_registers_are_illegal() {
    for number in [
        CYCLE, CYCLEH, INSTRET, INSTRETH, MVENDORID, MARCHID, MIMPID, MHARTID, MCONFIGPTR,
    ] {
        let mut csrs = CsrFile::new(3);
        assert_eq!(
            csrs.access(number, CsrChange::Set, 0, true, 0),
            None,
            "{number:#x}"
        );
        assert!(
            csrs.access(number, CsrChange::Set, 0, false, 0).is_some(),
            "{number:#x}"
        );
        assert_eq!(csrs, CsrFile::new(3));
    }
    for number in 0..0x1000 {
        let exists = CsrFile::new(0).read(number, 0).is_some();
        assert_eq!(exists, name(number).is_some(), "{number:#x}");
    }
    assert_eq!(CsrFile::new(3).read(MHARTID, 0), Some(3));
    for unknown in [
        0x000, 0x100, 0x180, 0x302, 0x306, 0x3a0, 0x7b0, 0xc01, 0xfff,
    ] {
        assert_eq!(
            CsrFile::new(0).access(unknown, CsrChange::Set, 0, false, 0),
            None,
            "{unknown:#x}"
        );
    }
}

#[test]
fn set_and_clear_change_single_bits() {
    let mut csrs = CsrFile::new(0);
    assert_eq!(
        csrs.access(MSCRATCH, CsrChange::Write, 0b1100, true, 0),
        Some(0)
    );
    assert_eq!(
        csrs.access(MSCRATCH, CsrChange::Set, 0b0110, true, 0),
        Some(0b1100)
    );
    assert_eq!(
        csrs.access(MSCRATCH, CsrChange::Clear, 0b0100, true, 0),
        Some(0b1110)
    );
    assert_eq!(csrs.read(MSCRATCH, 0), Some(0b1010));
}

#[test]
fn counters_count_in_64_bits() {
    let mut csrs = CsrFile::new(0);
    assert_eq!(csrs.read(MCYCLE, 7), Some(7));
    csrs.access(MCYCLE, CsrChange::Write, u32::MAX, true, 10);
    assert_eq!(
        (csrs.read(CYCLE, 10), csrs.read(CYCLEH, 10)),
        (Some(u32::MAX), Some(0))
    );
    assert_eq!(
        (csrs.read(CYCLE, 11), csrs.read(CYCLEH, 11)),
        (Some(0), Some(1))
    );

    csrs.access(MINSTRET, CsrChange::Write, u32::MAX, true, 0);
    csrs.retire(); // the write itself
    assert_eq!(
        (csrs.read(INSTRET, 0), csrs.read(INSTRETH, 0)),
        (Some(u32::MAX), Some(0))
    );
    csrs.retire();
    assert_eq!(
        (csrs.read(INSTRET, 0), csrs.read(INSTRETH, 0)),
        (Some(0), Some(1))
    );
    csrs.access(MINSTRETH, CsrChange::Write, 9, true, 0);
    csrs.retire();
    assert_eq!(csrs.instret(), 9 << 32);
}

#[test]
fn a_trap_and_its_return() {
    let mut csrs = CsrFile::new(0);
    csrs.access(MTVEC, CsrChange::Write, 0x8000_0101, true, 0);
    csrs.access(MSTATUS, CsrChange::Write, MSTATUS_MIE, true, 0);
    let trap = Trap {
        cause: Cause::MachineEcall,
        value: 5,
    };
    assert_eq!(csrs.enter_trap(0x8000_0040, trap), 0x8000_0100);
    assert_eq!(
        csrs.read(MSTATUS, 0),
        Some(MSTATUS_MPP_MACHINE | MSTATUS_MPIE)
    );
    assert_eq!(
        (
            csrs.read(MEPC, 0),
            csrs.read(MCAUSE, 0),
            csrs.read(MTVAL, 0)
        ),
        (Some(0x8000_0040), Some(11), Some(5))
    );
    assert_eq!(csrs.return_from_trap(), 0x8000_0040);
    assert_eq!(
        csrs.read(MSTATUS, 0),
        Some(MSTATUS_MPP_MACHINE | MSTATUS_MPIE | MSTATUS_MIE)
    );
}
