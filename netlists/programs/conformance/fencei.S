// Zifencei: code that was just written is executed after a fence.i.
#include "check.h"

    .equ LI_A0, 0x00000513          // addi a0, zero, 0; the immediate is in bits 31 to 20
    .equ ADDI_A0, 0x00050513        // addi a0, a0, 0
    .equ RET, 0x00008067

    BEGIN

    // A function that has run, and is in the instruction cache, is changed.
    CASE    1
    call    function
    EXPECT  a0, 1
    la      a1, function
    li      a2, LI_A0 | 2 << 20
    sw      a2, 0(a1)
    fence.i
    call    function
    EXPECT  a0, 2

    // Again and again.
    CASE    2
    li      s0, 50
    li      s1, 0
1:  slli    a2, s0, 20
    li      a3, LI_A0
    or      a2, a2, a3
    la      a1, function
    sw      a2, 0(a1)
    fence.i
    call    function
    add     s1, s1, a0
    addi    s0, s0, -1
    bnez    s0, 1b
    EXPECT  s1, 1275

    // The very instruction behind the fence, which any fetch ahead has read already.
    CASE    3
    la      a1, 1f
    li      a2, LI_A0 | 7 << 20
    li      a0, 0
    sw      a2, 0(a1)
    fence.i
1:  li      a0, 3
    EXPECT  a0, 7

    // Code in what was data: 40 additions over several cache lines, and a return.
    CASE    4
    la      a1, buffer
    li      a2, 40
    li      a3, ADDI_A0 | 3 << 20
1:  sw      a3, 0(a1)
    addi    a1, a1, 4
    addi    a2, a2, -1
    bnez    a2, 1b
    li      a3, RET
    sw      a3, 0(a1)
    fence.i
    li      a0, 0
    la      a1, buffer
    jalr    ra, 0(a1)
    EXPECT  a0, 120

    // Half of it rewritten by halves: the upper one holds the immediate.
    CASE    5
    la      a1, buffer
    li      a2, 20
    li      a3, (ADDI_A0 | 5 << 20) >> 16
1:  sh      a3, 2(a1)
    addi    a1, a1, 4
    addi    a2, a2, -1
    bnez    a2, 1b
    fence.i
    li      a0, 0
    la      a1, buffer
    jalr    ra, 0(a1)
    EXPECT  a0, 160

    END

    .section .text
    .balign 64
function:
    li      a0, 1
    ret

    .section .bss
    .balign 64
buffer:
    .space  256
