# Start-up code of every program written in C.
#
# All harts start here. Each gets a stack of its own; hart 0 clears .bss while the others wait,
# then all of them call main(hart). When every main has returned, the largest of their results is
# the exit code. A trap that nobody expects ends the run with 128 + its cause.

    .equ STACK_SHIFT, 14            # 16 KiB for each hart

    .section .text.start, "ax"
    .globl _start
_start:
    la      t0, unexpected_trap
    csrw    mtvec, t0
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop

    csrr    s0, mhartid
    la      sp, __stacks
    addi    t0, s0, 1
    slli    t0, t0, STACK_SHIFT
    add     sp, sp, t0

    bnez    s0, wait_for_memory
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sw      zero, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  la      t0, memory_is_ready
    li      t1, 1
    fence   rw, w
    sw      t1, 0(t0)
    j       run

wait_for_memory:
    la      t0, memory_is_ready
1:  lw      t1, 0(t0)
    beqz    t1, 1b
    fence   r, rw

run:
    mv      a0, s0
    call    main
    call    finish                  # does not return

    # The cause tells what went wrong, mepc and mtval where; a trap is never survived.
unexpected_trap:
    csrr    a0, mcause
    andi    a0, a0, 127
    addi    a0, a0, 128
    # falls through

    # void exit(int code): ends the run.
    .globl  exit
exit:
    slli    a0, a0, 1
    ori     a0, a0, 1
    la      t0, tohost
    sw      a0, 0(t0)
1:  j       1b

    # Not in .bss: it is read before .bss is cleared.
    .section .data
    .balign 4
memory_is_ready:
    .word   0

    .section .tohost, "aw"
    .balign 64
    .globl  tohost
    .type   tohost, @object
    .size   tohost, 8
tohost:
    .dword  0
