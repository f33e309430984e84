// Zicsr, and which bits the machine's registers keep. Accesses that trap are in traps.S.
#include "check.h"

// Writes all ones, then zero; compares what is read back.
.macro KEEPS number, csr, ones, zeros
    CASE    \number
    li      a0, -1
    csrw    \csr, a0
    csrr    a1, \csr
    EXPECT  a1, \ones
    csrw    \csr, zero
    csrr    a1, \csr
    EXPECT  a1, \zeros
.endm

    BEGIN

    // The six instructions, on a register that keeps every bit.
    CASE    1
    li      a0, 0xf0f0f0f0
    csrrw   a1, mscratch, a0
    li      a0, 0x0000ffff
    csrrs   a2, mscratch, a0
    EXPECT  a2, 0xf0f0f0f0
    csrrc   a3, mscratch, a0
    EXPECT  a3, 0xf0f0ffff
    csrrwi  a4, mscratch, 21
    EXPECT  a4, 0xf0f00000
    csrrsi  a5, mscratch, 10
    EXPECT  a5, 21
    csrrci  a6, mscratch, 17
    EXPECT  a6, 31
    csrr    a7, mscratch
    EXPECT  a7, 14

    // One register as source and destination swaps; x0 as source of a write writes 0.
    CASE    2
    li      a0, 1234
    csrrw   a0, mscratch, a0
    EXPECT  a0, 14
    csrrw   a0, mscratch, zero
    EXPECT  a0, 1234
    csrrs   a0, mscratch, zero
    EXPECT  a0, 0
    csrwi   mscratch, 31
    csrci   mscratch, 0
    csrsi   mscratch, 0
    csrr    a0, mscratch
    EXPECT  a0, 31

    KEEPS   10, mscratch, 0xffffffff, 0
    KEEPS   11, mepc, 0xfffffffc, 0
    KEEPS   12, mcause, 0xffffffff, 0
    KEEPS   13, mtval, 0xffffffff, 0
    KEEPS   14, mie, 0x888, 0
    KEEPS   15, mip, 0, 0
    KEEPS   16, mstatus, 0x1888, 0x1800
    KEEPS   17, 0x310, 0, 0         // mstatush
    KEEPS   18, misa, 0x40001101, 0x40001101

    CASE    19
    csrr    a2, mtvec
    li      a0, 0x80000002
    csrw    mtvec, a0
    csrr    a1, mtvec
    csrw    mtvec, a2
    EXPECT  a1, 0x80000000          // a reserved mode is not kept
    li      a0, 0x80000101
    csrw    mtvec, a0
    csrr    a1, mtvec
    csrw    mtvec, a2
    EXPECT  a1, 0x80000101          // vectored

    CASE    20
    csrr    a0, mhartid
    EXPECT  a0, 0
    csrr    a0, mvendorid
    EXPECT  a0, 0
    csrr    a0, marchid
    EXPECT  a0, 0
    csrr    a0, mimpid
    EXPECT  a0, 0
    csrr    a0, 0xf15               // mconfigptr
    EXPECT  a0, 0

    // Retired instructions are counted exactly, in both views; cycles at least as many.
    CASE    30
    csrr    a0, minstret
    nop
    nop
    csrr    a1, minstret
    sub     a1, a1, a0
    EXPECT  a1, 3
    csrr    a0, instret
    csrr    a1, minstret
    sub     a1, a1, a0
    EXPECT  a1, 1
    csrr    a0, mcycle
    nop
    nop
    csrr    a1, cycle
    sub     a1, a1, a0
    li      a2, 3
    bltu    a1, a2, fail_near

    // A written count is what the next instruction reads; the carry reaches the upper half.
    CASE    31
    li      a0, 1000
    csrw    minstret, a0
    csrr    a1, minstret
    EXPECT  a1, 1000
    li      a0, -1
    csrw    minstreth, zero
    csrw    minstret, a0
    nop
    csrr    a1, minstret
    csrr    a2, minstreth
    csrr    a3, instreth
    EXPECT  a1, 0
    EXPECT  a2, 1
    EXPECT  a3, 1

    CASE    32
    csrw    mcycleh, zero
    li      a0, -1
    csrw    mcycle, a0
    nop
    csrr    a1, mcycleh
    csrr    a2, cycleh
    EXPECT  a1, 1
    EXPECT  a2, 1
    csrw    mcycle, zero
    csrr    a1, mcycle
    li      a2, 100000
    bgeu    a1, a2, fail_near
    j       pass
fail_near:
    j       fail

pass:
    END
