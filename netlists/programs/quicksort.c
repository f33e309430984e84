// For a hart with a memory of its own (local.S): sorts numbers that no other hart has by quicksort
// and leaves a checksum in `result`. Sorting n numbers takes about 10·n·log2(n) instructions.
#include "runtime.h"

#define NUMBERS_MAX 2048
#define UNSORTED 1
#define NOT_THE_SAME_NUMBERS 2
#define TOO_MANY 3

// How many numbers: the machine may put another number here before the run.
const volatile uint32_t argument = 256;
extern volatile uint32_t result;

static uint32_t numbers[NUMBERS_MAX];

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

int main(uint32_t hart) {
    uint32_t count = argument;
    if (count > NUMBERS_MAX) {
        return TOO_MANY;
    }
    uint32_t state = (hart + 1) * 0x9E3779B9u; // odd factor: differs from hart to hart, never 0
    uint32_t sum = 0, parity = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = next_random(&state);
        numbers[i] = number;
        sum += number;
        parity ^= number;
    }
    quicksort(numbers, numbers + count);
    uint32_t check = 0, last = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = numbers[i];
        if (number < last) {
            return UNSORTED;
        }
        last = number;
        check = check * 31 + number;
        sum -= number;
        parity ^= number;
    }
    result = check;
    return sum || parity ? NOT_THE_SAME_NUMBERS : 0;
}
