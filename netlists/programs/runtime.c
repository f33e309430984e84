// See runtime.h. Addresses of devices are those of the platform map.
#include "runtime.h"

#define CONSOLE_TRANSMIT (*(volatile uint32_t *)0x10000000u)
#define HART_COUNT (*(volatile uint32_t *)0x10000008u)

uint32_t hart_count(void) {
    return HART_COUNT;
}

void print_char(char byte) {
    CONSOLE_TRANSMIT = (uint8_t)byte;
}

void print(const char *text) {
    while (*text) {
        print_char(*text++);
    }
}

void print_unsigned(uint32_t value) {
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        print_char(digits[--count]);
    }
}

void print_hex(uint32_t value) {
    print("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        print_char("0123456789abcdef"[value >> shift & 15]);
    }
}

// The last hart to arrive opens the next generation; the others watch for it.
static CACHE_ALIGNED volatile uint32_t barrier_arrived;
static CACHE_ALIGNED volatile uint32_t barrier_generation;

void barrier(void) {
    uint32_t generation = __atomic_load_n(&barrier_generation, __ATOMIC_RELAXED);
    if (fetch_add(&barrier_arrived, 1) + 1 == hart_count()) {
        barrier_arrived = 0;
        __atomic_store_n(&barrier_generation, generation + 1, __ATOMIC_RELEASE);
    } else {
        while (__atomic_load_n(&barrier_generation, __ATOMIC_ACQUIRE) == generation) {
        }
    }
}

static CACHE_ALIGNED volatile uint32_t finish_code;
static volatile uint32_t finish_arrived;

void finish(int code) {
    // The larger of the two, in one step.
    __asm__ volatile("amomaxu.w.aqrl zero, %1, %0" : "+A"(finish_code) : "r"(code) : "memory");
    if (fetch_add(&finish_arrived, 1) + 1 == hart_count()) {
        exit((int)finish_code);
    }
    for (;;) {
        __asm__ volatile("wfi");
    }
}

uint32_t fetch_add_reserved(volatile uint32_t *word, uint32_t amount) {
    uint32_t old, failed;
    __asm__ volatile(
        "1: lr.w.aq %0, %2\n"
        "   add     %1, %0, %3\n"
        "   sc.w.rl %1, %1, %2\n"
        "   bnez    %1, 1b\n"
        : "=&r"(old), "=&r"(failed), "+A"(*word)
        : "r"(amount)
        : "memory");
    return old;
}

void lock(Lock *lock) {
    uint32_t scratch;
    __asm__ volatile(
        "1: lw      %0, %1\n" // watch without disturbing the owner
        "   bnez    %0, 1b\n"
        "   lr.w    %0, %1\n"
        "   bnez    %0, 1b\n"
        "   sc.w.aq %0, %2, %1\n"
        "   bnez    %0, 1b\n"
        : "=&r"(scratch), "+A"(lock->taken)
        : "r"(1)
        : "memory");
}

void unlock(Lock *lock) {
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

uint32_t crc32(uint32_t crc, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    crc = ~crc;
    while (size--) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

// The compiler may call these for structures and loops.
void *memcpy(void *to, const void *from, size_t size) {
    uint8_t *out = to;
    const uint8_t *in = from;
    while (size--) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int byte, size_t size) {
    uint8_t *out = to;
    while (size--) {
        *out++ = (uint8_t)byte;
    }
    return to;
}
