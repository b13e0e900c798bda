package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	soakShows   = 100             // at most
	letGoTime   = 3 * time.Minute // after everybody has left, for the server to let go of it all
	settleEvery = 5 * time.Second
	faultsKept  = 20
)

// soak is what `showload soak` does: for hours if need be, shows begin, break
// off, are taken over and end, and people come and go. What they receive is
// judged, and when they have left the server must be what it was before.
type soak struct {
	url, ops string
	duration time.Duration
	shows    int // under way at any time
	viewers  int // of each; one more is slow
	chatters int // of each
	clip     []byte
	settling time.Duration // at most
	out      io.Writer

	mu     sync.Mutex
	tally  tally
	faults int
	told   []string // the first faults
}

// tally counts what has happened.
type tally struct {
	Shows, Takeovers, Rotations, Returns, GracesOver, Ends int
	Wraps24, Wraps32                                       int // of timestamps, at the publisher
	Visits, Pictures                                       int // of viewers: those that saw a picture, and how many tags
	Refused, Messages                                      int
}

// runSoak is `showload soak`.
func runSoak(ctx context.Context, args []string, stdout io.Writer) error {
	s, err := parseSoak(args, stdout)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

func parseSoak(args []string, stdout io.Writer) (*soak, error) {
	s := &soak{settling: letGoTime, out: stdout}
	fs := flag.NewFlagSet("showload soak", flag.ContinueOnError)
	fs.SetOutput(stdout)
	fs.StringVar(&s.url, "url", "http://localhost:8080", "`URL` of the server, which nobody else uses")
	fs.StringVar(&s.ops, "ops", "http://localhost:9090", "`URL` of its figures")
	fs.DurationVar(&s.duration, "duration", time.Hour, "how long; then everybody leaves")
	fs.IntVar(&s.shows, "shows", 10, "shows at once")
	fs.IntVar(&s.viewers, "viewers", 3, "viewers of each show; one more reads slowly")
	fs.IntVar(&s.chatters, "chatters", 2, "chat members of each show")
	clip := fs.String("clip", "", "FLV `file` that the shows consist of")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	s.url, s.ops = strings.TrimRight(s.url, "/"), strings.TrimRight(s.ops, "/")
	switch {
	case s.duration <= 0:
		return nil, errors.New("-duration: more than none")
	case s.shows < 1 || s.shows > soakShows:
		return nil, fmt.Errorf("-shows: from 1 to %d", soakShows)
	case s.viewers < 0 || s.shows*s.viewers > maxViewers:
		return nil, fmt.Errorf("-viewers: up to %d in all", maxViewers)
	case s.chatters < 0 || s.shows*s.chatters > maxChatters:
		return nil, fmt.Errorf("-chatters: up to %d in all", maxChatters)
	case *clip == "":
		return nil, errors.New("-clip: a file is needed")
	}
	var err error
	if s.clip, err = os.ReadFile(*clip); err != nil {
		return nil, fmt.Errorf("-clip: %w", err)
	}
	return s, nil
}

// errSoak ends a soak that found something.
var errSoak = errors.New("the server is not what it was before, or faults were seen; see above")

func (s *soak) run(ctx context.Context) error {
	// What is made once for all, such as pools and pages of the store, is there
	// after the first show.
	if err := s.rehearse(ctx); err != nil {
		return fmt.Errorf("the first show: %w", err)
	}
	before, err := s.settle(ctx, func(f figures) bool { return f.idle() })
	if err != nil {
		return err
	}
	s.say("before: %v", before)
	s.perform(ctx)
	after, err := s.settle(context.WithoutCancel(ctx), func(f figures) bool { return f.idle() && f.back(before) })
	if err != nil {
		return err
	}
	s.say("after: %v", after)
	s.say("%+v", s.counts())
	if err := writeFigures(s.out, before, after); err != nil {
		return err
	}
	for _, text := range s.told {
		s.say("fault: %s", text)
	}
	if !after.idle() || !after.back(before) {
		s.showGoroutines()
		return errSoak
	}
	if s.faults > 0 {
		s.say("%d faults", s.faults)
		return errSoak
	}
	return nil
}

// perform runs the shows until the time is over, and says every minute how
// the server is.
func (s *soak) perform(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.duration)
	defer cancel()
	var wg sync.WaitGroup
	for i := range s.shows {
		wg.Go(func() {
			// Not all at once, so that they are in different acts.
			if pause(ctx, time.Duration(i)*time.Second/2) {
				s.stage(ctx, i)
			}
		})
	}
	began := time.Now()
	for pause(ctx, time.Minute) {
		f, err := readFigures(ctx, s.ops, false)
		if err != nil {
			if ctx.Err() == nil {
				s.fault("the server's figures: %v", err)
			}
			continue
		}
		s.say("%3.0f min: %v; %d faults", time.Since(began).Minutes(), f, s.faultCount())
	}
	wg.Wait()
}

// settle reads the server's figures until they are as they should be, or
// the time for settling has passed; then it returns the last ones.
func (s *soak) settle(ctx context.Context, good func(figures) bool) (f figures, err error) {
	for end := time.Now().Add(s.settling); ; {
		http.DefaultClient.CloseIdleConnections()
		f, err = readFigures(ctx, s.ops, true)
		if err != nil || good(f) || time.Now().After(end) {
			return f, err
		}
		if !pause(ctx, settleEvery) {
			return f, ctx.Err()
		}
	}
}

func (s *soak) say(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

// fault notes something that must not be.
func (s *soak) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults++
	if len(s.told) < faultsKept {
		s.told = append(s.told, time.Now().Format(time.TimeOnly)+" "+fmt.Sprintf(format, args...))
	}
}

func (s *soak) faultCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

func (s *soak) count(f func(t *tally)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.tally)
}

func (s *soak) counts() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally
}
