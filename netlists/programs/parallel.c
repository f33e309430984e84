// All harts together: a sieve, a matrix product and a merge sort, each checked against a value that
// was computed elsewhere. Runs on any number of harts and prints the same results on each. One hart
// executes 1.3 million instructions; of eight each does its part in about 170,000 and waits the rest.
#include "runtime.h"

// The expected values come from a straightforward program on another machine.
#define SIEVE_LIMIT 20000
#define SIEVE_EXPECTED 2262u // primes below 20000
#define MATRIX_SIZE 32
#define MATRIX_EXPECTED 0xe3fbf446u
#define SORT_COUNT 4096
#define SORT_EXPECTED 0x23946860u

static uint32_t harts;
static volatile uint32_t failures;

// First element of the part of `count` elements that belongs to a hart; the next hart's is its end.
static uint32_t part(uint32_t count, uint32_t hart) {
    return count * hart / harts;
}

// An order-sensitive sum of words: every word and its place matter.
static uint32_t checksum(const uint32_t *words, uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum = sum * 31 + words[i];
    }
    return sum;
}

static void verdict(int ok) {
    if (ok) {
        print(" ok\n");
    } else {
        print(" WRONG\n");
        fetch_add(&failures, 1);
    }
}

// ---- sieve: harts take segments of the field until none is left ----

#define SEGMENT 1024

static CACHE_ALIGNED uint8_t composite[SIEVE_LIMIT];
static CACHE_ALIGNED volatile uint32_t next_segment;
static CACHE_ALIGNED volatile uint32_t primes;

static void sieve_segment(uint32_t first, uint32_t end) {
    for (uint32_t divisor = 2; divisor * divisor < end; divisor++) {
        // Divisors may lie in segments of other harts, so ask the number itself.
        uint32_t is_prime = 1;
        for (uint32_t d = 2; d * d <= divisor; d++) {
            if (divisor % d == 0) {
                is_prime = 0;
                break;
            }
        }
        if (!is_prime) {
            continue;
        }
        uint32_t multiple = (first + divisor - 1) / divisor * divisor;
        if (multiple < divisor * divisor) {
            multiple = divisor * divisor;
        }
        for (; multiple < end; multiple += divisor) {
            composite[multiple] = 1;
        }
    }
    uint32_t found = 0;
    for (uint32_t number = first < 2 ? 2 : first; number < end; number++) {
        found += !composite[number];
    }
    fetch_add(&primes, found);
}

static void sieve(uint32_t hart) {
    for (;;) {
        uint32_t first = fetch_add(&next_segment, 1) * SEGMENT;
        if (first >= SIEVE_LIMIT) {
            break;
        }
        uint32_t end = first + SEGMENT;
        sieve_segment(first, end < SIEVE_LIMIT ? end : SIEVE_LIMIT);
    }
    barrier();
    if (hart == 0) {
        print("primes below ");
        print_unsigned(SIEVE_LIMIT);
        print(": ");
        print_unsigned(primes);
        verdict(primes == SIEVE_EXPECTED);
    }
}

// ---- matrix product: each hart owns some rows ----

static CACHE_ALIGNED int32_t left[MATRIX_SIZE][MATRIX_SIZE];
static CACHE_ALIGNED int32_t right[MATRIX_SIZE][MATRIX_SIZE];
static CACHE_ALIGNED int32_t product[MATRIX_SIZE][MATRIX_SIZE];

static void multiply(uint32_t hart) {
    uint32_t first = part(MATRIX_SIZE, hart), end = part(MATRIX_SIZE, hart + 1);
    for (uint32_t row = first; row < end; row++) {
        uint32_t state = row + 1;
        for (uint32_t column = 0; column < MATRIX_SIZE; column++) {
            left[row][column] = (int32_t)next_random(&state) >> 16;
            right[row][column] = (int32_t)next_random(&state) >> 16;
        }
    }
    barrier();
    for (uint32_t row = first; row < end; row++) {
        for (uint32_t column = 0; column < MATRIX_SIZE; column++) {
            int32_t sum = 0;
            for (uint32_t k = 0; k < MATRIX_SIZE; k++) {
                // Unsigned, as sums may wrap.
                sum = (int32_t)((uint32_t)sum + (uint32_t)left[row][k] * (uint32_t)right[k][column]);
            }
            product[row][column] = sum;
        }
    }
    barrier();
    if (hart == 0) {
        uint32_t sum = checksum((const uint32_t *)product, MATRIX_SIZE * MATRIX_SIZE);
        print("matrix product of size ");
        print_unsigned(MATRIX_SIZE);
        print(": ");
        print_hex(sum);
        verdict(sum == MATRIX_EXPECTED);
    }
}

// ---- sort: runs of 32 by insertion, then rounds in which all harts merge slices of the output ----

#define RUN 32

static CACHE_ALIGNED uint32_t numbers[SORT_COUNT];
static CACHE_ALIGNED uint32_t merged[SORT_COUNT];
static volatile uint32_t misplaced;

static void sort_run(uint32_t *run) {
    for (uint32_t i = 1; i < RUN; i++) {
        uint32_t value = run[i], at = i;
        for (; at > 0 && run[at - 1] > value; at--) {
            run[at] = run[at - 1];
        }
        run[at] = value;
    }
}

// How many of the first `rank` elements of the merge of two runs of `width` come from the first.
static uint32_t from_first(const uint32_t *first, const uint32_t *second, uint32_t width, uint32_t rank) {
    uint32_t low = rank > width ? rank - width : 0;
    uint32_t high = rank < width ? rank : width;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (first[middle] <= second[rank - middle - 1]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Writes elements `begin` to `end` of the merge of the two runs that begin at `pair`.
static void merge_slice(uint32_t *to, const uint32_t *pair, uint32_t width, uint32_t begin, uint32_t end) {
    const uint32_t *first = pair, *second = pair + width;
    uint32_t i = from_first(first, second, width, begin), j = begin - i;
    for (uint32_t at = begin; at < end; at++) {
        if (j == width || (i < width && first[i] <= second[j])) {
            to[at] = first[i++];
        } else {
            to[at] = second[j++];
        }
    }
}

static void merge_round(uint32_t *to, const uint32_t *from, uint32_t width, uint32_t begin, uint32_t end) {
    while (begin < end) {
        uint32_t pair = begin / (2 * width) * (2 * width);
        uint32_t pair_end = pair + 2 * width;
        uint32_t slice_end = end < pair_end ? end : pair_end;
        merge_slice(to + pair, from + pair, width, begin - pair, slice_end - pair);
        begin = slice_end;
    }
}

static void sort(uint32_t hart) {
    uint32_t first_run = part(SORT_COUNT / RUN, hart), end_run = part(SORT_COUNT / RUN, hart + 1);
    for (uint32_t run = first_run; run < end_run; run++) {
        uint32_t state = 0x9E3779B9u ^ (run + 1);
        for (uint32_t i = 0; i < RUN; i++) {
            numbers[run * RUN + i] = next_random(&state);
        }
        sort_run(&numbers[run * RUN]);
    }
    uint32_t *from = numbers, *to = merged;
    uint32_t begin = part(SORT_COUNT, hart), end = part(SORT_COUNT, hart + 1);
    for (uint32_t width = RUN; width < SORT_COUNT; width *= 2) {
        barrier();
        merge_round(to, from, width, begin, end);
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    barrier();
    for (uint32_t i = begin ? begin : 1; i < end; i++) {
        if (from[i - 1] > from[i]) {
            fetch_add(&misplaced, 1);
        }
    }
    barrier();
    if (hart == 0) {
        uint32_t sum = checksum(from, SORT_COUNT);
        print("sorted numbers: ");
        print_unsigned(SORT_COUNT);
        print(", ");
        print_hex(sum);
        verdict(misplaced == 0 && sum == SORT_EXPECTED);
    }
}

int main(uint32_t hart) {
    if (hart == 0) {
        harts = hart_count();
        print("harts: ");
        print_unsigned(harts);
        print("\n");
    }
    barrier();
    sieve(hart);
    barrier();
    multiply(hart);
    barrier();
    sort(hart);
    barrier();
    if (hart == 0) {
        print(failures ? "FAIL\n" : "PASS\n");
    }
    return failures != 0;
}
