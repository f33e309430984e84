// Every hart increments shared counters in three ways: by AMOADD, by LR/SC, and under a lock. No
// increment may be lost. The first failed check is the exit code.
#include "runtime.h"

#define ROUNDS 500

static CACHE_ALIGNED volatile uint32_t by_amo;
static CACHE_ALIGNED volatile uint32_t by_reservation;
static CACHE_ALIGNED Lock mutex;
static CACHE_ALIGNED uint32_t under_lock;
// In the same line as each other, on purpose: neighbours must not disturb each other's words.
static CACHE_ALIGNED volatile uint32_t neighbours[CACHE_LINE / 4];
// Each ticket is drawn by exactly one hart.
static CACHE_ALIGNED volatile uint32_t next_ticket;
#define TICKETS_MAX (64 * 64)
static volatile uint8_t drawn[TICKETS_MAX];

static void draw_tickets(uint32_t harts) {
    for (;;) {
        uint32_t ticket = fetch_add_reserved(&next_ticket, 1);
        if (ticket >= harts * 64 || ticket >= TICKETS_MAX) {
            break;
        }
        drawn[ticket]++;
    }
}

static int check(const char *name, uint32_t found, uint32_t expected) {
    print(name);
    print(": ");
    print_unsigned(found);
    print(found == expected ? " ok\n" : " WRONG\n");
    return found == expected;
}

int main(uint32_t hart) {
    uint32_t harts = hart_count();
    barrier();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        fetch_add(&by_amo, 1);
        fetch_add_reserved(&by_reservation, 1);
        lock(&mutex);
        under_lock++;
        unlock(&mutex);
        if (hart < CACHE_LINE / 4) {
            neighbours[hart]++;
        }
    }
    draw_tickets(harts);
    barrier();
    if (hart != 0) {
        return 0;
    }
    uint32_t total = harts * ROUNDS;
    if (!check("amoadd", by_amo, total)) {
        return 1;
    }
    if (!check("lr/sc", by_reservation, total)) {
        return 2;
    }
    if (!check("lock", under_lock, total)) {
        return 3;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < CACHE_LINE / 4; i++) {
        sum += neighbours[i];
    }
    if (!check("neighbours", sum, (harts < CACHE_LINE / 4 ? harts : CACHE_LINE / 4) * ROUNDS)) {
        return 4;
    }
    uint32_t once = 0;
    for (uint32_t i = 0; i < TICKETS_MAX; i++) {
        once += drawn[i] == 1;
    }
    if (!check("tickets", once, harts * 64 < TICKETS_MAX ? harts * 64 : TICKETS_MAX)) {
        return 5;
    }
    print("PASS\n");
    return 0;
}
