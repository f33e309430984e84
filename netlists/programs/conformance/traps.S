// Every exception of the machine: cause, mepc, mtval, what the trapping instruction leaves undone, and
// the way back.
//
// The handler notes what it sees in s2 to s5 and returns to the address in s7. A case says in s8
// what mtval must hold.
#include "check.h"

.macro TRAPS number, cause, instruction:vararg
    CASE    \number
    la      s7, .Lresume\@
    li      s2, -1
.Ltrap\@:
    \instruction
    j       fail                    # no trap
.Lresume\@:
    EXPECT  s2, \cause
    la      t6, .Ltrap\@
    EXPECT_SAME s3, t6
    EXPECT_SAME s4, s8
.endm

    .equ HOLE, 0x40000000
    .equ CONSOLE, 0x10000000

    BEGIN
    la      t0, handler
    csrw    mtvec, t0
    li      s6, 0

    li      s8, 0
    TRAPS   1, 11, ecall
    la      s8, 1f                  # mtval of a breakpoint is its address
    CASE    2
    la      s7, 2f
1:  ebreak
    j       fail
2:  EXPECT  s2, 3
    EXPECT_SAME s3, s8
    EXPECT_SAME s4, s8

    // Illegal instructions leave their word in mtval, and their destination alone.
    li      a0, 4711
    li      s8, 0
    TRAPS   10, 2, .word 0
    li      s8, 0xffffffff
    TRAPS   11, 2, .word 0xffffffff
    li      s8, 0x02051513
    TRAPS   12, 2, .word 0x02051513 // slli a0,a0,32
    li      s8, 0x00053503
    TRAPS   13, 2, .word 0x00053503 // ld a0,0(a0)
    li      s8, 0x7c002573
    TRAPS   14, 2, .word 0x7c002573 // csrr a0,0x7c0: no such register
    li      s8, 0x18002573
    TRAPS   15, 2, .word 0x18002573 // csrr a0,satp: no such register without S mode
    li      s8, 0xc0102573
    TRAPS   16, 2, .word 0xc0102573 // csrr a0,time: no such register
    li      s8, 0xf1451573
    TRAPS   17, 2, .word 0xf1451573 // csrrw a0,mhartid,a0: read-only
    li      s8, 0xc0056573
    TRAPS   18, 2, .word 0xc0056573 // csrrsi a0,cycle,10: read-only
    li      s8, 0x10200073
    TRAPS   19, 2, .word 0x10200073 // sret: no S mode
    li      s8, 0x12000073
    TRAPS   20, 2, .word 0x12000073 // sfence.vma: no S mode
    li      s8, 0x1015252f
    TRAPS   21, 2, .word 0x1015252f // lr.w with a second source
    li      s8, 0x00007007
    TRAPS   22, 2, .word 0x00007007 // a vector load
    EXPECT  a0, 4711
    // Only reading a read-only register is allowed, in either form.
    CASE    23
    csrrs   a1, mhartid, zero
    csrrci  a1, cycle, 0

    // Misaligned loads and stores.
    la      a0, word
    li      a1, 4711
    addi    s8, a0, 1
    TRAPS   30, 4, lh a1, 1(a0)
    TRAPS   31, 4, lhu a1, 1(a0)
    TRAPS   32, 4, lw a1, 1(a0)
    addi    s8, a0, 2
    TRAPS   33, 4, lw a1, 2(a0)
    addi    s8, a0, 3
    TRAPS   34, 4, lw a1, 3(a0)
    TRAPS   35, 4, lh a1, 3(a0)
    EXPECT  a1, 4711
    addi    s8, a0, 1
    TRAPS   36, 6, sh a1, 1(a0)
    TRAPS   37, 6, sw a1, 1(a0)
    addi    s8, a0, 2
    TRAPS   38, 6, sw a1, 2(a0)
    addi    s8, a0, 3
    TRAPS   39, 6, sw a1, 3(a0)
    addi    a2, a0, 2
    mv      s8, a2
    TRAPS   40, 4, lr.w a1, (a2)
    TRAPS   41, 6, sc.w a1, a1, (a2)
    TRAPS   42, 6, amoadd.w a1, a1, (a2)
    EXPECT  a1, 4711
    lw      a3, 0(a0)
    EXPECT  a3, 0x01234567
    lw      a3, 4(a0)
    EXPECT  a3, 0x89abcdef

    // Accesses where nothing is, or where nothing takes a store.
    li      a0, HOLE
    mv      s8, a0
    TRAPS   50, 5, lw a1, 0(a0)
    TRAPS   51, 5, lb a1, 0(a0)
    TRAPS   52, 5, lr.w a1, (a0)
    TRAPS   53, 7, sw a1, 0(a0)
    TRAPS   54, 7, sb a1, 0(a0)
    TRAPS   55, 7, sc.w a1, a1, (a0)
    TRAPS   56, 7, amoswap.w a1, a1, (a0)
    li      s8, 0
    TRAPS   57, 5, lw a1, 0(zero)
    li      s8, -4
    TRAPS   58, 7, sw a1, -4(zero)
    li      a0, 0x80000000
    addi    s8, a0, -4
    TRAPS   59, 5, lw a1, -4(a0)    // directly below RAM
    li      a0, CONSOLE
    addi    s8, a0, 12
    TRAPS   60, 5, lw a1, 12(a0)    // behind the registers
    TRAPS   61, 7, sw a1, 12(a0)
    addi    s8, a0, 8
    TRAPS   62, 7, sw a1, 8(a0)     // the hart count is not for writing
    mv      s8, a0
    TRAPS   63, 5, lr.w a1, (a0)    // no atomics on devices
    TRAPS   64, 7, amoadd.w a1, a1, (a0)
    TRAPS   65, 7, sc.w a1, a1, (a0)
    addi    s8, a0, 1
    TRAPS   66, 4, lh a1, 1(a0)     // misaligned comes first
    li      a0, HOLE + 2
    mv      s8, a0
    TRAPS   67, 4, lw a1, 0(a0)
    TRAPS   68, 6, sw a1, 0(a0)
    EXPECT  a1, 4711

    // Jumps between instructions trap at the jump, which links nothing. A branch not taken is harmless.
    li      ra, 4711
    CASE    70
    la      s8, 1f + 6
    la      s7, 2f
1:  .word   0x006000ef              # jal ra, .+6
    j       fail
2:  EXPECT  s2, 0
    la      t6, 1b
    EXPECT_SAME s3, t6
    EXPECT_SAME s4, s8
    EXPECT  ra, 4711
    la      a0, handler
    addi    s8, a0, 2
    TRAPS   71, 0, jalr ra, 2(a0)
    TRAPS   72, 0, jalr ra, 3(a0)   // the lowest bit is cleared first
    EXPECT  ra, 4711
    CASE    73
    la      s8, 1f + 6
    la      s7, 2f
1:  .word   0x00000363              # beq zero, zero, .+6
    j       fail
2:  EXPECT  s2, 0
    la      t6, 1b
    EXPECT_SAME s3, t6
    EXPECT_SAME s4, s8
    CASE    74
    la      s7, fail
    .word   0x00001363              # bne zero, zero, .+6

    // Fetches where no memory is: mepc is the address itself. The jump there has been made.
    CASE    75
    li      a0, HOLE
    la      s7, 1f
    jalr    ra, 0(a0)
    j       fail
1:  EXPECT  s2, 1
    EXPECT_SAME s3, a0
    EXPECT_SAME s4, a0
    la      a1, 1b
    addi    a1, a1, -4
    EXPECT_SAME ra, a1
    CASE    76
    li      a0, CONSOLE
    la      s7, 1f
    jr      a0
    j       fail
1:  EXPECT  s2, 1
    EXPECT_SAME s3, a0

    // mstatus: the enable bit goes into the previous one and back.
    CASE    80
    li      s8, 0
    csrwi   mstatus, 8
    la      s7, 1f
    ecall
1:  EXPECT  s5, 0x1880
    csrr    a0, mstatus
    EXPECT  a0, 0x1888
    csrw    mstatus, zero
    la      s7, 1f
    ecall
1:  EXPECT  s5, 0x1800
    csrr    a0, mstatus
    EXPECT  a0, 0x1880

    // MRET goes where mepc says, from anywhere.
    CASE    81
    la      a0, 1f
    csrw    mepc, a0
    mret
    j       fail
1:

    // In vectored mode exceptions still go to the base.
    CASE    82
    la      a0, handler
    ori     a0, a0, 1
    csrw    mtvec, a0
    li      s8, 0
    TRAPS   82, 11, ecall
    la      a0, handler
    csrw    mtvec, a0

    // What traps does not retire: only the handler's eight instructions and the first read count.
    CASE    83
    la      s7, 1f
    csrr    a0, minstret
    ecall
1:  csrr    a1, minstret
    sub     a1, a1, a0
    EXPECT  a1, 9

    // Around a trap: what is older has happened, what is younger has not.
    CASE    90
    la      a0, word
    la      s7, 1f
    li      a1, 1000
    li      a2, 7
    li      a5, 1
    div     a3, a1, a2
    sw      a1, 0(a0)
    mul     a4, a1, a2
    lw      zero, 0(zero)
    li      a5, 2
    sw      a2, 0(a0)
    div     a3, a2, a2
1:  EXPECT  s2, 5
    EXPECT  a3, 142
    EXPECT  a4, 7000
    EXPECT  a5, 1
    lw      a1, 0(a0)
    EXPECT  a1, 1000

    // Of several faults the oldest counts.
    CASE    91
    la      s7, 1f
    li      a0, HOLE
    sw      a1, 1(a0)
    .word   0
    ecall
1:  EXPECT  s2, 6

    // A branch, predicted either way, keeps what it skips from trapping. The loop lets a
    // predictor learn to enter, and then be wrong.
    CASE    92
    la      s7, fail
    mv      s9, s6
    li      a0, 20
    la      a1, word
1:  li      a2, 1
    blt     a2, a0, 2f
    li      a1, 0                   # last turn: the load below would fault
    j       3f
2:  lw      a3, 0(a1)
3:  bnez    a1, 4f
    beqz    zero, 5f
    .word   0
4:  addi    a0, a0, -1
    j       1b
5:  beqz    a1, 6f
    lw      a3, 0(zero)
    ecall
6:  EXPECT_SAME s9, s6

    // A trap loses no reservation guarantee: a retried pair succeeds.
    CASE    93
    la      a0, word
    la      s7, 1f
    lr.w    a1, (a0)
    ecall
1:  lr.w    a1, (a0)
    addi    a1, a1, 1
    sc.w    a2, a1, (a0)
    bnez    a2, 1b
    lw      a2, 0(a0)
    EXPECT_SAME a1, a2

    // A trap in a trap handler's place: nothing but registers is nested.
    CASE    94
    la      t0, outer
    csrw    mtvec, t0
    ecall
1:  la      t0, handler
    csrw    mtvec, t0
    EXPECT  a3, 11
    EXPECT  a4, 2
    j       done

    .balign 4
outer:
    csrr    a3, mcause
    la      t0, inner
    csrw    mtvec, t0
    la      s9, 1b
    .word   0
    .balign 4
inner:
    csrr    a4, mcause
    csrw    mepc, s9
    mret

    .balign 4
handler:
    csrr    s2, mcause
    csrr    s3, mepc
    csrr    s4, mtval
    csrr    s5, mstatus
    addi    s6, s6, 1
    csrw    mepc, s7
    fence
    mret

done:
    END

    .section .data
    .balign 4
word:
    .word   0x01234567
    .word   0x89abcdef
