// One line from one hart; the others have nothing to say.
#include "runtime.h"

int main(uint32_t hart) {
    if (hart == 0) {
        print("hello from hart 0 of ");
        print_unsigned(hart_count());
        print("\n");
    }
    return 0;
}
