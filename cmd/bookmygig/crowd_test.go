package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// crowdClip is a clip of 2.65 Mbit/s, no two of whose tags are the same.
var crowdClip = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries, "crowd.flv")
	out, err := exec.Command("ffmpeg", "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=8,noise=alls=60:allf=t", "-f", "lavfi", "-i", "anoisesrc=d=8:a=0.1",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50",
		"-b:v", "2420k", "-minrate", "2420k", "-maxrate", "2420k", "-bufsize", "2420k", "-c:a", "aac", "-b:a", "96k", path).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ffmpeg: %w\n%s", err, out)
	}
	return path, nil
})

// crowdShow starts the program with a gig that shows crowdClip.
func crowdShow(t *testing.T, title string) (p *program, gig, clip string, empty int) {
	t.Helper()
	clip, err := crowdClip()
	if err != nil {
		t.Fatal(err)
	}
	p = startBuilt(t, fastProgram)
	gig, target := p.listGig(t, title)
	empty = p.resident()
	publish(t, clip, target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(gig) })
	return p, gig, clip, empty
}

// resident is the program's resident memory in bytes.
func (p *program) resident() int { return int(p.metric("process_resident_memory_bytes")) }

// Five hundred people watch a show of 2.5 Mbit/s, and fifty of them have a
// line that carries a twentieth of it: the others notice nothing, and memory
// does not grow with time.
func TestSlowViewersHarmNobody(t *testing.T) {
	const viewers, slow = 450, 50
	p, gig, _, _ := crowdShow(t, "Full house")
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

// perViewer is the most resident memory that a viewer may cost beyond the
// ring, in bytes: a goroutine's stack (8 KiB at the most), the relay's and the
// system's records of it, and as much again for what the garbage collector has
// not taken back yet. What a viewer has not taken waits in the ring or in the
// kernel's socket buffer, never in memory of its own.
const perViewer = 20 << 10

// A thousand people whose computers stand still, beside a hundred who watch a
// show of 2.65 Mbit/s: those get each tag of it, and memory stays within the
// ring and a small sum for each viewer. Whoever takes nothing is cut.
func TestStalledViewersCostLittle(t *testing.T) {
	const healthy, stalled = 100, 1000
	const ringBytes = 32 << 20 // as media.RelayOptions has it
	p, gig, clip, empty := crowdShow(t, "Few are awake")
	reels := readReels(t, clip)
	awake := make([]*viewer, healthy)
	for i := range awake {
		awake[i] = p.watch(t, gig)
	}
	awake[0].goesOn(1)
	begin := time.Now()
	conns := stallAll(t, p, gig, stalled)
	var trickle sync.WaitGroup
	trickle.Go(func() { // this one takes a kilobyte a second, and then nothing as well
		for range 3 {
			_, _ = io.CopyN(io.Discard, conns[0], 1<<10) // that it is cut is seen below
			time.Sleep(time.Second)
		}
	})
	crowd, most := 0, 0
	eventually(t, 60*time.Second, "the thousand were there and are cut", func() error {
		n := int(p.metric("bookmygig_viewers"))
		crowd, most = max(crowd, n), max(most, p.resident())
		if crowd < healthy+stalled || n > healthy {
			return fmt.Errorf("%d viewers, %d at most", n, crowd)
		}
		return nil
	})
	t.Logf("all cut after %v; %d KiB resident without a show, %d KiB at most", time.Since(begin), empty>>10, most>>10)
	if limit := empty + ringBytes + (healthy+stalled)*perViewer; most > limit {
		t.Errorf("%d KiB resident, want %d at most", most>>10, limit>>10)
	}
	trickle.Wait()
	for _, c := range conns[:10] {
		_ = c.(*net.TCPConn).SetReadBuffer(1 << 20)             // it may take what the system kept for it
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second)) // neither fails on an open connection
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a stalled viewer was not cut")
		}
	}
	awake[0].goesOn(1)
	seen := make([][]flvTag, healthy)
	for i, v := range awake {
		seen[i] = v.seen(0)
	}
	for i := range seen {
		n, err := reels.whole(seen[i])
		if err != nil {
			t.Fatalf("a healthy viewer lost a tag: %v", err)
		}
		if most := len(seen[0]); n < most*9/10 {
			t.Errorf("one had %d tags by then, another %d", n, most)
		}
	}
}

// stallAll opens connections with small buffers that ask for the gig's stream
// and take nothing of it.
func stallAll(t *testing.T, p *program, gig string, n int) []net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: 20 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
		})
		return errors.Join(err, set)
	}}
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := dialer.Dial("tcp", p.http)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /gigs/"+gig+"/live.flv HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	return conns
}
