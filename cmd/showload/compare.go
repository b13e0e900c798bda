package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// comparison is what the flags of `showload compare` ask for.
type comparison struct {
	url, gig string
	clip     string // to publish instead
	shows    int
	pid      int
	viewers  []int         // of all shows together
	window   time.Duration // what is measured of each run
	fill     time.Duration // before the first run
	rounds   int
	markdown bool
	log      io.Writer // a line for each run
}

// runCompare is `showload compare`: for each number of viewers it measures the
// server and the floor in turn, several times, so that what else happens on
// the machine meets both.
func runCompare(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := parseComparison(args, stdout)
	if err != nil {
		return err
	}
	c.log = os.Stderr
	rows, err := c.measure(ctx)
	if err != nil {
		return err
	}
	if err := writeTable(stdout, rows, c.markdown); err != nil {
		return err
	}
	for _, r := range rows {
		if r.product.faults+r.floor.faults > 0 {
			return errFaults
		}
	}
	return nil
}

func parseComparison(args []string, usage io.Writer) (c comparison, err error) {
	fs := flag.NewFlagSet("showload compare", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&c.url, "url", "http://localhost:8080", "`URL` of the server")
	fs.StringVar(&c.gig, "gig", "", "`id` of the gig, which must be live")
	fs.StringVar(&c.clip, "clip", "", "FLV `file` to list a gig for and publish, instead of -gig")
	fs.IntVar(&c.shows, "shows", 1, "`number` of gigs to publish the clip to; the viewers spread over them")
	fs.IntVar(&c.pid, "pid", 0, "`process` of the server (Linux)")
	viewers := fs.String("viewers", "10,100,1000", "how many viewers, one `number` after the other")
	fs.DurationVar(&c.window, "window", 6*time.Second, "how long each run is measured when all viewers are there")
	fs.DurationVar(&c.fill, "fill", 20*time.Second, "wait before the first run, so that the server's memory is full of the show")
	fs.IntVar(&c.rounds, "rounds", 2, "how often the server and the floor are measured in turn")
	fs.BoolVar(&c.markdown, "markdown", false, "print a Markdown table")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	c.url = strings.TrimRight(c.url, "/")
	for s := range strings.SplitSeq(*viewers, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxViewers {
			return c, fmt.Errorf("-viewers: numbers from 1 to %d with commas between them", maxViewers)
		}
		c.viewers = append(c.viewers, n)
	}
	// The memory of a larger crowd would be taken for that of a smaller one after it.
	slices.Sort(c.viewers)
	switch {
	case (c.gig == "") == (c.clip == ""):
		return c, errors.New("-gig, -clip: either is needed")
	case c.shows < 1 || c.shows > maxShows || c.shows > 1 && c.clip == "":
		return c, fmt.Errorf("-shows: up to %d, of a -clip", maxShows)
	case c.pid < 1:
		return c, errors.New("-pid: the server's process is needed")
	case c.window < time.Second || c.window > maxDuration:
		return c, fmt.Errorf("-window: from 1 s to %v", maxDuration)
	case c.rounds < 1 || c.rounds > 100:
		return c, errors.New("-rounds: from 1 to 100")
	case c.fill < 0 || c.fill > maxDuration:
		return c, fmt.Errorf("-fill: up to %v", maxDuration)
	}
	return c, nil
}

// side is what was measured of the server or of the floor, over all rounds.
type side struct {
	asked, started, stalled, gaps, faults int

	cpu, wall, generator time.Duration
	bytes                int64
	memory               int64 // the most by viewer
	delivered, idle      float64
	first50, first99     time.Duration // the worst
	lag50, lag99         time.Duration
}

// row is one line of the table.
type row struct {
	shows, viewers int
	product, floor side
}

// measure publishes where it is asked to, and measures every row.
func (c comparison) measure(ctx context.Context) ([]row, error) {
	if c.clip == "" {
		return c.measureRows(ctx, []string{streamURL(c.url, c.gig)})
	}
	playing, err := startShows(ctx, c.url, c.clip, c.shows)
	if err != nil {
		return nil, err
	}
	rows, err := c.measureRows(ctx, playing.streams)
	return rows, errors.Join(err, playing.stop())
}

func (c comparison) measureRows(ctx context.Context, streams []string) ([]row, error) {
	if !pause(ctx, c.fill) {
		return nil, ctx.Err()
	}
	before, err := residentOf(c.pid)
	if err != nil {
		return nil, fmt.Errorf("-pid: %w", err)
	}
	var rows []row
	for _, n := range c.viewers {
		r := row{shows: len(streams), viewers: n}
		for range c.rounds {
			if err := c.round(ctx, &r, streams, before); err != nil {
				return nil, err
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// round measures the server and then the floor.
func (c comparison) round(ctx context.Context, r *row, streams []string, before int64) error {
	if err := c.run(ctx, &r.product, "server", r.viewers, streams, c.pid, before); err != nil {
		return err
	}
	f, err := startFloor(ctx, streams)
	if err != nil {
		return err
	}
	err = c.run(ctx, &r.floor, "floor", r.viewers, f.streams, f.cmd.Process.Pid, 0)
	return errors.Join(err, f.stop())
}

func (c comparison) run(ctx context.Context, s *side, name string, viewers int, streams []string, pid int, before int64) error {
	p := plan{viewers: viewers, streams: streams, pid: pid, before: before}
	p.ramp = max(time.Second, time.Duration(viewers)*time.Millisecond)
	p.duration = p.ramp + settleTime + c.window + closeTime
	r := execute(ctx, p)
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.Steady.Problem != "" {
		return errors.New(r.Steady.Problem)
	}
	s.add(r)
	fmt.Fprintf(c.log, "%d viewers, %s: %.2f CPU s/GB, lag p99 %s, first keyframe p99 %s, %.1f KiB a viewer, machine idle %.0f %%\n",
		viewers, name, r.Steady.perGB(), ms(r.Steady.LagP99), ms(r.Viewers.FirstP99), float64(r.Steady.Memory)/1024, 100*r.Steady.Idle)
	for _, f := range r.Viewers.Faults {
		fmt.Fprintln(c.log, "  fault:", f)
	}
	return nil
}

// add takes a run into account: what may differ at its worst.
func (s *side) add(r report) {
	first := s.wall == 0
	s.asked += r.Viewers.Asked
	s.started += r.Viewers.Started
	s.stalled += r.Viewers.Stalled
	s.gaps += r.Viewers.Gaps
	s.faults += r.faults()
	s.cpu += r.Steady.CPU
	s.wall += r.Steady.Wall
	s.generator += r.Steady.Generator
	s.bytes += r.Steady.Bytes
	if first || r.Steady.Memory > s.memory {
		s.memory = r.Steady.Memory
	}
	if first || r.Steady.Delivered < s.delivered {
		s.delivered = r.Steady.Delivered
	}
	if first || r.Steady.Idle < s.idle {
		s.idle = r.Steady.Idle
	}
	s.first50, s.first99 = max(s.first50, r.Viewers.FirstP50), max(s.first99, r.Viewers.FirstP99)
	s.lag50, s.lag99 = max(s.lag50, r.Steady.LagP50), max(s.lag99, r.Steady.LagP99)
}

func (s side) perGB() float64 { return steady{CPU: s.cpu, Bytes: s.bytes}.perGB() }

// floorProcess is the floor in a process of its own, so that its cost can be told from ours.
type floorProcess struct {
	cmd     *exec.Cmd
	streams []string
}

func startFloor(ctx context.Context, from []string) (*floorProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "floor", "-from", strings.Join(from, " "))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the floor does not start: %w", err), cmd.Wait())
	}
	f := &floorProcess{cmd: cmd}
	for i := range from {
		f.streams = append(f.streams, fmt.Sprintf("%s/%d", strings.TrimSpace(address), i))
	}
	return f, nil
}

// stop ends the floor; that it was interrupted is no error.
func (f *floorProcess) stop() error {
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("the floor ended by itself: %w", err)
	}
	return f.cmd.Wait()
}
