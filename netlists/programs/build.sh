#!/bin/sh
# Rebuilds the guest programs that are committed beside their sources. Needs a RISC-V GCC for bare
# metal; on Debian: apt-get install gcc-riscv64-unknown-elf
#
# -misa-spec=2.2 makes the CSR instructions and fence.i part of the base, so that plain rv32ima
# assembles them.
set -eu
cd "$(dirname "$0")"

prefix="${CROSS:-riscv64-unknown-elf-}"
machine="-march=rv32ima -misa-spec=2.2 -mabi=ilp32"
compile="$machine -std=c11 -O2 -ffreestanding -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror -I."
link="-nostdlib -static -T link.ld -Wl,--fatal-warnings,--build-id=none,-z,max-page-size=64"

for source in hello mix parallel atomics parallel_sort calculator; do
    "${prefix}gcc" $compile $link -o "$source.elf" start.S runtime.c "$source.c"
    "${prefix}strip" --strip-debug "$source.elf"
    chmod -x "$source.elf"
done

# For harts with memories of their own: another start, and nothing that they would share.
for source in quicksort; do
    "${prefix}gcc" $compile $link -o "$source.elf" local.S "$source.c"
    "${prefix}strip" --strip-debug "$source.elf"
    chmod -x "$source.elf"
done

for source in conformance/*.S; do
    program="${source%.S}.elf"
    "${prefix}gcc" $machine $link -o "$program" "$source"
    "${prefix}strip" --strip-debug "$program"
    chmod -x "$program"
done
