#!/bin/sh
# Usage: build.sh OUT — makes OUT/systemc.
set -eu
mkdir -p "$1"
g++ -std=c++17 -O3 -march=native -flto -Wall -Wextra -o "$1/systemc" main.cpp -lsystemc
