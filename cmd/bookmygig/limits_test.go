package main

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The limits that the flags set hold, and each says so to whoever meets it.
func TestLimits(t *testing.T) {
	p := startProgram(t, "-max-publishers", "1", "-max-bitrate", "4", "-max-viewers-per-show", "2", "-max-viewers", "3")
	on, onTarget := p.listGig(t, "On air")
	_, offTarget := p.listGig(t, "No room")
	encoder := publish(t, "demo.flv", onTarget)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(on) })

	// send is an encoder that sends as fast as it can, until it is told to stop.
	send := func(target string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", "demo.flv", "-c", "copy", "-f", "flv", target)
		stop := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Error("ffmpeg takes it for a success")
		}
		return string(out)
	}
	publishers := func(want float64) {
		t.Helper()
		eventually(t, 20*time.Second, fmt.Sprintf("there are %v publishers", want), func() error {
			if n := p.metric("bookmygig_publishers"); n != want {
				return fmt.Errorf("%v publishers", n)
			}
			return nil
		})
	}
	if out := send(offTarget); !strings.Contains(out, "The server is full") {
		t.Errorf("one show too many: %s", out)
	}
	encoder.leave()
	publishers(0)
	if out := send(offTarget); !strings.Contains(out, "The server is full") {
		t.Errorf("in the place of one that is waited for: %s", out)
	}
	encoder.comeBack()
	eventually(t, 20*time.Second, "the gig is live again", func() error { return p.isLive(on) })

	c := newClient(t)
	c.Timeout = 0
	stream := p.url() + "/gigs/" + on + "/live.flv"
	for n := range 2 {
		res, err := c.Get(fmt.Sprintf("%s?viewer=v%d", stream, n))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("viewer %d: %s", n, res.Status)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		req, err := http.NewRequestWithContext(t.Context(), method, stream, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s of the third viewer: %s %v", method, res.Status, res.Header)
		}
	}

	encoder.leave()
	if out := send(onTarget); !strings.Contains(out, "Your encoder sends ") || !strings.Contains(out, "this server takes 4.") {
		t.Errorf("too fast: %s", out)
	}
	if n := p.metric("bookmygig_viewers"); n != 2 {
		t.Errorf("%v viewers are left in the grace", n)
	}
	encoder.comeBack()
	publishers(1) // one that keeps to the limit
	body, err := get(c, "http://"+p.ops+"/metrics", http.StatusOK)
	if err != nil {
		t.Fatal(err)
	}
	for reason, want := range map[string]float64{"publishers": 2, "viewers-per-show": 1, "viewers": 0, "bitrate": 1} {
		if n := metricIn(body, `bookmygig_media_refused_total{reason="`+reason+`"}`); n != want {
			t.Errorf("%s: %v refused, want %v", reason, n, want)
		}
	}
}
