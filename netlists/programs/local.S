# Start-up code of programs for harts that have a memory of their own.
#
# The hart gets 4 KiB of stack behind the program, calls main(hart) and reports its result as the
# exit code; nothing is cleared, as memory is zero at first. A trap is reported as 128 + its cause.

    .equ STACK_BYTES, 4096

    .section .text.start, "ax"
    .globl _start
_start:
    la      t0, unexpected_trap
    csrw    mtvec, t0
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, __stacks + STACK_BYTES
    call    main

    # The exit code in a0 ends the program; the memory lets nothing happen behind it.
end:
    slli    a0, a0, 1
    ori     a0, a0, 1
    la      t0, report
    sw      a0, 0(t0)
1:  j       1b

unexpected_trap:
    csrr    a0, mcause
    andi    a0, a0, 127
    addi    a0, a0, 128
    j       end

    # Words by which the memory and the program know each other.
    .section .data
    .balign 4
    .globl  report
    .type   report, @object
    .size   report, 4
report:
    .word   0
    .globl  result
    .type   result, @object
    .size   result, 4
result:
    .word   0
