// What a pipeline may get wrong: results needed before they are there, and registers written by a slow
// instruction and then by a fast one.
#include "check.h"

    BEGIN
    la      s0, words

    // The later write wins, whatever the earlier one is.
    CASE    1
    li      a0, 100
    li      a1, 7
    div     a2, a0, a1
    lw      a2, 0(s0)
    EXPECT  a2, 11
    CASE    2
    lw      a2, 0(s0)
    li      a2, 5
    EXPECT  a2, 5
    CASE    3
    rem     a2, a0, a1
    mul     a2, a0, a1
    EXPECT  a2, 700
    CASE    4
    amoadd.w a2, zero, (s0)
    addi    a2, zero, 6
    EXPECT  a2, 6
    CASE    5
    div     a2, a0, a1
    csrr    a2, mhartid
    EXPECT  a2, 0
    CASE    6
    mul     a2, a0, a1
    jal     a2, 1f
1:  la      a3, 1b
    EXPECT_SAME a2, a3

    // A source is read before a later instruction overwrites it.
    CASE    7
    li      a0, 100
    li      a1, 7
    div     a2, a0, a1
    li      a0, 0
    li      a1, 0
    EXPECT  a2, 14
    CASE    8
    li      a0, 1
    sw      a0, 16(s0)
    li      a0, 2
    lw      a1, 16(s0)
    EXPECT  a1, 1

    // Slow results as address, data, operand, target and CSR value.
    CASE    10
    li      a0, 8
    li      a1, 2
    div     a2, a0, a1              # 4
    add     a3, s0, a2
    lw      a4, 0(a3)
    EXPECT  a4, 22
    CASE    11
    mul     a2, a0, a1              # 16
    sw      a2, 20(s0)
    lw      a3, 20(s0)
    lw      a4, 20(s0)
    add     a3, a3, a4
    EXPECT  a3, 32
    CASE    12
    lw      a2, 0(s0)
    lw      a3, 4(s0)
    add     a4, a2, a3
    sub     a5, a3, a2
    mul     a4, a4, a5
    EXPECT  a4, 363
    CASE    13
    la      a1, 1f
    sw      a1, 24(s0)
    lw      a2, 24(s0)
    jalr    a2, 0(a2)
    j       fail
1:  la      a3, 1b
    addi    a3, a3, -4
    EXPECT_SAME a2, a3
    CASE    14
    lw      a2, 4(s0)
    csrw    mscratch, a2
    csrr    a3, mscratch
    addi    a3, a3, 1
    EXPECT  a3, 23
    CASE    15
    lw      a2, 0(s0)
    li      a3, 11
    bne     a2, a3, 1f
    divu    a2, a2, a2
    beqz    a2, 1f
    j       2f
1:  j       fail
2:

    // A chain through every unit.
    CASE    16
    li      a0, 3
    li      a1, 10
1:  mul     a0, a0, a0
    sw      a0, 28(s0)
    lw      a2, 28(s0)
    li      a3, 1000
    remu    a0, a2, a3
    addi    a0, a0, 1
    amoswap.w a4, a0, (s0)
    lr.w    a0, (s0)
    addi    a1, a1, -1
    bnez    a1, 1b
    EXPECT  a0, 205
    li      a2, 11
    sw      a2, 0(s0)

    // The result of SC decides a branch at once.
    CASE    17
1:  lr.w    a0, (s0)
    addi    a0, a0, 1
    sc.w    a1, a0, (s0)
    bnez    a1, 1b
    lw      a2, 0(s0)
    EXPECT  a2, 12

    // Stores and loads that follow each other to neighbouring and to the same words.
    CASE    18
    li      a0, 0
    li      a1, 32
    addi    a2, s0, 64
1:  sw      a1, 0(a2)
    lw      a3, 0(a2)
    sb      a3, 4(a2)
    lbu     a4, 4(a2)
    add     a0, a0, a3
    add     a0, a0, a4
    addi    a1, a1, -1
    bnez    a1, 1b
    EXPECT  a0, 1056

    // A prediction that is wrong must not leave a division or a load behind.
    CASE    19
    li      a0, 40
    li      a2, 77
    li      a5, 0
1:  andi    a1, a0, 3
    bnez    a1, 2f
    addi    a5, a5, 1
    j       3f
2:  bgez    a0, 3f
    div     a2, a0, a1
    lw      a2, 0(s0)
3:  addi    a0, a0, -1
    bnez    a0, 1b
    EXPECT  a2, 77
    EXPECT  a5, 10

    END

    .section .data
    .balign 64
words:
    .word   11, 22, 33, 44
    .space  112
