#!/bin/sh
# Usage: build.sh OUT — makes OUT/tbb.
set -eu
mkdir -p "$1"
g++ -std=c++17 -O3 -march=native -Wall -Wextra -o "$1/tbb" main.cpp -ltbb
