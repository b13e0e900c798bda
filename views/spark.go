package views

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The sparkline's box, in its own units.
const sparkWide, sparkHigh = 600, 76

// sparkPoints is the bitrate as the points of a line; empty with fewer than
// two of them. The greatest value lies just below the upper edge.
func sparkPoints(rates []int) string {
	if len(rates) < 2 {
		return ""
	}
	top := float64(max(slices.Max(rates), 1)) * 1.1
	points := make([]string, len(rates))
	for i, r := range rates {
		x := float64(i) * sparkWide / float64(len(rates)-1)
		points[i] = fmt.Sprintf("%.1f,%.1f", x, sparkHigh*(1-float64(r)/top))
	}
	return strings.Join(points, " ")
}

// sparkArea closes the line at the bottom.
func sparkArea(rates []int) string {
	return fmt.Sprintf("0,%d %s %d,%d", sparkHigh, sparkPoints(rates), sparkWide, sparkHigh)
}

// sparkName says in a sentence what the line shows.
func sparkName(rates []int) string {
	sum := 0
	for _, r := range rates {
		sum += r
	}
	mean := sum / len(rates)
	return fmt.Sprintf("Bitrate over the last %s: about %s, never under %s or over %s",
		sparkSpan(rates), Bitrate(mean), Bitrate(slices.Min(rates)), Bitrate(slices.Max(rates)))
}

// sparkSpan is how long the line goes back; each value stands for 5 s.
func sparkSpan(rates []int) string {
	d := time.Duration(len(rates)) * 5 * time.Second
	if d < time.Minute {
		return amount(int(d/time.Second), "second")
	}
	return Length(d)
}
