// All harts sort one array: each sorts a block of its own by quicksort, then all of them merge blocks
// to runs of twice the length, round by round, each writing its own part of the output. Checks
// itself. Runs on any number of harts; the memory behind the stacks grows with them.
#include "runtime.h"

#define KEYS 128 // of each hart
#define STACK_BYTES 16384 // as start.S has it
#define FAN_IN 4
#define LEVELS_MAX 7 // of the tree: 4^7 harts

extern uint8_t __stacks[];

static uint32_t harts;

// ---- a tree of counters: harts wait for each other and add up numbers ----

typedef struct {
    CACHE_ALIGNED volatile uint32_t arrived;
    volatile uint32_t sum;
    CACHE_ALIGNED volatile uint32_t generation;
    volatile uint32_t total;
} Node;

static Node *level_nodes[LEVELS_MAX];
static uint32_t level_width[LEVELS_MAX]; // how many arrive at the nodes of a level
static uint32_t levels;

// Every hart waits here until all have arrived. The sum of all values is the result of each.
// The last to arrive at a node goes on to the next level with the sum of those it met. Whoever waits
// is released and told the total by that one, and then tells those that wait for itself: so no more
// than FAN_IN harts ever look at the same word.
static uint32_t add_up(uint32_t hart, uint32_t value) {
    uint32_t place = hart, level = 0;
    for (; level < levels; level++) {
        uint32_t group = place / FAN_IN;
        uint32_t left = level_width[level] - group * FAN_IN;
        Node *node = &level_nodes[level][group];
        uint32_t generation = node->generation;
        if (value) {
            fetch_add(&node->sum, value);
        }
        if (fetch_add(&node->arrived, 1) + 1 < (left < FAN_IN ? left : FAN_IN)) {
            while (__atomic_load_n(&node->generation, __ATOMIC_ACQUIRE) == generation) {
            }
            value = node->total;
            break;
        }
        value = node->sum;
        node->sum = 0;
        node->arrived = 0;
        place = group;
    }
    // Those below: this hart was the last at each node of its path.
    while (level > 0) {
        level--;
        place = hart;
        for (uint32_t below = 0; below <= level; below++) {
            place /= FAN_IN;
        }
        Node *node = &level_nodes[level][place];
        node->total = value;
        __atomic_store_n(&node->generation, node->generation + 1, __ATOMIC_RELEASE);
    }
    return value;
}

// ---- sorting ----

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

// How many of the first `rank` elements of the merge of two runs come from the first.
static uint32_t from_first(const uint32_t *first, uint32_t first_count, const uint32_t *second,
                           uint32_t second_count, uint32_t rank) {
    uint32_t low = rank > second_count ? rank - second_count : 0;
    uint32_t high = rank < first_count ? rank : first_count;
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

// Writes elements `begin` to `begin` + KEYS of the array in which all pairs of runs of `width` are
// merged. They lie in one pair, as runs are whole blocks. The last pair may lack its second run, or
// a part of it.
static void merge(uint32_t *to, const uint32_t *from, uint32_t width, uint32_t begin, uint32_t count) {
    uint32_t pair = begin / (2 * width) * (2 * width), rest = count - pair;
    uint32_t first_count = rest < width ? rest : width;
    uint32_t second_count = rest - first_count < width ? rest - first_count : width;
    const uint32_t *first = from + pair, *second = first + first_count;
    uint32_t rank = begin - pair;
    uint32_t i = from_first(first, first_count, second, second_count, rank), j = rank - i;
    for (uint32_t at = begin; at < begin + KEYS; at++) {
        if (j == second_count || (i < first_count && first[i] <= second[j])) {
            to[at] = first[i++];
        } else {
            to[at] = second[j++];
        }
    }
}

static CACHE_ALIGNED uint32_t ready;

// Hart 0 lays out the tree behind the stacks and lets the others go; the array stands behind the tree.
static uint32_t *lay_out(uint32_t hart) {
    uint8_t *end = __stacks + hart_count() * STACK_BYTES;
    if (hart == 0) {
        harts = hart_count();
        for (uint32_t width = harts; width > 1; width = (width + FAN_IN - 1) / FAN_IN) {
            level_nodes[levels] = (Node *)end;
            level_width[levels] = width;
            levels++;
            end += (width + FAN_IN - 1) / FAN_IN * sizeof(Node);
        }
        __atomic_store_n(&ready, (uint32_t)end, __ATOMIC_RELEASE);
    }
    uint32_t *numbers;
    while (!(numbers = (uint32_t *)__atomic_load_n(&ready, __ATOMIC_ACQUIRE))) {
    }
    return numbers;
}

int main(uint32_t hart) {
    uint32_t *from = lay_out(hart);
    uint32_t count = harts * KEYS, begin = hart * KEYS;
    uint32_t *to = from + count;
    uint32_t state = (hart + 1) * 0x9E3779B9u; // odd factor: differs from hart to hart, never 0
    uint32_t sum = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        from[begin + i] = next_random(&state);
        sum += from[begin + i];
    }
    quicksort(from + begin, from + begin + KEYS);
    uint32_t sum_before = add_up(hart, sum);
    for (uint32_t width = KEYS; width < count; width *= 2) {
        merge(to, from, width, begin, count);
        uint32_t *swap = from;
        from = to;
        to = swap;
        add_up(hart, 0);
    }
    uint32_t misplaced = 0, check = 0;
    sum = 0;
    for (uint32_t i = begin; i < begin + KEYS; i++) {
        misplaced += i > 0 && from[i - 1] > from[i];
        sum += from[i];
        check += (i + 1) * from[i];
    }
    misplaced = add_up(hart, misplaced);
    sum = add_up(hart, sum);
    check = add_up(hart, check);
    int right = misplaced == 0 && sum == sum_before;
    if (hart == 0) {
        print_unsigned(harts);
        print(" harts sorted ");
        print_unsigned(count);
        print(" numbers: ");
        print_hex(check);
        print(right ? " ok\n" : " WRONG\n");
        exit(!right);
    }
    // Nothing more to do, and nobody to be told: hart 0 ends the run.
    for (;;) {
        __asm__ volatile("wfi");
    }
}
