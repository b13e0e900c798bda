package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"bookmygig/chat"
)

// benchGigs is how many gigs the listing is measured with.
const benchGigs = 20_000

// crowd returns benchGigs gigs around noon, each with a description of a
// hundred words, and the ids of 100 live ones.
func crowd() (gigs []Gig, live []string) {
	r := random()
	var words []string
	for range 5000 {
		words = append(words, randomWord(r))
	}
	for i := range benchGigs {
		g := aGig(fmt.Sprintf("gig%05d", i), noon.Add(time.Duration(r.IntN(2*benchGigs)-benchGigs)*time.Minute))
		for range 100 { // as in speech, a few words are most of it
			g.Description += words[int(float64(len(words))*r.Float64()*r.Float64()*r.Float64())] + " "
		}
		g.Category = Categories[r.IntN(len(Categories))]
		gigs = append(gigs, g)
	}
	for i := range 100 {
		live = append(live, fmt.Sprintf("gig%05d", i*benchGigs/100))
	}
	return gigs, live
}

// crowded returns an embedded store of the crowd.
func crowded(b *testing.B) (e *Embedded, live []string) {
	gigs, live := crowd()
	e = openEmbedded(b, b.TempDir())
	for some := range slices.Chunk(gigs, 1000) {
		if err := e.write(ctx, func(c *commit) error {
			for i := range some {
				if err := c.putGig(&some[i], 1, [32]byte{}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return e, live
}

// crowdedRedis returns a Redis store of the crowd, on a server of its own.
func crowdedRedis(b *testing.B) (r *Redis, live []string) {
	gigs, live := crowd()
	r = openRedis(b, startServer(b).url(0))
	var wg sync.WaitGroup
	for some := range slices.Chunk(gigs, benchGigs/8) {
		wg.Go(func() {
			for _, g := range some {
				if err := r.CreateGig(ctx, g); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return r, live
}

// onBoth runs a benchmark on both stores, full of the crowd.
func onBoth(b *testing.B, run func(b *testing.B, s backend, live []string)) {
	b.Run("embedded", func(b *testing.B) {
		e, live := crowded(b)
		run(b, e, live)
	})
	b.Run("redis", func(b *testing.B) {
		r, live := crowdedRedis(b)
		run(b, r, live)
	})
}

func randomWord(r *rand.Rand) string {
	word := make([]byte, 3+r.IntN(8))
	for i := range word {
		word[i] = byte('a' + r.IntN(26))
	}
	return string(word)
}

// report adds the 50th and 99th percentile of took to the benchmark's line.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))]) / 1e6 }
	b.ReportMetric(at(0.50), "ms-p50")
	b.ReportMetric(at(0.99), "ms-p99")
}

func BenchmarkListGigs(b *testing.B) { onBoth(b, benchListGigs) }

func benchListGigs(b *testing.B, s backend, live []string) {
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"first page", Query{}},
		{"last page", Query{Page: benchGigs / 24}},
		{"category", Query{Category: Dance}},
		{"one day", Query{From: noon.AddDate(0, 0, 1), To: noon.AddDate(0, 0, 2)}},
		{"search one letter", Query{Text: "s"}},
		{"search title", Query{Text: "gig01234"}},
		{"search in vain", Query{Text: "qqqqqq"}},
		{"search eight letters", Query{Text: "a b c d e f g h"}},
	} {
		c.q.Now, c.q.Live, c.q.PerPage, c.q.Page = noon, live, 24, max(1, c.q.Page)
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.ListGigs(ctx, c.q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			report(b, took)
		})
	}
}

// BenchmarkListGigsWhileChanging lists at 100 requests a second, every fifth a
// search, while gigs change 20 times a second, and once a second in a way that
// the listing shows.
func BenchmarkListGigsWhileChanging(b *testing.B) { onBoth(b, benchListGigsWhileChanging) }

func benchListGigsWhileChanging(b *testing.B, s backend, live []string) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if _, err := s.UpdateGig(ctx, live[i%len(live)], func(g *Gig) error {
				g.Peak++
				if i%20 == 0 {
					g.Title += "!"
					g.Start, g.End = g.Start.Add(time.Minute), g.End.Add(time.Minute)
				}
				return nil
			}); err != nil {
				b.Error(err)
			}
		}
	})
	var mu sync.Mutex
	var took []time.Duration
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		q := Query{Now: noon, Live: live, Page: 1, PerPage: 24}
		if i%5 == 0 {
			q.Text = "show qu"
		}
		wg.Go(func() { // each when its time has come, whether those before are done or not
			start := time.Now()
			if _, err := s.ListGigs(ctx, q); err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(start))
		})
	}
	close(stop)
	wg.Wait()
	report(b, took)
}

// BenchmarkOpen opens a store of benchGigs gigs, and tells what the index takes.
func BenchmarkOpen(b *testing.B) {
	e, _ := crowded(b)
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		var x index
		if err := e.db.View(func(tx *bolt.Tx) error { return x.load(tx) }); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-index")
		runtime.KeepAlive(x.byStart)
	}
}

// onBothEmpty runs a benchmark on both stores, with a room whose history is
// full. Redis keeps it on disk as the embedded store does.
func onBothEmpty(b *testing.B, run func(b *testing.B, s backend)) {
	b.Run("embedded", func(b *testing.B) {
		e := openEmbedded(b, b.TempDir())
		fillRoom(b, e)
		run(b, e)
	})
	for _, fsync := range []string{"always", "everysec"} {
		b.Run("redis "+fsync, func(b *testing.B) {
			r := openRedis(b, startServer(b, "--appendonly", "yes", "--appendfsync", fsync).url(0))
			fillRoom(b, r)
			run(b, r)
		})
	}
}

// BenchmarkAppendMessages appends to a room whose history is full.
func BenchmarkAppendMessages(b *testing.B) {
	onBothEmpty(b, func(b *testing.B, s backend) {
		for _, people := range []int{1, 8, 64} {
			b.Run(fmt.Sprint(people, " at once"), func(b *testing.B) { benchAppend(b, s, people) })
		}
	})
}

func benchAppend(b *testing.B, s backend, people int) {
	var mu sync.Mutex
	var took []time.Duration
	b.SetParallelism((people + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d := appendOne(b, s)
			mu.Lock()
			took = append(took, d)
			mu.Unlock()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	report(b, took)
}

// BenchmarkAppendPaced appends 200 messages a second, each when its time has
// come, whether those before are done or not.
func BenchmarkAppendPaced(b *testing.B) {
	onBothEmpty(b, func(b *testing.B, s backend) {
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for b.Loop() {
			<-tick.C
			wg.Go(func() {
				d := appendOne(b, s)
				mu.Lock()
				defer mu.Unlock()
				took = append(took, d)
			})
		}
		wg.Wait()
		report(b, took)
	})
}

func fillRoom(b *testing.B, s backend) {
	msgs := make([]chat.Message, chat.HistoryKept)
	for i := range msgs {
		msgs[i] = say("room", "ada", fmt.Sprint("first-", i), "a message of some fifty characters, as people write")
	}
	if _, _, err := s.AppendMessages(ctx, msgs); err != nil {
		b.Fatal(err)
	}
}

func appendOne(b *testing.B, s backend) time.Duration {
	m := say("room", "ada", "3f0b8c1e-9d7a-4c55-"+NewID(), "a message of some fifty characters, as people write")
	start := time.Now()
	if _, _, err := s.AppendMessages(ctx, []chat.Message{m}); err != nil {
		b.Error(err)
	}
	return time.Since(start)
}
