// The workloads on Go: a goroutine per module and a channel of two slots per wire. Without time: every source
// sends `tokens` items, and what is counted is the whole stream.
//
// Usage: rival w1|w3 key=value…
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

const (
	slots    = 2
	factor   = 6364136223846793005
	addend   = 1442695040888963407
	seedStep = 0x9E3779B97F4A7C15
)

// What a module of the array reports when its stream has ended.
type systolicTotals struct{ sum, firings, drained uint64 }

func main() {
	if len(os.Args) < 2 {
		fail("usage: rival w1|w3 key=value…")
	}
	runtime.GOMAXPROCS(int(parameter("threads", 2)))
	debug.SetGCPercent(-1) // nothing is thrown away while it runs
	tokens := parameter("tokens", parameter("cycles", 20000))
	switch os.Args[1] {
	case "w1":
		stages := parameter("stages", 1024)
		seconds, count, check := pipeline(stages, tokens)
		report(seconds, count*(stages+1), fmt.Sprintf(`"count":%d,"check":"0x%016x"`, count, check))
	case "w3":
		seconds, totals := systolic(int(parameter("n", 32)), tokens)
		report(seconds, 2*totals.firings+totals.drained,
			fmt.Sprintf(`"sum":"0x%016x","firings":%d,"drained":%d`, totals.sum, totals.firings, totals.drained))
	default:
		fail("go runs w1 and w3")
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(2)
}

func parameter(name string, otherwise uint64) uint64 {
	for _, argument := range os.Args[2:] {
		if strings.HasPrefix(argument, name+"=") {
			value, err := strconv.ParseUint(argument[len(name)+1:], 10, 64)
			if err != nil {
				fail(err.Error())
			}
			return value
		}
	}
	return otherwise
}

func report(seconds float64, transfers uint64, results string) {
	fmt.Printf(`{"rival":"go","workload":"%s","cycles":%d,"seconds":%.6f,"transfers":%d,"results":{%s}}`+"\n",
		os.Args[1], parameter("cycles", 20000), seconds, transfers, results)
}

func pipeline(stages, tokens uint64) (seconds float64, count, check uint64) {
	source := make(chan uint64, slots)
	last := source
	for i := uint64(0); i < stages; i++ {
		in, out := last, make(chan uint64, slots)
		go func() {
			for item := range in {
				out <- item*factor + 1
			}
			close(out)
		}()
		last = out
	}
	start := time.Now()
	go func() {
		for number := uint64(0); number < tokens; number++ {
			source <- number
		}
		close(source)
	}()
	for item := range last {
		count++
		check ^= item
	}
	return time.Since(start).Seconds(), count, check
}

func systolic(n int, tokens uint64) (float64, systolicTotals) {
	start := make(chan struct{}) // closed when the time starts
	done := make(chan systolicTotals, slots)
	columns := make([]chan uint64, n)
	for j := range columns {
		columns[j] = source(n+j, tokens, start)
	}
	for i := 0; i < n; i++ {
		west := source(i, tokens, start)
		for j, north := range columns {
			east, south := make(chan uint64, slots), make(chan uint64, slots)
			go element(west, north, east, south, done)
			west, columns[j] = east, south
		}
		go sink(west, done)
	}
	for _, south := range columns {
		go sink(south, done)
	}
	begin := time.Now()
	close(start)
	var totals systolicTotals
	for left := n*n + 2*n; left > 0; left-- {
		part := <-done
		totals.sum += part.sum
		totals.firings += part.firings
		totals.drained += part.drained
	}
	return time.Since(begin).Seconds(), totals
}

func source(number int, tokens uint64, start <-chan struct{}) chan uint64 {
	out := make(chan uint64, slots)
	go func() {
		<-start
		state := uint64(number+1) * seedStep
		for i := uint64(0); i < tokens; i++ {
			state = state*factor + addend
			out <- uint64(int64(state) >> 32)
		}
		close(out)
	}()
	return out
}

func element(west, north <-chan uint64, east, south chan<- uint64, done chan<- systolicTotals) {
	var totals systolicTotals
	for a := range west {
		b := <-north
		totals.sum += a * b
		totals.firings++
		east <- a
		south <- b
	}
	close(east)
	close(south)
	done <- totals
}

func sink(in <-chan uint64, done chan<- systolicTotals) {
	var totals systolicTotals
	for range in {
		totals.drained++
	}
	done <- totals
}
