#!/bin/sh
# Usage: build.sh OUT WORKLOAD SIZE THREADS — makes OUT/WORKLOAD-SIZE-tTHREADS/Vtop.
set -eu
out="$1" workload="$2" size="$3" threads="$4"
directory="$out/$workload-$size-t$threads"
defines="-DWORKLOAD=\\\"$workload\\\" -DSIZE=$size -DTHREADS=$threads"
if [ "$workload" = w2 ]; then defines="$defines -DRATE"; fi

rm -rf "$directory"
mkdir -p "$directory"
verilator --cc --exe --top-module top --Mdir "$directory" -O3 --x-assign fast --x-initial fast --noassert \
    --threads "$threads" -GSIZE="$size" -Wno-UNSIGNED -Wno-UNOPTTHREADS \
    --output-split 5000 --output-split-cfuncs 500 -CFLAGS "-std=c++17 $defines" fifo.sv "$workload.sv" "$PWD/main.cpp"
make -s -C "$directory" -f Vtop.mk -j 2 Vtop OPT_FAST="-O3 -march=native" OPT_SLOW="-O0" OPT_GLOBAL="-O3 -march=native"
