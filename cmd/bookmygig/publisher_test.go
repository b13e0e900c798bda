package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// publisher is an encoder: a real ffmpeg that sends a clip round and round,
// and dials again when it is cut off, as OBS does.
type publisher struct {
	t      *testing.T
	clip   string
	target string

	mu     sync.Mutex
	cmd    *exec.Cmd
	away   bool
	ended  bool
	output logBuffer
	wake   chan struct{}
	done   chan struct{}
}

// publish sends the clip to the RTMP URL until the test ends.
func publish(t *testing.T, clip, target string) *publisher {
	p := &publisher{t: t, clip: clip, target: target, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go p.run()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("the encoder said:\n%s", tail(p.output.String(), 2000))
		}
	})
	return p
}

func (p *publisher) run() {
	defer close(p.done)
	for {
		p.mu.Lock()
		if p.ended {
			p.mu.Unlock()
			return
		}
		var cmd *exec.Cmd
		if !p.away {
			cmd = exec.Command("ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", p.clip,
				"-c", "copy", "-f", "flv", p.target)
			cmd.Stdout, cmd.Stderr = &p.output, &p.output
			if err := cmd.Start(); err != nil {
				p.t.Errorf("ffmpeg: %v", err)
				p.mu.Unlock()
				return
			}
			p.cmd = cmd
		}
		p.mu.Unlock()
		if cmd != nil {
			_ = cmd.Wait() // killed by the test or cut off by the server, both are meant
			p.mu.Lock()
			if p.cmd == cmd {
				p.cmd = nil
			}
			p.mu.Unlock()
		}
		select {
		case <-p.wake:
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// leave kills the encoder; it stays away until comeBack.
func (p *publisher) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	p.killLocked()
}

// signal sends a signal to the encoder, which must be running.
func (p *publisher) signal(s os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return errors.New("the encoder is not running")
	}
	return p.cmd.Process.Signal(s)
}

// stay makes the encoder's next end its last, until comeBack.
func (p *publisher) stay() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
}

// gone waits until the encoder has ended by itself.
func (p *publisher) gone(limit time.Duration) {
	p.t.Helper()
	eventually(p.t, limit, "the encoder has ended", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.cmd != nil {
			return errors.New("it runs")
		}
		return nil
	})
}

func (p *publisher) comeBack() {
	p.mu.Lock()
	p.away = false
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) end() {
	p.mu.Lock()
	p.ended = true
	p.killLocked()
	p.mu.Unlock()
	<-p.done
}

func (p *publisher) killLocked() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
		p.cmd = nil
	}
}

// encodeClip makes a clip with ffmpeg and returns its path.
func encodeClip(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.flv")
	args = append(append([]string{"-v", "error", "-nostdin"}, args...), "-f", "flv", path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// load is what the tests read of showload's report.
type load struct {
	Viewers, Slow struct {
		Asked, Started, Ended, Headers, Gaps, Stalls, Stalled, FaultsIn int

		Bytes, Tags                 int64
		Silence, FirstP50, FirstP99 time.Duration
		Faults                      []string
	}
	Chat struct {
		Joined, Sent, Echoed, Delivered, Lost, Doubled, Disordered int

		Closed map[int]int
		Faults []string
	}
	Server struct {
		CPU, Wall                   time.Duration
		RSSFirst, RSSSecond, RSSMax int64
	}
}

// startLoad starts showload; the function that it returns waits for its end.
// Ending ctx asks it to finish early.
func startLoad(ctx context.Context, t *testing.T, p *program, gig string, args ...string) func() load {
	t.Helper()
	path, err := showload()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"-json", "-url", p.url(), "-gig", gig}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var out, errs logBuffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, but for a test that failed
	return func() (l load) {
		t.Helper()
		// Its exit code says that something was wrong; the report says what.
		waited := cmd.Wait()
		if err := json.Unmarshal([]byte(out.String()), &l); err != nil {
			t.Fatalf("showload: %v, %v: %s%s", waited, err, out.String(), errs.String())
		}
		if l.Viewers.FaultsIn+l.Slow.FaultsIn > 0 {
			t.Errorf("what viewers received is not right: %v %v", l.Viewers.Faults, l.Slow.Faults)
		}
		if l.Chat.Lost+l.Chat.Doubled+l.Chat.Disordered+len(l.Chat.Faults) > 0 {
			t.Errorf("what chatters received is not right: %+v", l.Chat)
		}
		return l
	}
}

// isLive reports an error until somebody can watch the gig.
func (p *program) isLive(gig string) error {
	res, err := http.Head(p.url() + "/gigs/" + gig + "/live.flv")
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("live.flv answers %s", res.Status)
	}
	return nil
}
