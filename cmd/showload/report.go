package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of a run. Durations are nanoseconds in JSON.
type report struct {
	Viewers, Slow viewersReport
	Chat          chatReport
	Server        usage
	Steady        steady
}

// viewersReport sums up a group of viewers.
type viewersReport struct {
	Asked    int // viewers
	Started  int // of them, got a keyframe
	Refused  map[int]int
	Ended    int // the server ended the response
	Bytes    int64
	Tags     int64
	Headers  int
	Gaps     int
	Stalls   int
	Stalled  int // viewers with a stall
	Silence  time.Duration
	Lag      time.Duration // the worst at the end
	FirstP50 time.Duration // time to the first keyframe
	FirstP99 time.Duration
	Faults   []string // at most 5, of FaultsIn viewers
	FaultsIn int
}

// chatReport sums up the chatters.
type chatReport struct {
	Asked, Joined int
	Sent          int
	Echoed        int // came back to those who sent them
	Delivered     int // receptions, over all chatters
	Lost          int // receptions that are missing
	Doubled       int
	Disordered    int
	Closed        map[int]int // chatters by close code
	LatencyP50    time.Duration
	LatencyP99    time.Duration
	Faults        []string
}

func sumViews(views []*viewing) viewersReport {
	s := viewersReport{Asked: len(views), Refused: map[int]int{}}
	var first []time.Duration
	for _, v := range views {
		s.Bytes, s.Tags, s.Headers = s.Bytes+v.Bytes, s.Tags+v.Tags, s.Headers+v.Headers
		s.Gaps, s.Stalls = s.Gaps+v.Gaps, s.Stalls+v.Stalls
		s.Silence, s.Lag = max(s.Silence, v.Silence), max(s.Lag, v.Lag)
		if v.Started {
			s.Started++
			first = append(first, v.First)
		}
		if v.Refused != 0 {
			s.Refused[v.Refused]++
		}
		if v.Ended {
			s.Ended++
		}
		if v.Stalls > 0 {
			s.Stalled++
		}
		if v.Fault != "" {
			s.FaultsIn++
			if len(s.Faults) < 5 {
				s.Faults = append(s.Faults, v.Fault)
			}
		}
	}
	s.FirstP50, s.FirstP99 = quantile(first, .5), quantile(first, .99)
	return s
}

// sum compares what each chatter received with what there was: every number
// from the first one it saw to the last one that anybody saw.
func (r *room) sum() chatReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := chatReport{Asked: len(r.members), Sent: r.sent, Closed: map[int]int{}, Faults: r.faults}
	var newest uint64
	for _, m := range r.members {
		newest = max(newest, m.lastSeq)
	}
	for _, m := range r.members {
		if !m.joined {
			continue
		}
		s.Joined++
		s.Echoed += m.echoed
		s.Disordered += m.disorder
		if m.closed != 0 {
			s.Closed[m.closed]++
		}
		oldest := newest + 1
		for seq, n := range m.seqs {
			oldest = min(oldest, seq)
			s.Delivered += n
			s.Doubled += n - 1
		}
		if m.closed == 0 {
			s.Lost += int(newest+1-oldest) - len(m.seqs)
		}
	}
	s.LatencyP50, s.LatencyP99 = quantile(r.latencies, .5), quantile(r.latencies, .99)
	return s
}

// quantile returns the value at q of the sorted values; 0 for none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Clone(d)
	slices.Sort(d)
	return d[int(q*float64(len(d)-1)+.5)]
}

// faults counts what must never happen, however busy the server is.
func (r report) faults() int {
	return r.Viewers.FaultsIn + r.Slow.FaultsIn + len(r.Chat.Faults) + r.Chat.Lost + r.Chat.Doubled + r.Chat.Disordered
}

func (r report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprint(w, c, "\t")
		}
		fmt.Fprintln(w)
	}
	for _, g := range []struct {
		name string
		v    viewersReport
	}{{"viewers", r.Viewers}, {"slow viewers", r.Slow}} {
		if g.v.Asked == 0 {
			continue
		}
		row(g.name, fmt.Sprintf("%d of %d started", g.v.Started, g.v.Asked))
		row("  first keyframe", "p50", ms(g.v.FirstP50), "p99", ms(g.v.FirstP99))
		row("  received", fmt.Sprintf("%.1f MB in %d tags", float64(g.v.Bytes)/1e6, g.v.Tags))
		row("  stalls over 1 s", g.v.Stalls, fmt.Sprintf("in %d viewers", g.v.Stalled), "longest", ms(g.v.Silence))
		row("  jumps", g.v.Gaps, "ended by the server", g.v.Ended, "refused", counts(g.v.Refused))
		row("  faults", g.v.FaultsIn, strings.Join(g.v.Faults, "; "))
	}
	if c := r.Chat; c.Asked > 0 {
		row("chatters", fmt.Sprintf("%d of %d joined", c.Joined, c.Asked))
		row("  sent", c.Sent, "came back", c.Echoed, "delivered", c.Delivered)
		row("  lost", c.Lost, "doubled", c.Doubled, "out of order", c.Disordered, "closed", counts(c.Closed))
		row("  latency", "p50", ms(c.LatencyP50), "p99", ms(c.LatencyP99))
		row("  faults", len(c.Faults), strings.Join(c.Faults[:min(5, len(c.Faults))], "; "))
	}
	if s := r.Steady; s.Measured && s.Bytes > 0 {
		row("steady", fmt.Sprintf("%.1f s", s.Wall.Seconds()), fmt.Sprintf("%.1f MB", float64(s.Bytes)/1e6),
			"delivered", fmt.Sprintf("%.4f", s.Delivered))
		row("  behind the first viewer", "p50", ms(s.LagP50), "p99", ms(s.LagP99))
		if s.CPU > 0 {
			row("  server", fmt.Sprintf("%.2f CPU s/GB", s.perGB()), "memory", fmt.Sprintf("%.1f KiB a viewer", float64(s.Memory)/1024))
			row("  showload itself", fmt.Sprintf("%.0f %% of one core", 100*s.Generator.Seconds()/s.Wall.Seconds()),
				"machine idle", fmt.Sprintf("%.0f %%", 100*s.Idle))
		}
	}
	if u := r.Server; u.Watched {
		row("server", fmt.Sprintf("%.0f %% of one core", 100*u.CPU.Seconds()/u.Wall.Seconds()))
		row("  memory", "first half", mb(u.RSSFirst), "second half", mb(u.RSSSecond), "most", mb(u.RSSMax))
	} else if u.Problem != "" {
		row("server", "not watched:", u.Problem)
	}
	return w.Flush()
}

// counts writes how often each code came.
func counts(n map[int]int) string {
	if len(n) == 0 {
		return "none"
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(n), "map["), "]")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
func mb(n int64) string         { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
