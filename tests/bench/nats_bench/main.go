// Publishes the lines of a file to a JetStream stream, many under way at a time, and prints what the log's own
// benchmark prints: one JSON object with events a second and the time until an acknowledgement.
//
//	nats_bench URL FILE SECONDS UNDER_WAY
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "nats_bench:", err)
		os.Exit(1)
	}
}

func lines(path string) (read [][]byte) {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		read = append(read, append([]byte(nil), scanner.Bytes()...))
	}
	return read
}

func main() {
	events := lines(os.Args[2])
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	must(err)
	underWay, err := strconv.Atoi(os.Args[4])
	must(err)
	connection, err := nats.Connect(os.Args[1])
	must(err)
	stream, err := connection.JetStream(nats.PublishAsyncMaxPending(underWay), nats.MaxWait(time.Minute))
	must(err)
	_, err = stream.AddStream(&nats.StreamConfig{Name: "bench", Subjects: []string{"bench"}, Storage: nats.FileStorage})
	must(err)

	type sent struct {
		at  time.Time
		ack nats.PubAckFuture
	}
	waiting := make(chan sent, underWay)
	var latencies []time.Duration
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		for one := range waiting {
			select {
			case <-one.ack.Ok():
				latencies = append(latencies, time.Since(one.at))
			case err := <-one.ack.Err():
				must(err)
			}
		}
	}()
	began, bytes := time.Now(), 0
	for i := 0; time.Since(began).Seconds() < seconds; i++ {
		event := events[i%len(events)]
		at := time.Now()
		ack, err := stream.PublishAsync("bench", event, nats.StallWait(time.Minute))
		must(err)
		bytes += len(event)
		waiting <- sent{at, ack}
	}
	close(waiting)
	done.Wait()
	elapsed := time.Since(began).Seconds()
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	at := func(share float64) float64 {
		return float64(latencies[int(share*float64(len(latencies)-1))].Nanoseconds()) / 1e6
	}
	fmt.Printf("{\"events\":%d,\"seconds\":%.3f,\"events_s\":%.0f,\"raw_mb_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
		len(latencies), elapsed, float64(len(latencies))/elapsed, float64(bytes)/elapsed/1e6, at(0.5), at(0.99))
}
