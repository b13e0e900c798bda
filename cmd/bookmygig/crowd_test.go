package main

import (
	"strconv"
	"testing"
	"time"
)

// Five hundred people watch a show of 2.5 Mbit/s, and fifty of them have a
// line that carries a twentieth of it: the others notice nothing, and memory
// does not grow with time.
func TestSlowViewersHarmNobody(t *testing.T) {
	const viewers, slow = 450, 50
	clip := encodeClip(t, "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=8,noise=alls=30:allf=t",
		"-f", "lavfi", "-i", "sine=d=8", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
		"-b:v", "2400k", "-minrate", "2400k", "-maxrate", "2400k", "-bufsize", "2400k", "-g", "50", "-c:a", "aac", "-b:a", "96k")
	p := startBuilt(t, fastProgram)
	gig, target := p.listGig(t, "Full house")
	publish(t, clip, target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(gig) })

	wait := startLoad(t.Context(), t, p, gig, "-viewers", strconv.Itoa(viewers), "-slow", strconv.Itoa(slow), "-ramp", "4s",
		"-duration", "30s", "-pid", strconv.Itoa(p.cmd.Process.Pid))
	l := wait()
	t.Logf("first keyframe p50 %v p99 %v; longest silence %v; %d MB; slow ones: %d jumps; server %v CPU in %v, RSS %d to %d MB",
		l.Viewers.FirstP50, l.Viewers.FirstP99, l.Viewers.Silence, l.Viewers.Bytes>>20, l.Slow.Gaps,
		l.Server.CPU, l.Server.Wall, l.Server.RSSFirst>>20, l.Server.RSSSecond>>20)
	if l.Viewers.Started != viewers || l.Viewers.Ended != 0 {
		t.Errorf("%d of %d started, %d were cut", l.Viewers.Started, viewers, l.Viewers.Ended)
	}
	// A second without a picture may be the machine's fault; one viewer who
	// waits for another would wait for as long as a stalled one is borne.
	if l.Viewers.Gaps != 0 || l.Viewers.Silence > 8*time.Second {
		t.Errorf("the healthy ones had %d gaps; the longest silence was %v", l.Viewers.Gaps, l.Viewers.Silence)
	}
	if l.Slow.Started == 0 || l.Slow.Bytes/slow > 30*16<<10 {
		t.Errorf("the slow ones were not slow: %+v", l.Slow)
	}
	// The ring fills within its 20 s; beyond that nothing may pile up.
	if l.Server.RSSSecond > l.Server.RSSFirst*3/2+40<<20 {
		t.Errorf("memory grew from %d to %d MB", l.Server.RSSFirst>>20, l.Server.RSSSecond>>20)
	}
}
