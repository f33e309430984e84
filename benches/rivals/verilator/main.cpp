// Runs one Verilated workload and prints one line of JSON. The model hands its results to `collect`
// (a DPI import) when it ends: once per sink (w1, w2), once per element or sink (w3).
#include "Vtop.h"
#include "Vtop__Dpi.h"
#include "verilated.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static uint64_t sums[3];
static double rate;

void collect(unsigned long long first, unsigned long long second, unsigned long long third) {
    sums[0] += first;
    sums[1] += second;
    sums[2] += third;
}

#ifdef RATE
unsigned int packet_threshold() { return static_cast<unsigned int>(rate * 2147483648.0); }
#endif

static double parameter(int argc, char** argv, const char* name, double otherwise) {
    const size_t length = std::strlen(name);
    for (int at = 2; at < argc; ++at) {
        if (std::strncmp(argv[at], name, length) == 0 && argv[at][length] == '=') {
            return std::atof(argv[at] + length + 1);
        }
    }
    return otherwise;
}

static int refuse(const char* what) {
    std::fprintf(stderr, "this model was built for %s size=%d threads=%d: %s\n", WORKLOAD, SIZE, THREADS, what);
    return 2;
}

int main(int argc, char** argv) {
    if (argc < 2 || std::strcmp(argv[1], WORKLOAD) != 0) return refuse("other workload");
    const char* size_name = WORKLOAD[1] == '1' ? "stages" : WORKLOAD[1] == '2' ? "k" : "n";
    if (parameter(argc, argv, size_name, SIZE) != SIZE) return refuse("other size");
    if (parameter(argc, argv, "threads", THREADS) != THREADS) return refuse("other number of threads");
    const uint64_t cycles = static_cast<uint64_t>(parameter(argc, argv, "cycles", 20000));
    rate = parameter(argc, argv, "rate", 0.25);

    VerilatedContext context;
    context.threads(THREADS);
    Vtop top{&context};
    top.clk = 0;
    top.eval();

    const auto start = std::chrono::steady_clock::now();
    for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    top.final();

    char results[256];
    uint64_t transfers = 0;
    switch (WORKLOAD[1]) {
    case '1':
        transfers = (SIZE + 1) * sums[0];
        std::snprintf(results, sizeof results, "\"count\":%" PRIu64 ",\"check\":\"0x%016" PRIx64 "\"", sums[0], sums[1]);
        break;
    case '2':
        std::snprintf(results, sizeof results,
                      "\"delivered\":%" PRIu64 ",\"latency_sum\":%" PRIu64 ",\"check\":\"0x%016" PRIx64 "\"", sums[0],
                      sums[1], sums[2]);
        break;
    default:
        transfers = 2 * sums[1] + sums[2];
        std::snprintf(results, sizeof results,
                      "\"sum\":\"0x%016" PRIx64 "\",\"firings\":%" PRIu64 ",\"drained\":%" PRIu64, sums[0], sums[1],
                      sums[2]);
    }
    std::printf("{\"rival\":\"verilator-%d\",\"workload\":\"%s\",\"cycles\":%" PRIu64
                ",\"seconds\":%.6f,\"transfers\":%" PRIu64 ",\"results\":{%s}}\n",
                THREADS, WORKLOAD, cycles, elapsed.count(), transfers, results);
    return 0;
}
