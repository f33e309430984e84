// What a program without an operating system needs: a console, harts that wait for each other, a lock.
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stddef.h>
#include <stdint.h>

// The harts of this machine, as the machine says.
uint32_t hart_count(void);

// Ends the run at once, whatever the other harts do. 0 means success.
__attribute__((noreturn)) void exit(int code);

// Called by each hart with the result of its main: the last to arrive ends the run with the largest.
__attribute__((noreturn)) void finish(int code);

// Printing; a line comes out whole if one hart prints at a time.
void print_char(char byte);
void print(const char *text);
void print_unsigned(uint32_t value);
void print_hex(uint32_t value);

// Every hart waits here until all have arrived; what any of them wrote before, all see afterwards.
void barrier(void);

// Mutual exclusion by spinning on LR/SC. A zero lock is free.
typedef struct {
    volatile uint32_t taken;
} Lock;
void lock(Lock *lock);
void unlock(Lock *lock);

// Adds and returns what was there before, by AMOADD and by LR/SC.
static inline uint32_t fetch_add(volatile uint32_t *word, uint32_t amount) {
    return __atomic_fetch_add(word, amount, __ATOMIC_ACQ_REL);
}
uint32_t fetch_add_reserved(volatile uint32_t *word, uint32_t amount);

// Data that different harts write belongs into different cache lines.
#define CACHE_LINE 64
#define CACHE_ALIGNED __attribute__((aligned(CACHE_LINE)))

// A small generator (xorshift, Marsaglia 2003): the same numbers on every machine. Not 0.
static inline uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

// CRC-32 (IEEE 802.3, reflected, 0xEDB88320) without a table. Begin with crc = 0.
uint32_t crc32(uint32_t crc, const void *bytes, size_t size);

#endif
