// The three workloads, for either style.
#pragma once
#include "queues.h"

#include <deque>
#include <memory>
#include <vector>

constexpr uint64_t FACTOR = 6364136223846793005u;
constexpr uint64_t ADDEND = 1442695040888963407u;
constexpr uint64_t SEED_STEP = 0x9E3779B97F4A7C15u;

inline const char* name() { return sc_gen_unique_name("module"); }

inline uint64_t lcg(uint64_t state) { return state * FACTOR + ADDEND; }

// W1.
template <class Style> class Pipeline {
    using Queue = typename Style::template Queue<2>;

    struct Source {
        Queue* out;
        uint64_t next = 0;
        void clock() {
            if (out->has_room()) out->push(next++);
        }
    };
    struct Stage {
        Queue *in, *out;
        void clock() {
            if (in->ready() && out->has_room()) out->push(in->pop() * FACTOR + 1);
        }
    };
    struct Sink {
        Queue* in;
        uint64_t count = 0, check = 0;
        void clock() {
            if (in->ready()) {
                ++count;
                check ^= in->pop();
            }
        }
    };

    std::deque<Queue> queues;
    std::deque<Clocked<Style, Stage>> stages;
    Clocked<Style, Source> source;
    Clocked<Style, Sink> sink;

public:
    Pipeline(const sc_clock& clk, size_t stage_count)
        : queues(stage_count + 1), source(name(), clk, Source{&queues.front()}), sink(name(), clk, Sink{&queues.back()}) {
        for (size_t at = 0; at < stage_count; ++at) stages.emplace_back(name(), clk, Stage{&queues[at], &queues[at + 1]});
    }
    uint64_t count() const { return sink.count; }
    uint64_t check() const { return sink.check; }
};

// W2. Ports are in the order north, east, south, west, local.
struct Traffic {
    unsigned side, bits;
    uint64_t threshold;
    uint64_t others() const { return uint64_t{side} * side - 1; }
};

template <class Style> class Mesh {
    using Input = typename Style::template Inspected<4>;
    using Outlet = typename Style::template Queue<4>;

    struct Generator {
        const Traffic* traffic;
        uint64_t number;
        Input* out;
        uint64_t state = (number + 1) * SEED_STEP;
        uint64_t cycle = 0;
        uint64_t packet = 0;
        bool held = false;
        void clock() {
            if (!held) draw();
            if (held && out->has_room()) {
                out->push(packet);
                held = false;
            }
            ++cycle;
        }
        void draw() {
            state = lcg(state);
            if (state >> 33 >= traffic->threshold) return;
            state = lcg(state);
            uint64_t destination = ((state >> 33) * traffic->others()) >> 31;
            if (destination >= number) ++destination;
            packet = destination | number << traffic->bits | cycle << (2 * traffic->bits);
            held = true;
        }
    };

    struct Router {
        const Traffic* traffic;
        unsigned x, y;
        Input* inputs;      // five
        Input* targets[4];  // the neighbours' inputs, or null beyond the edge
        Outlet* outlet;
        uint8_t pointers[5] = {};
        void clock() {
            unsigned asking[5] = {};
            bool any = false;
            for (unsigned at = 0; at < 5; ++at) {
                if (inputs[at].ready()) {
                    asking[output_of(inputs[at].first())] |= 1u << at;
                    any = true;
                }
            }
            if (!any) return;
            for (unsigned output = 0; output < 4; ++output) {
                if (asking[output] && targets[output]->has_room()) {
                    targets[output]->push(winner(output, asking[output]).pop());
                }
            }
            if (asking[4] && outlet->has_room()) outlet->push(winner(4, asking[4]).pop());
        }
        Input& winner(unsigned output, unsigned askers) {
            unsigned at = pointers[output];
            while (!(askers >> at & 1)) at = at == 4 ? 0 : at + 1;
            pointers[output] = static_cast<uint8_t>(at == 4 ? 0 : at + 1);
            return inputs[at];
        }
        unsigned output_of(uint64_t packet) const {
            const unsigned destination = packet & ((1u << traffic->bits) - 1);
            const unsigned to_x = destination % traffic->side, to_y = destination / traffic->side;
            if (to_x != x) return to_x > x ? 1 : 3;
            if (to_y != y) return to_y < y ? 0 : 2;
            return 4;
        }
    };

    struct Sink {
        const Traffic* traffic;
        Outlet* in;
        uint64_t cycle = 0, delivered = 0, latency_sum = 0, check = 0;
        void clock() {
            if (in->ready()) {
                const uint64_t packet = in->pop();
                ++delivered;
                latency_sum += cycle - (packet >> (2 * traffic->bits));
                check += packet ^ cycle << 32;
            }
            ++cycle;
        }
    };

    Traffic traffic;
    std::deque<Outlet> outlets;
    std::deque<Clocked<Style, Generator>> generators;
    std::deque<Clocked<Style, Router>> routers;
    std::deque<Clocked<Style, Sink>> sinks;
    std::vector<std::unique_ptr<Input[]>> ports;

public:
    Mesh(const sc_clock& clk, unsigned side, double rate)
        : traffic{side, side <= 16 ? 8u : 12u, static_cast<uint64_t>(rate * 2147483648.0)},
          outlets(size_t{side} * side) {
        for (unsigned node = 0; node < side * side; ++node) ports.push_back(std::make_unique<Input[]>(5));
        for (unsigned node = 0; node < side * side; ++node) {
            const unsigned x = node % side, y = node / side;
            const auto input = [&](bool exists, unsigned of, unsigned port) {
                return exists ? &ports[of][port] : nullptr;
            };
            generators.emplace_back(name(), clk, Generator{&traffic, node, &ports[node][4]});
            routers.emplace_back(name(), clk, Router{&traffic, x, y, ports[node].get(),
                                             {input(y > 0, node - side, 2), input(x + 1 < side, node + 1, 3),
                                              input(y + 1 < side, node + side, 0), input(x > 0, node - 1, 1)},
                                             &outlets[node]});
            sinks.emplace_back(name(), clk, Sink{&traffic, &outlets[node]});
        }
    }
    uint64_t delivered() const { return total(&Sink::delivered); }
    uint64_t latency_sum() const { return total(&Sink::latency_sum); }
    uint64_t check() const { return total(&Sink::check); }

private:
    uint64_t total(uint64_t Sink::*field) const {
        uint64_t sum = 0;
        for (const auto& sink : sinks) sum += sink.*field;
        return sum;
    }
};

// W3.
template <class Style> class Systolic {
    using Queue = typename Style::template Queue<2>;

    struct Source {
        uint64_t state;
        Queue* out;
        void clock() {
            if (out->has_room()) {
                state = lcg(state);
                out->push(static_cast<uint64_t>(static_cast<int64_t>(state) >> 32));
            }
        }
    };
    struct Element {
        Queue *west, *north, *east, *south;
        uint64_t sum = 0, firings = 0;
        void clock() {
            if (west->ready() && north->ready() && east->has_room() && south->has_room()) {
                const uint64_t a = west->pop(), b = north->pop();
                sum += a * b;
                ++firings;
                east->push(a);
                south->push(b);
            }
        }
    };
    struct Sink {
        Queue* in;
        uint64_t drained = 0;
        void clock() {
            if (in->ready()) {
                in->pop();
                ++drained;
            }
        }
    };

    // Row i has the queues i·(side + 1) on, from its source to its sink; so has column j among `columns`.
    std::deque<Queue> rows, columns;
    std::deque<Clocked<Style, Source>> sources;
    std::deque<Clocked<Style, Element>> elements;
    std::deque<Clocked<Style, Sink>> sinks;

public:
    Systolic(const sc_clock& clk, size_t side) : rows(side * (side + 1)), columns(side * (side + 1)) {
        const size_t step = side + 1;
        for (size_t i = 0; i < side; ++i) {
            sources.emplace_back(name(), clk, Source{(i + 1) * SEED_STEP, &rows[i * step]});
            sources.emplace_back(name(), clk, Source{(side + i + 1) * SEED_STEP, &columns[i * step]});
            sinks.emplace_back(name(), clk, Sink{&rows[i * step + side]});
            sinks.emplace_back(name(), clk, Sink{&columns[i * step + side]});
            for (size_t j = 0; j < side; ++j) {
                elements.emplace_back(name(), clk, Element{&rows[i * step + j], &columns[j * step + i],
                                                   &rows[i * step + j + 1], &columns[j * step + i + 1]});
            }
        }
    }
    uint64_t sum() const {
        uint64_t total = 0;
        for (const auto& element : elements) total += element.sum;
        return total;
    }
    uint64_t firings() const {
        uint64_t total = 0;
        for (const auto& element : elements) total += element.firings;
        return total;
    }
    uint64_t drained() const {
        uint64_t total = 0;
        for (const auto& sink : sinks) total += sink.drained;
        return total;
    }
};
