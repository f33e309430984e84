// Integer operations of RV32I on registers and immediates, LUI and AUIPC.
#include "check.h"

    BEGIN

    REGISTERS 1, add, 0, 0, 0
    REGISTERS 2, add, 1, 1, 2
    REGISTERS 3, add, 0x7fffffff, 1, 0x80000000
    REGISTERS 4, add, 0x80000000, -1, 0x7fffffff
    REGISTERS 5, add, -1, 1, 0
    REGISTERS 6, add, 0x12345678, 0x9abcdef0, 0xacf13568

    REGISTERS 7, sub, 0, 0, 0
    REGISTERS 8, sub, 0, 1, -1
    REGISTERS 9, sub, 0x80000000, 1, 0x7fffffff
    REGISTERS 10, sub, 0x7fffffff, -1, 0x80000000
    REGISTERS 11, sub, 5, 7, -2
    REGISTERS 12, sub, 0x12345678, 0x9abcdef0, 0x77777788

    REGISTERS 13, and, 0xff00ff00, 0x0f0f0f0f, 0x0f000f00
    REGISTERS 14, and, -1, 0, 0
    REGISTERS 15, and, -1, -1, -1
    REGISTERS 16, and, 0x55555555, 0xaaaaaaaa, 0

    REGISTERS 17, or, 0xff00ff00, 0x0f0f0f0f, 0xff0fff0f
    REGISTERS 18, or, -1, 0, -1
    REGISTERS 19, or, 0, 0, 0
    REGISTERS 20, or, 0x55555555, 0xaaaaaaaa, -1

    REGISTERS 21, xor, 0xff00ff00, 0x0f0f0f0f, 0xf00ff00f
    REGISTERS 22, xor, -1, 0, -1
    REGISTERS 23, xor, -1, -1, 0
    REGISTERS 24, xor, 0x55555555, 0xaaaaaaaa, -1

    REGISTERS 25, sll, 1, 0, 1
    REGISTERS 26, sll, 1, 1, 2
    REGISTERS 27, sll, 1, 31, 0x80000000
    REGISTERS 28, sll, 1, 32, 1
    REGISTERS 29, sll, 0x21212121, 14, 0x48484000
    REGISTERS 30, sll, -1, -25, -128

    REGISTERS 31, srl, 0x80000000, 0, 0x80000000
    REGISTERS 32, srl, 0x80000000, 1, 0x40000000
    REGISTERS 33, srl, 0x80000000, 31, 1
    REGISTERS 34, srl, 0x80000000, 32, 0x80000000
    REGISTERS 35, srl, 0x21212121, 14, 0x00008484
    REGISTERS 36, srl, -1, -25, 0x01ffffff

    REGISTERS 37, sra, 0x80000000, 0, 0x80000000
    REGISTERS 38, sra, 0x80000000, 1, 0xc0000000
    REGISTERS 39, sra, 0x80000000, 31, -1
    REGISTERS 40, sra, 0x80000000, 32, 0x80000000
    REGISTERS 41, sra, 0x7fffffff, 31, 0
    REGISTERS 42, sra, 0x81818181, -25, 0xff030303

    REGISTERS 43, slt, 0, 0, 0
    REGISTERS 44, slt, 1, 1, 0
    REGISTERS 45, slt, 3, 7, 1
    REGISTERS 46, slt, 7, 3, 0
    REGISTERS 47, slt, 0x80000000, 0x7fffffff, 1
    REGISTERS 48, slt, 0x7fffffff, 0x80000000, 0
    REGISTERS 49, slt, -1, 1, 1
    REGISTERS 50, slt, 1, -1, 0

    REGISTERS 51, sltu, 0, 0, 0
    REGISTERS 52, sltu, 1, 1, 0
    REGISTERS 53, sltu, 3, 7, 1
    REGISTERS 54, sltu, 7, 3, 0
    REGISTERS 55, sltu, 0x80000000, 0x7fffffff, 0
    REGISTERS 56, sltu, 0x7fffffff, 0x80000000, 1
    REGISTERS 57, sltu, -1, 1, 0
    REGISTERS 58, sltu, 1, -1, 1

    IMMEDIATE 59, addi, 0, 0, 0
    IMMEDIATE 60, addi, 0x7fffffff, 1, 0x80000000
    IMMEDIATE 61, addi, 0x80000000, -1, 0x7fffffff
    IMMEDIATE 62, addi, -1, 2047, 2046
    IMMEDIATE 63, addi, 5, -2048, -2043

    IMMEDIATE 64, andi, 0xff00ff00, 240, 0
    IMMEDIATE 65, andi, -1, -2048, -2048
    IMMEDIATE 66, andi, -1, 2047, 2047

    IMMEDIATE 67, ori, 0xff00ff00, 240, 0xff00fff0
    IMMEDIATE 68, ori, 0, -2048, -2048
    IMMEDIATE 69, ori, 0, 2047, 2047

    IMMEDIATE 70, xori, 0xff00ff00, 240, 0xff00fff0
    IMMEDIATE 71, xori, 0, -1, -1
    IMMEDIATE 72, xori, -1, 2047, -2048

    IMMEDIATE 73, slti, 0, 0, 0
    IMMEDIATE 74, slti, 0, 1, 1
    IMMEDIATE 75, slti, 0, -1, 0
    IMMEDIATE 76, slti, -1, 0, 1
    IMMEDIATE 77, slti, 0x80000000, -2048, 1
    IMMEDIATE 78, slti, 0x7fffffff, 2047, 0

    IMMEDIATE 79, sltiu, 0, 0, 0
    IMMEDIATE 80, sltiu, 0, 1, 1
    IMMEDIATE 81, sltiu, 0, -1, 1
    IMMEDIATE 82, sltiu, -1, -1, 0
    IMMEDIATE 83, sltiu, -1, 1, 0
    IMMEDIATE 84, sltiu, -2049, -2048, 1
    IMMEDIATE 85, sltiu, 2046, 2047, 1

    IMMEDIATE 86, slli, 1, 0, 1
    IMMEDIATE 87, slli, 1, 31, 0x80000000
    IMMEDIATE 88, slli, 0x21212121, 14, 0x48484000
    IMMEDIATE 89, slli, -1, 7, -128

    IMMEDIATE 90, srli, 0x80000000, 0, 0x80000000
    IMMEDIATE 91, srli, 0x80000000, 31, 1
    IMMEDIATE 92, srli, 0x21212121, 14, 0x00008484
    IMMEDIATE 93, srli, -1, 7, 0x01ffffff

    IMMEDIATE 94, srai, 0x80000000, 0, 0x80000000
    IMMEDIATE 95, srai, 0x80000000, 31, -1
    IMMEDIATE 96, srai, 0x7fffffff, 31, 0
    IMMEDIATE 97, srai, 0x81818181, 7, 0xff030303

    CASE    98
    lui     a0, 0
    EXPECT  a0, 0
    lui     a0, 0xfffff
    EXPECT  a0, 0xfffff000
    lui     a0, 0x80000
    srai    a0, a0, 12
    EXPECT  a0, 0xfff80000
    lui     zero, 0x12345
    EXPECT  zero, 0

    CASE    99
.Lhere:
    auipc   a0, 0
    la      a1, .Lhere
    EXPECT_SAME a0, a1
    auipc   a0, 0xfffff             # one page back
    auipc   a1, 1                   # one page on, and one instruction
    sub     a1, a1, a0
    EXPECT  a1, 0x2004

    // Chains: each instruction needs the one before, or the one before that.
    CASE    100
    li      a0, 1
    add     a0, a0, a0
    add     a0, a0, a0
    add     a1, a0, a0
    add     a2, a1, a0
    sub     a2, a2, a1
    xor     a2, a2, a0
    EXPECT  a0, 4
    EXPECT  a1, 8
    EXPECT  a2, 0

    // x0 stays 0 as the source of the very next instruction too.
    CASE    101
    li      a0, 77
    add     zero, a0, a0
    add     a1, zero, zero
    addi    zero, a0, 5
    addi    a2, zero, 3
    EXPECT  a1, 0
    EXPECT  a2, 3

    END
