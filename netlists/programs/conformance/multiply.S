// The M extension. Division by zero and the one overflow have results, not traps (Unprivileged
// ISA, table 7.1).
#include "check.h"

    BEGIN

    REGISTERS 1, mul, 0, -1, 0
    REGISTERS 2, mul, 1, 1, 1
    REGISTERS 3, mul, 7, -1, -7
    REGISTERS 4, mul, -1, -1, 1
    REGISTERS 5, mul, 0x80000000, 0x80000000, 0
    REGISTERS 6, mul, 0x00010000, 0x00010000, 0
    REGISTERS 7, mul, 0x12345678, 0x9abcdef1, 0x366176f8

    REGISTERS 8, mulh, 0, -1, 0
    REGISTERS 9, mulh, 1, 1, 0
    REGISTERS 10, mulh, 7, -1, -1
    REGISTERS 11, mulh, -1, -1, 0
    REGISTERS 12, mulh, 0x80000000, 0x80000000, 0x40000000
    REGISTERS 13, mulh, 0x80000000, 0x7fffffff, 0xc0000000
    REGISTERS 14, mulh, 0x7fffffff, 0x7fffffff, 0x3fffffff
    REGISTERS 15, mulh, 0x12345678, 0x9abcdef1, 0xf8cc93d6

    REGISTERS 16, mulhsu, 0, -1, 0
    REGISTERS 17, mulhsu, 1, -1, 0
    REGISTERS 18, mulhsu, -1, 1, -1
    REGISTERS 19, mulhsu, -1, -1, -1
    REGISTERS 20, mulhsu, 0x80000000, 0x80000000, 0xc0000000
    REGISTERS 21, mulhsu, 0x80000000, -1, 0x80000000
    REGISTERS 22, mulhsu, 0x7fffffff, -1, 0x7ffffffe
    REGISTERS 23, mulhsu, 0x9abcdef1, 0x82345678, 0xcc7f355f

    REGISTERS 24, mulhu, 0, -1, 0
    REGISTERS 25, mulhu, 1, -1, 0
    REGISTERS 26, mulhu, -1, -1, -2
    REGISTERS 27, mulhu, 0x80000000, 0x80000000, 0x40000000
    REGISTERS 28, mulhu, 0x80000000, 2, 1
    REGISTERS 29, mulhu, 0x7fffffff, 0x7fffffff, 0x3fffffff
    REGISTERS 30, mulhu, 0x9abcdef1, 0x82345678, 0x4eb38bd7

    REGISTERS 31, div, 20, 6, 3
    REGISTERS 32, div, -20, 6, -3
    REGISTERS 33, div, 20, -6, -3
    REGISTERS 34, div, -20, -6, 3
    REGISTERS 35, div, 0x80000000, 1, 0x80000000
    REGISTERS 36, div, 0x80000000, -1, 0x80000000
    REGISTERS 37, div, 0x7fffffff, -1, 0x80000001
    REGISTERS 38, div, 0, 5, 0
    REGISTERS 39, div, 5, 0, -1
    REGISTERS 40, div, 0x80000000, 0, -1
    REGISTERS 41, div, 0, 0, -1
    REGISTERS 42, div, 3, 5, 0

    REGISTERS 43, divu, 20, 6, 3
    REGISTERS 44, divu, -20, 6, 0x2aaaaaa7
    REGISTERS 45, divu, 20, -6, 0
    REGISTERS 46, divu, 0x80000000, 1, 0x80000000
    REGISTERS 47, divu, 0x80000000, -1, 0
    REGISTERS 48, divu, -1, 0x80000000, 1
    REGISTERS 49, divu, -1, 1, -1
    REGISTERS 50, divu, 0, 5, 0
    REGISTERS 51, divu, 5, 0, -1
    REGISTERS 52, divu, -1, 0, -1
    REGISTERS 53, divu, 0, 0, -1

    REGISTERS 54, rem, 20, 6, 2
    REGISTERS 55, rem, -20, 6, -2
    REGISTERS 56, rem, 20, -6, 2
    REGISTERS 57, rem, -20, -6, -2
    REGISTERS 58, rem, 0x80000000, 1, 0
    REGISTERS 59, rem, 0x80000000, -1, 0
    REGISTERS 60, rem, 0x7fffffff, -1, 0
    REGISTERS 61, rem, 0, 5, 0
    REGISTERS 62, rem, 5, 0, 5
    REGISTERS 63, rem, 0x80000000, 0, 0x80000000
    REGISTERS 64, rem, 0, 0, 0
    REGISTERS 65, rem, 3, 5, 3

    REGISTERS 66, remu, 20, 6, 2
    REGISTERS 67, remu, -20, 6, 2
    REGISTERS 68, remu, 20, -6, 20
    REGISTERS 69, remu, 0x80000000, 1, 0
    REGISTERS 70, remu, 0x80000000, -1, 0x80000000
    REGISTERS 71, remu, -1, 0x80000000, 0x7fffffff
    REGISTERS 72, remu, -1, 1, 0
    REGISTERS 73, remu, 0, 5, 0
    REGISTERS 74, remu, 5, 0, 5
    REGISTERS 75, remu, -1, 0, -1
    REGISTERS 76, remu, 0, 0, 0

    // Results are needed at once, and later writes to their registers win.
    CASE    77
    li      a0, 1000
    li      a1, 7
    div     a2, a0, a1              # 142
    mul     a2, a2, a2              # 20164
    rem     a3, a2, a1              # 4
    add     a4, a3, a2
    EXPECT  a4, 20168
    div     a5, a0, a1
    li      a5, 3
    EXPECT  a5, 3
    mulh    a5, a0, a1
    lui     a5, 1
    EXPECT  a5, 4096

    // Divisions back to back, and a branch on one.
    CASE    78
    divu    a2, a0, a1              # 142
    remu    a3, a0, a1              # 6
    divu    a4, a2, a1              # 20
    remu    a5, a2, a1              # 2
    beq     a4, a5, fail
    EXPECT  a2, 142
    EXPECT  a3, 6
    EXPECT  a4, 20
    EXPECT  a5, 2

    END
