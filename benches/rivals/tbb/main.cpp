// The workloads as oneTBB flow graphs: `tbb w1|w3 key=value…`. Without time: every source sends `tokens` items,
// and what is counted is the whole stream.
//
// A module is a serial node. The nodes queue without bound, so a limiter behind each source lets only as
// many items into a chain as its FIFOs of two slots would hold; the sink of the chain gives the places back.
#include <tbb/flow_graph.h>
#include <tbb/global_control.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <tuple>

namespace flow = tbb::flow;

constexpr uint64_t FACTOR = 6364136223846793005u;
constexpr uint64_t ADDEND = 1442695040888963407u;
constexpr uint64_t SEED_STEP = 0x9E3779B97F4A7C15u;

// The bodies are a multiplication long: they run where the message is sent, not as tasks of their own.
using Queueing = flow::queueing_lightweight;
using Source = flow::input_node<uint64_t>;
using Limiter = flow::limiter_node<uint64_t>;
using Stage = flow::function_node<uint64_t, uint64_t, Queueing>;
using Sink = flow::function_node<uint64_t, flow::continue_msg, Queueing>;
using Pair = std::tuple<uint64_t, uint64_t>;
using Join = flow::join_node<Pair, flow::queueing>;
using Mac = flow::multifunction_node<Pair, Pair, Queueing>;

static uint64_t parameter(int argc, char** argv, const char* name, uint64_t otherwise) {
    const size_t length = std::strlen(name);
    for (int at = 2; at < argc; ++at) {
        if (std::strncmp(argv[at], name, length) == 0 && argv[at][length] == '=') {
            return std::strtoull(argv[at] + length + 1, nullptr, 10);
        }
    }
    return otherwise;
}

template <class Start> static double measure(flow::graph& graph, Start start_sources) {
    const auto start = std::chrono::steady_clock::now();
    start_sources();
    graph.wait_for_all();
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return elapsed.count();
}

static void report(const char* workload, uint64_t cycles, double seconds, uint64_t transfers, const char* results) {
    std::printf("{\"rival\":\"tbb\",\"workload\":\"%s\",\"cycles\":%" PRIu64 ",\"seconds\":%.6f,\"transfers\":%" PRIu64
                ",\"results\":{%s}}\n",
                workload, cycles, seconds, transfers, results);
}

static void pipeline(uint64_t stage_count, uint64_t tokens, uint64_t cycles) {
    flow::graph graph;
    uint64_t next = 0, count = 0, check = 0;
    Source source(graph, [&](tbb::flow_control& control) {
        if (next == tokens) control.stop();
        return next++;
    });
    Limiter limiter(graph, 2 * (stage_count + 1));
    std::deque<Stage> stages;
    Sink sink(graph, flow::serial, [&](uint64_t item) {
        ++count;
        check ^= item;
        return flow::continue_msg();
    });
    flow::make_edge(source, limiter);
    flow::sender<uint64_t>* last = &limiter;
    for (uint64_t at = 0; at < stage_count; ++at) {
        stages.emplace_back(graph, flow::serial, [](uint64_t item) { return item * FACTOR + 1; });
        flow::make_edge(*last, stages.back());
        last = &stages.back();
    }
    flow::make_edge(*last, sink);
    flow::make_edge(sink, limiter.decrementer());

    const double seconds = measure(graph, [&] { source.activate(); });
    char results[128];
    std::snprintf(results, sizeof results, "\"count\":%" PRIu64 ",\"check\":\"0x%016" PRIx64 "\"", count, check);
    report("w1", cycles, seconds, count * (stage_count + 1), results);
}

// A source and what it may have under way.
struct Feed {
    uint64_t state, left;
    Source source;
    Limiter limiter;

    Feed(flow::graph& graph, uint64_t number, uint64_t side, uint64_t tokens)
        : state((number + 1) * SEED_STEP), left(tokens),
          source(graph,
                 [this](tbb::flow_control& control) {
                     if (left == 0) control.stop();
                     else --left;
                     state = state * FACTOR + ADDEND;
                     return static_cast<uint64_t>(static_cast<int64_t>(state) >> 32);
                 }),
          limiter(graph, 2 * (side + 1)) {
        flow::make_edge(source, limiter);
    }
};

struct Drain {
    uint64_t drained = 0;
    Sink sink;

    Drain(flow::graph& graph, Feed& feed)
        : sink(graph, flow::serial, [this](uint64_t) {
              ++drained;
              return flow::continue_msg();
          }) {
        flow::make_edge(sink, feed.limiter.decrementer());
    }
};

struct Element {
    uint64_t sum = 0, firings = 0;
    Join join;
    Mac mac;

    explicit Element(flow::graph& graph)
        : join(graph), mac(graph, flow::serial, [this](const Pair& pair, Mac::output_ports_type& ports) {
              sum += std::get<0>(pair) * std::get<1>(pair);
              ++firings;
              std::get<0>(ports).try_put(std::get<0>(pair));
              std::get<1>(ports).try_put(std::get<1>(pair));
          }) {
        flow::make_edge(join, mac);
    }
};

static void systolic(size_t side, uint64_t tokens, uint64_t cycles) {
    flow::graph graph;
    std::deque<Feed> feeds;  // rows, then columns
    std::deque<Drain> drains;
    std::deque<Element> elements;
    for (size_t number = 0; number < 2 * side; ++number) {
        feeds.emplace_back(graph, number, side, tokens);
        drains.emplace_back(graph, feeds.back());
    }
    for (size_t at = 0; at < side * side; ++at) {
        const size_t i = at / side, j = at % side;
        elements.emplace_back(graph);
        Element& element = elements.back();
        if (j == 0) flow::make_edge(feeds[i].limiter, flow::input_port<0>(element.join));
        else flow::make_edge(flow::output_port<0>(elements[at - 1].mac), flow::input_port<0>(element.join));
        if (i == 0) flow::make_edge(feeds[side + j].limiter, flow::input_port<1>(element.join));
        else flow::make_edge(flow::output_port<1>(elements[at - side].mac), flow::input_port<1>(element.join));
        if (j + 1 == side) flow::make_edge(flow::output_port<0>(element.mac), drains[i].sink);
        if (i + 1 == side) flow::make_edge(flow::output_port<1>(element.mac), drains[side + j].sink);
    }

    const double seconds = measure(graph, [&] {
        for (Feed& feed : feeds) feed.source.activate();
    });
    uint64_t sum = 0, firings = 0, drained = 0;
    for (const Element& element : elements) {
        sum += element.sum;
        firings += element.firings;
    }
    for (const Drain& drain : drains) drained += drain.drained;
    char results[128];
    std::snprintf(results, sizeof results,
                  "\"sum\":\"0x%016" PRIx64 "\",\"firings\":%" PRIu64 ",\"drained\":%" PRIu64, sum, firings, drained);
    report("w3", cycles, seconds, 2 * firings + drained, results);
}

int main(int argc, char** argv) {
    const uint64_t cycles = parameter(argc, argv, "cycles", 20000);
    const uint64_t tokens = parameter(argc, argv, "tokens", cycles);
    tbb::global_control threads(tbb::global_control::max_allowed_parallelism, parameter(argc, argv, "threads", 2));
    if (argc > 1 && std::strcmp(argv[1], "w1") == 0) {
        pipeline(parameter(argc, argv, "stages", 1024), tokens, cycles);
    } else if (argc > 1 && std::strcmp(argv[1], "w3") == 0) {
        systolic(parameter(argc, argv, "n", 32), tokens, cycles);
    } else {
        std::fprintf(stderr, "usage: tbb w1|w3 key=value...\n");
        return 2;
    }
    return 0;
}
