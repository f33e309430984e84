// The FIFOs of the two styles, with the same face: `ready` and `has_room` speak of the state before the edge.
#pragma once
#include <systemc.h>

#include <cstdint>

// Signal style: a ring whose two counts are signals. The producer writes one, the consumer the other; either
// sees what the other did one delta cycle after the edge, which is the next edge. The slots need no signals: a
// slot is read only after the count of pushes has said so, and written only after that of pops has.
template <unsigned DEPTH> class SignalQueue {
public:
    bool ready() const { return pushed.read() != pops; }
    bool has_room() const { return pushes - popped.read() < DEPTH; }
    uint64_t first() const { return slots[pops % DEPTH]; }
    uint64_t pop() {
        const uint64_t item = first();
        popped.write(++pops);
        return item;
    }
    void push(uint64_t item) {
        slots[pushes % DEPTH] = item;
        pushed.write(++pushes);
    }

private:
    sc_signal<uint32_t> pushed, popped;
    uint32_t pushes = 0, pops = 0;
    uint64_t slots[DEPTH];
};

// FIFO style: an sc_fifo, whose reads and writes also show one delta cycle later.
template <unsigned DEPTH> class StockQueue {
public:
    bool ready() const { return fifo.num_available() > 0; }
    bool has_room() const { return fifo.num_free() > 0; }
    uint64_t pop() {
        uint64_t item = 0;
        fifo.nb_read(item);
        return item;
    }
    void push(uint64_t item) { fifo.nb_write(item); }

private:
    sc_fifo<uint64_t> fifo{DEPTH};
};

// The same where the consumer looks at the first item, which an sc_fifo does not let it: that item stands in a
// register of the consumer's, which counts as a slot. It is filled in the edge in which it is emptied, or
// else in the edge in which an item arrives, so that room shows as with a FIFO of DEPTH slots.
template <unsigned DEPTH> class HeadedQueue {
public:
    bool ready() { return full || (full = fifo.nb_read(head)); }
    bool has_room() const { return fifo.num_free() > 0; }
    uint64_t first() const { return head; }
    uint64_t pop() {
        const uint64_t item = head;
        full = fifo.nb_read(head);
        return item;
    }
    void push(uint64_t item) { fifo.nb_write(item); }

private:
    sc_fifo<uint64_t> fifo{DEPTH - 1};
    uint64_t head = 0;
    bool full = false;
};

struct SignalStyle {
    static constexpr const char* name = "systemc-method";
    static constexpr bool threads = false;
    template <unsigned DEPTH> using Queue = SignalQueue<DEPTH>;
    template <unsigned DEPTH> using Inspected = SignalQueue<DEPTH>;
};

struct FifoStyle {
    static constexpr const char* name = "systemc-fifo";
    static constexpr bool threads = true;
    template <unsigned DEPTH> using Queue = StockQueue<DEPTH>;
    template <unsigned DEPTH> using Inspected = HeadedQueue<DEPTH>;
};

// A module: what `Body::clock` does at every rising edge, as an SC_METHOD or as an SC_THREAD.
template <class Style, class Body> class Clocked : public sc_module, public Body {
public:
    SC_HAS_PROCESS(Clocked);

    Clocked(sc_module_name name, const sc_clock& clk, Body body) : sc_module(name), Body(body) {
        if (Style::threads) {
            SC_THREAD(run);
            set_stack_size(0x4000);
        } else {
            SC_METHOD(step);
        }
        sensitive << clk.posedge_event();
        dont_initialize();
    }

private:
    void step() { Body::clock(); }
    void run() {
        for (;;) {
            Body::clock();
            wait();
        }
    }
};
