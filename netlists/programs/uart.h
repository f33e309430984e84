// Receiving at the UART, for programs that talk with somebody. Its registers are those of a 16550; see the
// platform map.
#ifndef UART_H
#define UART_H

#include <stdint.h>

#define UART_RECEIVE (*(volatile uint8_t *)0x10000000u)
#define UART_LINE_STATUS (*(volatile uint8_t *)0x10000005u)
#define UART_DATA_READY 1

// The next byte; waits until one is there.
static inline char read_char(void) {
    while (!(UART_LINE_STATUS & UART_DATA_READY)) {
    }
    return (char)UART_RECEIVE;
}

#endif
