// The workloads on SystemC: `systemc style=method|fifo w1|w2|w3 key=value…`. Timed, exact.
#include "designs.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

static double parameter(int argc, char** argv, const char* name, double otherwise) {
    const size_t length = std::strlen(name);
    for (int at = 1; at < argc; ++at) {
        if (std::strncmp(argv[at], name, length) == 0 && argv[at][length] == '=') {
            return std::atof(argv[at] + length + 1);
        }
    }
    return otherwise;
}

// Edges come at 0, 1, 2, … ns. The first run only elaborates and starts the processes' bookkeeping.
static double simulate(uint64_t cycles) {
    sc_start(SC_ZERO_TIME);
    const auto start = std::chrono::steady_clock::now();
    sc_start(sc_time(static_cast<double>(cycles), SC_NS));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return elapsed.count();
}

template <class Style> static int run(int argc, char** argv, const char* workload) {
    const auto size = [&](const char* name, double otherwise) {
        return static_cast<unsigned>(parameter(argc, argv, name, otherwise));
    };
    const uint64_t cycles = static_cast<uint64_t>(parameter(argc, argv, "cycles", 20000));
    // The first edge after half a nanosecond, so that the last of `cycles` edges is inside the run.
    const sc_clock clk("clk", 1, SC_NS, 0.5, 0.5, SC_NS);
    double seconds = 0;
    uint64_t transfers = 0;
    char results[256];
    if (std::strcmp(workload, "w1") == 0) {
        const unsigned stages = size("stages", 1024);
        const Pipeline<Style> design(clk, stages);
        seconds = simulate(cycles);
        transfers = (stages + 1) * design.count();
        std::snprintf(results, sizeof results, "\"count\":%" PRIu64 ",\"check\":\"0x%016" PRIx64 "\"", design.count(),
                      design.check());
    } else if (std::strcmp(workload, "w2") == 0) {
        const Mesh<Style> design(clk, size("k", 16), parameter(argc, argv, "rate", 0.25));
        seconds = simulate(cycles);
        std::snprintf(results, sizeof results,
                      "\"delivered\":%" PRIu64 ",\"latency_sum\":%" PRIu64 ",\"check\":\"0x%016" PRIx64 "\"",
                      design.delivered(), design.latency_sum(), design.check());
    } else {
        const Systolic<Style> design(clk, size("n", 32));
        seconds = simulate(cycles);
        transfers = 2 * design.firings() + design.drained();
        std::snprintf(results, sizeof results,
                      "\"sum\":\"0x%016" PRIx64 "\",\"firings\":%" PRIu64 ",\"drained\":%" PRIu64, design.sum(),
                      design.firings(), design.drained());
    }
    std::printf("{\"rival\":\"%s\",\"workload\":\"%s\",\"cycles\":%" PRIu64 ",\"seconds\":%.6f,\"transfers\":%" PRIu64
                ",\"results\":{%s}}\n",
                Style::name, workload, cycles, seconds, transfers, results);
    return 0;
}

int sc_main(int argc, char** argv) {
    const char* workload = nullptr;
    const char* style = nullptr;
    for (int at = 1; at < argc; ++at) {
        if (std::strncmp(argv[at], "style=", 6) == 0) style = argv[at] + 6;
        for (const char* name : {"w1", "w2", "w3"}) {
            if (std::strcmp(argv[at], name) == 0) workload = name;
        }
    }
    if (workload && style && std::strcmp(style, "method") == 0) return run<SignalStyle>(argc, argv, workload);
    if (workload && style && std::strcmp(style, "fifo") == 0) return run<FifoStyle>(argc, argv, workload);
    std::fprintf(stderr, "usage: systemc style=method|fifo w1|w2|w3 key=value...\n");
    return 2;
}
