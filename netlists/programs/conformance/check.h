// Frame of the conformance programs: numbered cases, each of which compares a register with what
// the manual says it must hold. A program exits with 0, or with the number of the first case that
// failed, which stands in s11. Only hart 0 runs; the others wait.
//
// Registers with a meaning here: s11 the case, t6 scratch of EXPECT. All others are free, except in
// traps.S, which says so.

    .option norelax

// Begins the program. A trap that no case expects ends it as that case's failure.
.macro BEGIN
    .section .text.start, "ax"
    .globl  _start
_start:
    csrr    t0, mhartid
    bnez    t0, park
    li      s11, 255
    la      t0, unexpected_trap
    csrw    mtvec, t0
.endm

// Ends the program: what runs to here has passed.
.macro END
    li      s11, 0
fail:
    slli    t0, s11, 1
    ori     t0, t0, 1
    la      t1, tohost
    sw      t0, 0(t1)
park:
    wfi
    j       park
    .balign 4
unexpected_trap:
    j       fail

    .section .tohost, "aw"
    .balign 64
    .globl  tohost
    .type   tohost, @object
    .size   tohost, 8
tohost:
    .dword  0
.endm

.macro CASE number
    li      s11, \number
.endm

// Compares without a far branch, so that `fail` may be anywhere.
.macro EXPECT register, value
    li      t6, \value
    beq     \register, t6, .Lexpected\@
    j       fail
.Lexpected\@:
.endm

.macro EXPECT_SAME register, other
    beq     \register, \other, .Lsame\@
    j       fail
.Lsame\@:
.endm

// rd = rs1 op rs2, in registers that do and do not overlap, and into x0.
.macro REGISTERS number, op, a, b, expected
    CASE    \number
    li      a0, \a
    li      a1, \b
    \op     a2, a0, a1
    EXPECT  a2, \expected
    EXPECT  a0, \a
    \op     zero, a0, a1
    EXPECT  zero, 0
    mv      a3, a0
    \op     a3, a3, a1
    EXPECT  a3, \expected
    mv      a3, a1
    \op     a3, a0, a3
    EXPECT  a3, \expected
.endm

// rd = rs1 op immediate.
.macro IMMEDIATE number, op, a, immediate, expected
    CASE    \number
    li      a0, \a
    \op     a2, a0, \immediate
    EXPECT  a2, \expected
    \op     zero, a0, \immediate
    EXPECT  zero, 0
    \op     a0, a0, \immediate
    EXPECT  a0, \expected
.endm
