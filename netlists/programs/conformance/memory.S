// Loads and stores of every width at every place of a word.
#include "check.h"

.macro LOAD number, op, offset, expected
    CASE    \number
    \op     a1, \offset(a0)
    EXPECT  a1, \expected
    addi    a2, a0, 64
    \op     a1, (\offset - 64)(a2)  # used at once
    EXPECT  a1, \expected
.endm

// Stores into a word of ones and zeros; compares the whole word.
.macro STORE number, op, offset, value, expected
    CASE    \number
    li      a1, 0xf0f0f0f0
    sw      a1, 0(a0)
    li      a2, \value
    \op     a2, \offset(a0)
    lw      a3, 0(a0)               # follows the store directly
    EXPECT  a3, \expected
.endm

    BEGIN

    la      a0, constants
    LOAD    1, lb, 0, -1
    LOAD    2, lb, 1, 0
    LOAD    3, lb, 2, -16
    LOAD    4, lb, 3, 15
    LOAD    5, lbu, 0, 0xff
    LOAD    6, lbu, 1, 0
    LOAD    7, lbu, 2, 0xf0
    LOAD    8, lbu, 3, 0x0f
    LOAD    9, lh, 0, 0x00ff
    LOAD    10, lh, 2, 0x0ff0
    LOAD    11, lh, 4, 0xfffff00f
    LOAD    12, lh, 6, 0xffff8001
    LOAD    13, lhu, 0, 0x00ff
    LOAD    14, lhu, 4, 0xf00f
    LOAD    15, lhu, 6, 0x8001
    LOAD    16, lw, 0, 0x0ff000ff
    LOAD    17, lw, 4, 0x8001f00f
    LOAD    18, lw, 8, 0x12345678

    la      a0, scratch
    STORE   20, sb, 0, 0xabcdef12, 0xf0f0f012
    STORE   21, sb, 1, 0xabcdef12, 0xf0f012f0
    STORE   22, sb, 2, 0xabcdef12, 0xf012f0f0
    STORE   23, sb, 3, 0xabcdef12, 0x12f0f0f0
    STORE   24, sh, 0, 0xabcdef12, 0xf0f0ef12
    STORE   25, sh, 2, 0xabcdef12, 0xef12f0f0
    STORE   26, sw, 0, 0xabcdef12, 0xabcdef12

    // Parts of a word stored one after another, then read as one, and in other parts.
    CASE    30
    li      a1, 0x44
    sb      a1, 0(a0)
    li      a1, 0x33
    sb      a1, 1(a0)
    li      a1, 0x1122
    sh      a1, 2(a0)
    lw      a2, 0(a0)
    lhu     a3, 2(a0)
    lbu     a4, 1(a0)
    EXPECT  a2, 0x11223344
    EXPECT  a3, 0x1122
    EXPECT  a4, 0x33

    // Negative offsets, the extremes of an offset, and a base that is overwritten by its own load.
    CASE    31
    addi    a1, a0, 2047
    li      a2, 55
    sw      a2, -2047(a1)
    lw      a3, 0(a0)
    EXPECT  a3, 55
    addi    a1, a0, 1024
    addi    a1, a1, 1024
    li      a2, 56
    sb      a2, -2048(a1)
    lbu     a1, -2048(a1)
    EXPECT  a1, 56

    // A load into x0 still happens, and leaves x0 alone.
    CASE    32
    lw      zero, 0(a0)
    EXPECT  zero, 0

    // A loaded value as an address, as a branch operand, as store data.
    CASE    33
    la      a1, chain
    lw      a1, 0(a1)
    lw      a1, 0(a1)
    lw      a2, 0(a1)
    bnez    a2, 1f
    j       fail
1:  EXPECT  a2, 99
    lw      a3, 0(a1)
    sw      a3, 4(a0)
    lw      a4, 4(a0)
    EXPECT  a4, 99

    // Fills 16 KiB and reads it back: more than a small cache holds, so lines come and go.
    CASE    34
    la      a1, field
    li      a2, 4096
    li      a3, 1
1:  sw      a3, 0(a1)
    slli    a4, a3, 13
    xor     a3, a3, a4
    srli    a4, a3, 17
    xor     a3, a3, a4
    slli    a4, a3, 5
    xor     a3, a3, a4
    addi    a1, a1, 4
    addi    a2, a2, -1
    bnez    a2, 1b
    la      a1, field
    li      a2, 4096
    li      a3, 1
2:  lw      a5, 0(a1)
    EXPECT_SAME a5, a3
    slli    a4, a3, 13
    xor     a3, a3, a4
    srli    a4, a3, 17
    xor     a3, a3, a4
    slli    a4, a3, 5
    xor     a3, a3, a4
    addi    a1, a1, 4
    addi    a2, a2, -1
    bnez    a2, 2b

    // Addresses 4 KiB apart, which a cache of few ways cannot hold all at once.
    CASE    35
    la      a1, field
    li      a2, 0x1000
    li      a3, 4
1:  sw      a3, 0(a1)
    add     a1, a1, a2
    addi    a3, a3, -1
    bnez    a3, 1b
    la      a1, field
    lw      a3, 0(a1)
    EXPECT  a3, 4
    add     a1, a1, a2
    lw      a3, 0(a1)
    EXPECT  a3, 3
    add     a1, a1, a2
    lw      a3, 0(a1)
    EXPECT  a3, 2
    add     a1, a1, a2
    lw      a3, 0(a1)
    EXPECT  a3, 1

    // The UART takes every width; nothing has come, so loads of its first register give 0.
    CASE    36
    li      a1, 0x10000000
    li      a2, 'o'
    sb      a2, 0(a1)
    li      a2, 'k' + 0x4100
    sh      a2, 0(a1)
    li      a2, '\n' + 0x41424300
    sw      a2, 0(a1)
    sb      a2, 1(a1)               # another register: not printed
    lw      a2, 0(a1)
    EXPECT  a2, 0
    lbu     a2, 0(a1)
    EXPECT  a2, 0
    lw      a2, 8(a1)               # the hart count
    beqz    a2, fail
    lbu     a3, 8(a1)
    andi    a2, a2, 0xff
    EXPECT_SAME a2, a3

    END

    .section .rodata
    .balign 64
constants:
    .byte   0xff, 0x00, 0xf0, 0x0f
    .half   0xf00f, 0x8001
    .word   0x12345678
chain:
    .word   chain + 4
    .word   chain + 8
    .word   99

    .section .bss
    .balign 64
scratch:
    .space  64
field:
    .space  16384
