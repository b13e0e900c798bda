package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

var demoLine = regexp.MustCompile(`the demo show begins" open=(\S+)/gigs/([a-z0-9]+)`)

// With -demo a fresh copy shows a live gig, the same one after a restart.
func TestDemo(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-demo")
	var first string
	for run := range 2 {
		var m []string
		eventually(t, 10*time.Second, "the log says where to look", func() error {
			all := demoLine.FindAllStringSubmatch(p.log.String(), -1)
			if len(all) != run+1 {
				return errors.New("it does not yet")
			}
			m = all[run]
			return nil
		})
		if m[1] != p.url() || run > 0 && m[2] != first {
			t.Errorf("run %d: %s, gig %s; the first was %s", run, m[1], m[2], first)
		}
		first = m[2]
		eventually(t, 20*time.Second, "the demo is live", func() error { return p.isLive(first) })
		// Over the seam of the loop as well.
		l := startLoad(t.Context(), t, p, first, "-viewers", "1", "-ramp", "0s", "-duration", "12s")()
		if l.Viewers.Started != 1 || l.Viewers.Ended != 0 || l.Viewers.Gaps != 0 {
			t.Errorf("run %d: %+v", run, l.Viewers)
		}
		page, err := get(newClient(t), p.url()+"/", http.StatusOK)
		if err != nil || strings.Count(page, "/gigs/"+first+`"`) == 0 {
			t.Errorf("run %d: the listing lacks the demo: %v", run, err)
		}
		p.stop()
		if run == 0 {
			p.start()
		}
	}
}

func TestDemoGigIsListedOnce(t *testing.T) {
	data, err := store.OpenEmbedded(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	var keys []string
	for _, at := range []time.Time{time.Now().UTC().Add(-100 * time.Hour), time.Now().UTC()} {
		g, key, err := listDemo(t.Context(), data, at)
		if err != nil {
			t.Fatal(err)
		}
		if g.Past(at) || !g.Start.Before(at.Add(time.Second)) || !g.End.After(at) {
			t.Errorf("at %v it is on from %v to %v", at, g.Start, g.End)
		}
		keys = append(keys, key)
	}
	if _, err := data.Authorize(t.Context(), keys[1]); err != nil {
		t.Errorf("its key does not open it: %v", err)
	}
	if _, err := data.Authorize(t.Context(), keys[0]); err == nil {
		t.Error("the key of an earlier start still opens it")
	}
	if gigs, err := data.GigsByOwner(t.Context(), demoOwner, 10); err != nil || len(gigs) != 1 {
		t.Errorf("%d demo gigs, %v", len(gigs), err)
	}
}

// A demo that runs for days comes back after an interruption, though the time
// of its gig has passed long ago.
func TestDemoOutlivesItsGig(t *testing.T) {
	t.Parallel()
	c := config{http: "127.0.0.1:0", rtmp: "127.0.0.1:0"}
	ports, err := listen(c)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.close()
	data, err := store.OpenEmbedded(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	n := newNode(c, slog.New(slog.DiscardHandler), ports, data)
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { _ = n.ingest.Serve(ports.rtmp) })
	parts.Go(func() {
		if err := n.demo(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() {
		cancel()
		_ = n.ingest.Shutdown(context.Background())
		_ = n.relay.Shutdown(context.Background())
		parts.Wait()
	}()

	var g store.Gig
	live := func() error {
		gigs, err := data.GigsByOwner(t.Context(), demoOwner, 1)
		if err != nil || len(gigs) == 0 {
			return errors.Join(errors.New("not listed"), err)
		}
		if g = gigs[0]; n.relay.State(g.ID) != media.StateLive || g.Past(time.Now()) {
			return fmt.Errorf("%s: %v, until %v", g.ID, n.relay.State(g.ID), g.End)
		}
		return nil
	}
	eventually(t, 20*time.Second, "the demo is live", live)
	past := time.Now().UTC().Add(-100 * time.Hour)
	if _, err := data.UpdateGig(t.Context(), g.ID, func(g *store.Gig) error {
		g.Start, g.End = past, past.Add(demoLength)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	n.relay.End(g.ID)
	eventually(t, 20*time.Second, "the demo is live again", live)
}

// The clip is what browsers play, and small.
func TestDemoClip(t *testing.T) {
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,profile,pix_fmt,width",
		"-of", "csv=p=0", "demo.flv").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "h264,High,1280,yuv420p") || !strings.Contains(string(out), "aac,LC") {
		t.Errorf("%s %v", out, err)
	}
	if n := len(demoClip); n > 1_500_000 {
		t.Errorf("%d bytes", n)
	}
}
