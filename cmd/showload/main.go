// Command showload puts viewers and chatters on a running server and reports
// what they got: a table, or JSON for other programs.
//
//	showload -url http://localhost:8080 -gig ID -viewers 200 -chatters 20 -duration 30s
//
// It exits with 1 when something was wrong in what a viewer or a chatter
// received, however fast or slow it came.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of a run, so that a slip of the finger does no harm.
const (
	maxViewers  = 10_000
	maxChatters = 2_000
	maxShows    = 200
	maxRate     = 100.0
	maxDuration = time.Hour
)

// plan is what the flags ask for.
type plan struct {
	url      string
	gig      string
	clip     string   // file of a show to publish; empty: the gig is live
	shows    int      // how many gigs to publish it to
	streams  []string // URLs of FLV streams; the viewers spread over them
	viewers  int
	slow     int     // further viewers that read slowKBps
	slowKBps int     // KiB a second
	chatters int     //
	rate     float64 // messages a second by each chatter
	duration time.Duration
	ramp     time.Duration // the clients start spread over this time
	pid      int           // server process to watch; 0: none
	before   int64         // its memory without viewers, in bytes; 0: that at the start
	json     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "showload:", err)
		os.Exit(1)
	}
}

// errNothing ends a run in which nobody saw the show.
var errNothing = errors.New("no viewer got a picture; is the gig on air, and is there a seat?")

// errFaults ends a run in which a client received something wrong.
var errFaults = errors.New("what was received is not right; see the faults above")

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "floor":
			return runFloor(ctx, args[1:], stdout)
		case "compare":
			return runCompare(ctx, args[1:], stdout)
		case "soak":
			return runSoak(ctx, args[1:], stdout)
		}
	}
	p, err := parsePlan(args, stdout)
	if err != nil {
		return err
	}
	var playing *shows
	if p.clip != "" {
		if playing, err = startShows(ctx, p.url, p.clip, p.shows); err != nil {
			return err
		}
		p.streams = playing.streams
	}
	r := execute(ctx, p)
	if playing != nil {
		if err := playing.stop(); err != nil {
			return err
		}
	}
	if p.json {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		err = r.print(stdout)
	}
	switch {
	case err != nil:
	case r.faults() > 0:
		err = errFaults
	case r.Viewers.Asked+r.Slow.Asked > 0 && r.Viewers.Started+r.Slow.Started == 0:
		err = errNothing
	}
	return err
}

func parsePlan(args []string, usage io.Writer) (plan, error) {
	var p plan
	fs := flag.NewFlagSet("showload", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&p.url, "url", "http://localhost:8080", "`URL` of the server")
	fs.StringVar(&p.gig, "gig", "", "`id` of the gig, which must be live for viewers")
	fs.StringVar(&p.clip, "clip", "", "FLV `file` to list a gig for and publish, instead of -gig")
	fs.IntVar(&p.shows, "shows", 1, "`number` of gigs to publish the clip to; the viewers spread over them")
	fs.IntVar(&p.viewers, "viewers", 0, "viewers that read as fast as they can")
	fs.IntVar(&p.slow, "slow", 0, "further viewers that read slowly")
	fs.IntVar(&p.slowKBps, "slow-kbps", 16, "KiB a second that a slow viewer reads")
	fs.IntVar(&p.chatters, "chatters", 0, "chat members")
	fs.Float64Var(&p.rate, "rate", 0.2, "messages a second by each chatter")
	fs.DurationVar(&p.duration, "duration", 30*time.Second, "how long")
	fs.DurationVar(&p.ramp, "ramp", 2*time.Second, "clients start spread over this time")
	fs.IntVar(&p.pid, "pid", 0, "`process` of the server, for its CPU time and memory (Linux)")
	fs.BoolVar(&p.json, "json", false, "print JSON")
	if err := fs.Parse(args); err != nil {
		return p, err
	}
	p.url = strings.TrimRight(p.url, "/")
	p.streams = []string{streamURL(p.url, p.gig)}
	return p, p.validate()
}

// streamURL is where the gig's stream is.
func streamURL(server, gig string) string { return server + "/gigs/" + gig + "/live.flv" }

func (p plan) validate() error {
	u, err := url.Parse(p.url)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("-url: %q is not an http URL", p.url)
	case (p.gig == "") == (p.clip == ""):
		return errors.New("-gig, -clip: either is needed")
	case p.shows < 1 || p.shows > maxShows || p.shows > 1 && (p.clip == "" || p.slow > 0):
		return fmt.Errorf("-shows: up to %d, of a -clip, without slow viewers", maxShows)
	case p.chatters > 0 && p.gig == "":
		return errors.New("-chatters: in the room of a -gig")
	case p.viewers < 0 || p.slow < 0 || p.viewers+p.slow > maxViewers:
		return fmt.Errorf("-viewers, -slow: from 0 to %d together", maxViewers)
	case p.slowKBps < 1:
		return errors.New("-slow-kbps: at least 1")
	case p.chatters < 0 || p.chatters > maxChatters:
		return fmt.Errorf("-chatters: from 0 to %d", maxChatters)
	case p.rate < 0 || p.rate > maxRate:
		return fmt.Errorf("-rate: from 0 to %g", maxRate)
	case p.duration <= 0 || p.duration > maxDuration:
		return fmt.Errorf("-duration: up to %v", maxDuration)
	case p.ramp < 0 || p.ramp > p.duration:
		return errors.New("-ramp: not longer than -duration")
	}
	return nil
}

// execute runs the plan until its time is over or ctx ends.
func execute(ctx context.Context, p plan) report {
	ctx, cancel := context.WithTimeout(ctx, p.duration)
	defer cancel()
	now := time.Now()
	w := window{now.Add(p.ramp + settleTime), now.Add(p.duration - closeTime)}
	audiences := make([]*audience, len(p.streams))
	for i, url := range p.streams {
		audiences[i] = &audience{url: url, window: w}
	}
	watch := watchProcess(ctx, p.pid)
	measured := measure(ctx, w, p.pid, p.before, audiences)
	room := newRoom(p.chatters)
	views := make([]*viewing, p.viewers+p.slow)

	var wg sync.WaitGroup
	start := func(i, of int, f func()) {
		wg.Go(func() {
			if pause(ctx, p.ramp*time.Duration(i)/time.Duration(of)) {
				f()
			}
		})
	}
	for i := range views {
		a, slow := audiences[i%len(audiences)], 0
		if i >= p.viewers { // they are not compared with the others
			a, slow = &audience{url: a.url, window: w}, p.slowKBps
		}
		views[i] = newViewing(a)
		start(i, len(views), func() { views[i].watchShow(ctx, slow) })
	}
	for i := range p.chatters {
		start(i, p.chatters, func() { room.chat(ctx, p, i) })
	}
	wg.Wait()
	r := report{
		Viewers: sumViews(views[:p.viewers]),
		Slow:    sumViews(views[p.viewers:]),
		Chat:    room.sum(),
		Server:  watch(),
		Steady:  measured(),
	}
	r.Steady.sum(audiences, views[:p.viewers])
	return r
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
