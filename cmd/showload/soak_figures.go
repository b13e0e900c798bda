package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figures are what a server says of itself.
type figures struct {
	Publishers, Viewers, Members int
	Goroutines, Files            int
	Heap                         int64 // bytes; of live objects alone after a collection
	Resident                     int64 // bytes
}

// What may remain when everybody has left. A heap keeps what it has once
// needed for a while, a store the pages of what was written.
const (
	moreGoroutines = 3
	moreFiles      = 2
	moreHeap       = 1 << 20
	moreResident   = 64 << 20
)

// readFigures asks the operator's port. With collect the server collects its
// garbage first, twice: what is pooled survives the first time. Then the heap
// is what it was right after that; the answer itself makes garbage.
func readFigures(ctx context.Context, ops string, collect bool) (f figures, err error) {
	var live string
	if collect {
		for range 2 {
			if live, err = ask(ctx, ops+"/debug/pprof/heap?gc=1&debug=1"); err != nil {
				return f, err
			}
		}
	}
	body, err := ask(ctx, ops+"/metrics")
	if err != nil {
		return f, err
	}
	for name, to := range map[string]any{
		"bookmygig_publishers": &f.Publishers, "bookmygig_viewers": &f.Viewers, "bookmygig_chat_members": &f.Members,
		"go_goroutines": &f.Goroutines, "process_open_fds": &f.Files,
		"go_memstats_heap_alloc_bytes": &f.Heap, "process_resident_memory_bytes": &f.Resident,
	} {
		v, err := metricIn(body, name)
		if err != nil {
			return f, err
		}
		switch to := to.(type) {
		case *int:
			*to = int(v)
		case *int64:
			*to = int64(v)
		}
	}
	if collect {
		v, err := metricIn(live, "# HeapAlloc =")
		if err != nil {
			return f, err
		}
		f.Heap = int64(v)
	}
	return f, nil
}

// ask reads a page of the operator's. The connection does not outlive it.
func ask(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, res.Status)
	}
	return string(b), err
}

// metricIn finds the value of a series without labels in the text format of
// Prometheus, or of a line that is like it.
func metricIn(body, name string) (float64, error) {
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the server does not tell its %s", name)
}

// idle reports whether nobody is there.
func (f figures) idle() bool { return f.Publishers+f.Viewers+f.Members == 0 }

// back reports whether no more is in use than what may remain.
func (f figures) back(before figures) bool {
	return f.Goroutines <= before.Goroutines+moreGoroutines && f.Files <= before.Files+moreFiles &&
		f.Heap <= before.Heap+moreHeap && f.Resident <= before.Resident+moreResident
}

// String is one line.
func (f figures) String() string {
	return fmt.Sprintf("%d publishers, %d viewers, %d members, %d goroutines, %d files, heap %s, resident %s",
		f.Publishers, f.Viewers, f.Members, f.Goroutines, f.Files, mb(f.Heap), mb(f.Resident))
}

func writeFigures(out io.Writer, before, after figures) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tbefore\tafter\tmay be more by\t")
	row := func(name string, before, after, more any, over bool) {
		verdict := ""
		if over {
			verdict = "too much"
		}
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%s\n", name, before, after, more, verdict)
	}
	row("goroutines", before.Goroutines, after.Goroutines, moreGoroutines, after.Goroutines > before.Goroutines+moreGoroutines)
	row("open files", before.Files, after.Files, moreFiles, after.Files > before.Files+moreFiles)
	row("live heap", mb(before.Heap), mb(after.Heap), mb(moreHeap), after.Heap > before.Heap+moreHeap)
	row("resident", mb(before.Resident), mb(after.Resident), mb(moreResident), after.Resident > before.Resident+moreResident)
	return w.Flush()
}

// showGoroutines prints where the most goroutines are.
func (s *soak) showGoroutines() {
	body, err := ask(context.Background(), s.ops+"/debug/pprof/goroutine?debug=1")
	if err != nil {
		s.say("goroutines: %v", err)
		return
	}
	s.say("%s", body[:min(len(body), 8<<10)])
}
