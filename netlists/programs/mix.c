// One hart: CRC-32, a sieve and quicksort, each checked against a value computed elsewhere.
// 1.2 million instructions.
#include "runtime.h"

#define CRC_BYTES 4096
#define CRC_EXPECTED 0xf519580eu
#define SIEVE_LIMIT 30000
#define SIEVE_EXPECTED 3245u // primes below 30000
#define SORT_COUNT 4096
#define SORT_EXPECTED 0x086644b2u

static uint32_t failures;

static void verdict(int ok) {
    print(ok ? " ok\n" : " WRONG\n");
    failures += !ok;
}

static uint8_t message[CRC_BYTES];

static void check_crc(void) {
    // The check value of the published catalogue of CRCs, then a longer message.
    uint32_t known = crc32(0, "123456789", 9);
    uint32_t state = 1;
    for (uint32_t i = 0; i < CRC_BYTES; i++) {
        message[i] = (uint8_t)(next_random(&state) >> 24);
    }
    uint32_t crc = crc32(0, message, CRC_BYTES);
    print("crc of ");
    print_unsigned(CRC_BYTES);
    print(" bytes: ");
    print_hex(crc);
    verdict(known == 0xCBF43926u && crc == CRC_EXPECTED);
}

static uint8_t composite[SIEVE_LIMIT];

static void check_sieve(void) {
    uint32_t primes = 0;
    for (uint32_t number = 2; number < SIEVE_LIMIT; number++) {
        if (composite[number]) {
            continue;
        }
        primes++;
        for (uint32_t multiple = number * number; multiple < SIEVE_LIMIT && number < 65536; multiple += number) {
            composite[multiple] = 1;
        }
    }
    print("primes below ");
    print_unsigned(SIEVE_LIMIT);
    print(": ");
    print_unsigned(primes);
    verdict(primes == SIEVE_EXPECTED);
}

static uint32_t numbers[SORT_COUNT];

// Sorts from `low` up to but not including `high`; recurs into the smaller part only, so the
// stack stays logarithmic.
static void quicksort(uint32_t *low, uint32_t *high) {
    while (high - low > 1) {
        uint32_t pivot = low[(high - low - 1) / 2]; // never the last: both parts get smaller
        uint32_t *i = low, *j = high - 1;
        for (;;) {
            while (*i < pivot) {
                i++;
            }
            while (*j > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            uint32_t swap = *i;
            *i++ = *j;
            *j-- = swap;
        }
        uint32_t *middle = j + 1;
        if (middle - low < high - middle) {
            quicksort(low, middle);
            low = middle;
        } else {
            quicksort(middle, high);
            high = middle;
        }
    }
}

static void check_sort(void) {
    uint32_t state = 0x2545F491u;
    for (uint32_t i = 0; i < SORT_COUNT; i++) {
        numbers[i] = next_random(&state);
    }
    quicksort(numbers, numbers + SORT_COUNT);
    uint32_t ordered = 1, sum = numbers[0];
    for (uint32_t i = 1; i < SORT_COUNT; i++) {
        ordered &= numbers[i - 1] <= numbers[i];
        sum = sum * 31 + numbers[i];
    }
    print("sorted numbers: ");
    print_unsigned(SORT_COUNT);
    print(", ");
    print_hex(sum);
    verdict(ordered && sum == SORT_EXPECTED);
}

int main(uint32_t hart) {
    if (hart != 0) {
        return 0;
    }
    check_crc();
    check_sieve();
    check_sort();
    print(failures ? "FAIL\n" : "PASS\n");
    return failures != 0;
}
