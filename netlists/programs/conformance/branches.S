// Branches, JAL, JALR, calls and returns.
#include "check.h"

// A branch forward and one backward, taken or not as told.
.macro BRANCH number, op, a, b, taken
    CASE    \number
    li      a0, \a
    li      a1, \b
    li      a2, 0
    j       2f
1:  ori     a2, a2, 2               # the backward branch was taken
    j       4f
2:  \op     a0, a1, 3f
    ori     a2, a2, 4               # the forward branch was not taken
3:  \op     a0, a1, 1b
    ori     a2, a2, 8               # the backward branch was not taken
4:  EXPECT  a2, (\taken * 2 + (1 - \taken) * 12)
.endm

    BEGIN

    BRANCH  1, beq, 0, 0, 1
    BRANCH  2, beq, -1, -1, 1
    BRANCH  3, beq, 0, 1, 0
    BRANCH  4, beq, 0x80000000, 0, 0
    BRANCH  5, bne, 0, 0, 0
    BRANCH  6, bne, -1, -1, 0
    BRANCH  7, bne, 0, 1, 1
    BRANCH  8, bne, 0x80000000, 0, 1
    BRANCH  9, blt, 0, 0, 0
    BRANCH  10, blt, 0, 1, 1
    BRANCH  11, blt, -1, 1, 1
    BRANCH  12, blt, 1, -1, 0
    BRANCH  13, blt, 0x80000000, 0x7fffffff, 1
    BRANCH  14, blt, 0x7fffffff, 0x80000000, 0
    BRANCH  15, bge, 0, 0, 1
    BRANCH  16, bge, 0, 1, 0
    BRANCH  17, bge, -1, 1, 0
    BRANCH  18, bge, 1, -1, 1
    BRANCH  19, bge, 0x80000000, 0x7fffffff, 0
    BRANCH  20, bge, 0x7fffffff, 0x80000000, 1
    BRANCH  21, bltu, 0, 0, 0
    BRANCH  22, bltu, 0, 1, 1
    BRANCH  23, bltu, -1, 1, 0
    BRANCH  24, bltu, 1, -1, 1
    BRANCH  25, bltu, 0x80000000, 0x7fffffff, 0
    BRANCH  26, bltu, 0x7fffffff, 0x80000000, 1
    BRANCH  27, bgeu, 0, 0, 1
    BRANCH  28, bgeu, 0, 1, 0
    BRANCH  29, bgeu, -1, 1, 1
    BRANCH  30, bgeu, 1, -1, 0
    BRANCH  31, bgeu, 0x80000000, 0x7fffffff, 1
    BRANCH  32, bgeu, 0x7fffffff, 0x80000000, 0

    // What a taken jump skips must leave no trace.
    CASE    40
    li      a0, 1
    jal     ra, 1f
    li      a0, 2
    li      a0, 3
1:  EXPECT  a0, 1
    la      a1, 1b
    addi    a1, a1, -8
    EXPECT_SAME ra, a1

    CASE    41
    la      a1, 1f
    li      a0, 1
    jalr    a1, 0(a1)               # source and destination are one register
    li      a0, 2
1:  EXPECT  a0, 1
    la      a2, 1b
    addi    a2, a2, -4
    EXPECT_SAME a1, a2

    CASE    42
    la      a1, 1f
    addi    a1, a1, -15             # the lowest bit of the target is cleared
    jalr    zero, 16(a1)
    j       fail
1:  la      a1, 1f
    addi    a1, a1, 2047
    jalr    a2, -2047(a1)
    j       fail
1:

    // Calls within calls, so that predicted returns have a stack to follow.
    CASE    43
    li      a0, 6
    la      sp, stack_end
    call    factorial
    EXPECT  a0, 720

    // A returned-to address that is not the one called from.
    CASE    44
    li      a0, 0
    call    skip_four
    li      a0, 1
    EXPECT  a0, 0

    // A loop that ends, its branch taken again and again.
    CASE    45
    li      a0, 100
    li      a1, 0
1:  add     a1, a1, a0
    addi    a0, a0, -1
    bnez    a0, 1b
    EXPECT  a1, 5050

    // A branch whose direction changes at every turn, and one inside a loop inside a loop.
    CASE    46
    li      a0, 64
    li      a1, 0
1:  andi    a2, a0, 1
    beqz    a2, 2f
    addi    a1, a1, 3
2:  li      a3, 3
3:  addi    a3, a3, -1
    bnez    a3, 3b
    addi    a0, a0, -1
    bnez    a0, 1b
    EXPECT  a1, 96

    // A jump table: one jump, many targets.
    CASE    47
    li      a0, 0
    li      a1, 0
1:  la      a2, table
    slli    a3, a0, 2
    add     a2, a2, a3
    lw      a2, 0(a2)
    jr      a2
target0:
    addi    a1, a1, 1
    j       2f
target1:
    addi    a1, a1, 10
    j       2f
target2:
    addi    a1, a1, 100
2:  addi    a0, a0, 1
    li      a4, 3
    bne     a0, a4, 1b
    EXPECT  a1, 111

    // As far as a branch and a jump reach.
    CASE    48
    j       far_start
far_end:

    END

    .section .text
factorial:
    li      t0, 1
    bgt     a0, t0, 1f
    li      a0, 1
    ret
1:  addi    sp, sp, -8
    sw      ra, 0(sp)
    sw      a0, 4(sp)
    addi    a0, a0, -1
    call    factorial
    lw      t0, 4(sp)
    lw      ra, 0(sp)
    addi    sp, sp, 8
    mul     a0, a0, t0
    ret

skip_four:
    addi    ra, ra, 4
    ret

far_start:
    li      a0, 1
    .option push
    .option norvc
    beqz    a0, far_back
    bnez    a0, far_forward
    .space  4000
far_back:
    j       fail
far_forward:
    jal     zero, farther
    .space  12288
farther:
    j       far_end
    .option pop

    .section .rodata
    .balign 4
table:
    .word   target0, target1, target2

    .section .bss
    .balign 16
    .space  256
stack_end:
