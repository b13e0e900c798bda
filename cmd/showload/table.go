package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// busy is the share of idle time below which the machine's limit is measured,
// and no longer the server's cost alone.
const busy = 0.05

var columns = []string{
	"shows", "viewers", "CPU s/GB", "floor's", "ratio", "delivered", "stalled", "first keyframe p50 / p99, ms",
	"lag p50 / p99, ms", "floor's lag", "KiB a viewer", "floor's KiB", "Mbit/s", "idle",
}

func (r row) cells() []string {
	p, f := r.product, r.floor
	ratio := "–"
	if f.perGB() > 0 {
		ratio = fmt.Sprintf("%.2f", p.perGB()/f.perGB())
	}
	return []string{
		fmt.Sprint(r.shows), fmt.Sprint(r.viewers),
		fmt.Sprintf("%.2f", p.perGB()), fmt.Sprintf("%.2f", f.perGB()), ratio,
		fmt.Sprintf("%.4f", p.delivered), fmt.Sprint(p.stalled + p.asked - p.started),
		fmt.Sprintf("%.1f / %.1f", p.first50.Seconds()*1000, p.first99.Seconds()*1000),
		fmt.Sprintf("%.1f / %.1f", p.lag50.Seconds()*1000, p.lag99.Seconds()*1000),
		fmt.Sprintf("%.1f / %.1f", f.lag50.Seconds()*1000, f.lag99.Seconds()*1000),
		r.memory(p), r.memory(f),
		fmt.Sprintf("%.0f", float64(p.bytes)*8/1e6/p.wall.Seconds()), fmt.Sprintf("%.0f %%", 100*p.idle),
	}
}

// memory is the memory by viewer. With many shows what the server has for the
// shows goes up and down by more than their few viewers take.
func (r row) memory(s side) string {
	if r.shows > 1 {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(s.memory)/1024)
}

func (r row) sides(yield func(name string, s side) bool) {
	_ = yield("the server", r.product) && yield("the floor", r.floor)
}

// writeTable writes the rows and, beneath them, which of them the machine's
// limit may have shaped.
func writeTable(out io.Writer, rows []row, markdown bool) error {
	sep, end := "\t", "\t\n"
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var to io.Writer = w
	if markdown {
		sep, end, to = " | ", " |\n", out
	}
	line := func(cells []string) {
		if markdown {
			fmt.Fprint(to, "| ")
		}
		fmt.Fprint(to, strings.Join(cells, sep), end)
	}
	line(columns)
	if markdown {
		fmt.Fprintln(out, strings.Repeat("|---:", len(columns))+"|")
	}
	for _, r := range rows {
		line(r.cells())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		for name, s := range r.sides {
			if s.idle < busy {
				fmt.Fprintf(out, "\nWith %d viewers of %s the machine was busy: %.0f %% idle, while showload itself used %.0f %% of one core.\n",
					r.viewers, name, 100*s.idle, 100*s.generator.Seconds()/s.wall.Seconds())
			}
		}
	}
	return nil
}
