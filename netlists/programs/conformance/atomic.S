// The A extension on one hart: what each operation gives and leaves, and when SC fails.
#include "check.h"

.macro AMO number, op, old, operand, new
    CASE    \number
    li      a1, \old
    sw      a1, 0(a0)
    li      a2, \operand
    \op     a3, a2, (a0)
    EXPECT  a3, \old
    lw      a4, 0(a0)
    EXPECT  a4, \new
    EXPECT  a2, \operand
    // Again, with the result dropped, then into the operand's own register.
    sw      a1, 0(a0)
    \op     zero, a2, (a0)
    lw      a4, 0(a0)
    EXPECT  a4, \new
    sw      a1, 0(a0)
    \op     a2, a2, (a0)
    EXPECT  a2, \old
.endm

    BEGIN
    la      a0, word

    AMO     1, amoswap.w, 0x80000000, 5, 5
    AMO     2, amoswap.w.aqrl, 5, -1, -1
    AMO     3, amoadd.w, 0x7fffffff, 1, 0x80000000
    AMO     4, amoadd.w.aq, -1, 1, 0
    AMO     5, amoadd.w.rl, 0x80000000, 0xfffff800, 0x7ffff800
    AMO     6, amoxor.w, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0
    AMO     7, amoand.w, 0xff00ff00, 0x0ff00ff0, 0x0f000f00
    AMO     8, amoor.w, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0
    AMO     9, amomin.w, 1, -1, -1
    AMO     10, amomin.w, -1, 1, -1
    AMO     11, amomin.w, 0x80000000, 0x7fffffff, 0x80000000
    AMO     12, amomax.w, 1, -1, 1
    AMO     13, amomax.w, -1, 1, 1
    AMO     14, amomax.w, 0x80000000, 0x7fffffff, 0x7fffffff
    AMO     15, amominu.w, 1, -1, 1
    AMO     16, amominu.w, -1, 1, 1
    AMO     17, amominu.w, 0x80000000, 0x7fffffff, 0x7fffffff
    AMO     18, amomaxu.w, 1, -1, -1
    AMO     19, amomaxu.w, -1, 1, -1
    AMO     20, amomaxu.w, 0x80000000, 0x7fffffff, 0x80000000

    // The neighbours of the word are left alone.
    CASE    21
    lw      a1, -4(a0)
    EXPECT  a1, 0x11111111
    lw      a1, 4(a0)
    EXPECT  a1, 0x22222222

    // An SC without a reservation fails and stores nothing.
    CASE    30
    sw      zero, 0(a0)
    la      a1, other
    lr.w    a2, (a1)
    sc.w    a2, a2, (a1)            # uses up whatever reservation there was
    li      a1, 7
    sc.w    a2, a1, (a0)
    EXPECT  a2, 1
    lw      a3, 0(a0)
    EXPECT  a3, 0

    // A pair succeeds, also with the ordering bits; the value loaded is the old one.
    CASE    31
    li      a1, 8
    sw      a1, 0(a0)
1:  lr.w    a2, (a0)
    addi    a3, a2, 1
    sc.w    a4, a3, (a0)
    bnez    a4, 1b
    EXPECT  a2, 8
    lw      a3, 0(a0)
    EXPECT  a3, 9
1:  lr.w.aqrl a2, (a0)
    addi    a3, a2, 1
    sc.w.aqrl a4, a3, (a0)
    bnez    a4, 1b
    lw      a3, 0(a0)
    EXPECT  a3, 10

    // A second SC fails: the first used the reservation up.
    CASE    32
1:  lr.w    a2, (a0)
    sc.w    a3, a2, (a0)
    bnez    a3, 1b
    li      a4, 77
    sc.w    a3, a4, (a0)
    EXPECT  a3, 1
    lw      a3, 0(a0)
    EXPECT  a3, 10

    // An SC to another word, in another line, fails, and ends the reservation.
    CASE    33
    la      a1, other
    li      a5, 123
    sw      a5, 0(a1)
    lr.w    a2, (a0)
    li      a4, 77
    sc.w    a3, a4, (a1)
    EXPECT  a3, 1
    lw      a3, 0(a1)
    EXPECT  a3, 123
    sc.w    a3, a4, (a0)
    EXPECT  a3, 1
    lw      a3, 0(a0)
    EXPECT  a3, 10

    // The result of SC into x0 is dropped, the store is not.
    CASE    34
    li      a3, 3                   # tries: a reservation may be lost, not for ever
    li      a4, 55
1:  lr.w    zero, (a0)
    sc.w    zero, a4, (a0)
    lw      a2, 0(a0)
    beq     a2, a4, 2f
    addi    a3, a3, -1
    bnez    a3, 1b
    j       fail
2:

    // Atomics see earlier stores, and later loads see atomics, without fences in between.
    CASE    35
    li      a1, 100
    sw      a1, 0(a0)
    amoadd.w a2, a1, (a0)
    amoadd.w a3, a2, (a0)
    lw      a4, 0(a0)
    EXPECT  a2, 100
    EXPECT  a3, 200
    EXPECT  a4, 300
    sb      zero, 0(a0)
    amoor.w a5, zero, (a0)
    EXPECT  a5, 0x100

    END

    .section .data
    .balign 64
    .word   0x11111111
word:
    .word   0
    .word   0x22222222
    .balign 64
other:
    .word   0
    .balign 64
