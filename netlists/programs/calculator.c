// A calculator at the UART: a line such as `12 * -3` is answered by its value, `quit` ends the run. Each
// byte is echoed as it comes, as a terminal expects.
#include "runtime.h"
#include "uart.h"

#define LINE_BYTES 64

// Reads a line, without its end; whatever is too long is cut off. Backspace works.
static int read_line(char *line) {
    int count = 0;
    for (;;) {
        char byte = read_char();
        if (byte == '\r' || byte == '\n') {
            print("\n");
            line[count] = 0;
            return count;
        }
        if (byte == '\b' || byte == 0x7f) {
            if (count > 0) {
                count--;
                print("\b \b");
            }
        } else if (count < LINE_BYTES - 1) {
            line[count++] = byte;
            print_char(byte);
        }
    }
}

static const char *skip_spaces(const char *at) {
    while (*at == ' ' || *at == '\t') {
        at++;
    }
    return at;
}

// Reads a number; 0 if there is none.
static const char *read_number(const char *at, int32_t *number) {
    at = skip_spaces(at);
    int negative = *at == '-';
    at += negative;
    if (*at < '0' || *at > '9') {
        return 0;
    }
    uint32_t value = 0;
    while (*at >= '0' && *at <= '9') {
        value = value * 10 + (uint32_t)(*at++ - '0');
    }
    *number = (int32_t)(negative ? -value : value);
    return skip_spaces(at);
}

static void print_signed(int32_t value) {
    if (value < 0) {
        print_char('-');
    }
    print_unsigned(value < 0 ? -(uint32_t)value : (uint32_t)value);
}

static void answer(const char *line) {
    int32_t a = 0;
    int32_t b = 0;
    const char *at = read_number(line, &a);
    while (at && *at) {
        char operation = *at++;
        at = read_number(at, &b);
        if (!at) {
            break;
        }
        switch (operation) {
        case '+': a = (int32_t)((uint32_t)a + (uint32_t)b); break;
        case '-': a = (int32_t)((uint32_t)a - (uint32_t)b); break;
        case '*': a = (int32_t)((uint32_t)a * (uint32_t)b); break;
        case '/':
            if (b == 0) {
                print("division by zero\n");
                return;
            }
            // The one quotient that does not fit is what the instruction gives.
            __asm__("div %0, %0, %1" : "+r"(a) : "r"(b));
            break;
        default: at = 0;
        }
    }
    if (!at) {
        print("numbers with + - * / between them, or quit\n");
        return;
    }
    print("= ");
    print_signed(a);
    print("\n");
}

static int is_quit(const char *line) {
    const char *quit = "quit";
    while (*quit && *line == *quit) {
        line++;
        quit++;
    }
    return *quit == 0 && *line == 0;
}

int main(uint32_t hart) {
    if (hart != 0) {
        return 0;
    }
    char line[LINE_BYTES];
    print("calculator\n");
    for (;;) {
        print("> ");
        if (read_line(line) == 0) {
            continue;
        }
        if (is_quit(line)) {
            print("bye\n");
            return 0;
        }
        answer(line);
    }
}
