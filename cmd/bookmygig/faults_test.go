package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A hundred times the encoder dies and comes back, and one viewer watches over
// one connection: it is never cut, timestamps never go back, and each time it
// gets headers and a keyframe first (showload fails otherwise).
func TestEncoderDiesAHundredTimes(t *testing.T) {
	t.Parallel()
	const rounds = 100
	p := startProgram(t)
	gig, target := p.listGig(t, "The show must go on")
	encoder := publish(t, "demo.flv", target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(gig) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := startLoad(ctx, t, p, gig, "-viewers", "1", "-ramp", "0s", "-duration", "10m")

	started := func() int { return strings.Count(p.log.String(), "state=live") }
	lost := func() int { return strings.Count(p.log.String(), "state=reconnecting") }
	for round := range rounds {
		eventually(t, 20*time.Second, fmt.Sprintf("round %d: live", round), func() error {
			if n := started(); n < round+1 {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		encoder.leave()
		eventually(t, 20*time.Second, fmt.Sprintf("round %d: reconnecting", round), func() error {
			if n := lost(); n < round+1 {
				return fmt.Errorf("%d times", n)
			}
			return nil
		})
		encoder.comeBack()
	}
	eventually(t, 20*time.Second, "live at the end", func() error {
		if n := started(); n < rounds+1 {
			return fmt.Errorf("%d times", n)
		}
		return p.isLive(gig)
	})
	if n := p.metric("bookmygig_viewers"); n != 1 {
		t.Errorf("%v viewers at the end", n)
	}
	cancel()
	l := wait()
	if l.Viewers.Started != 1 || l.Viewers.Ended != 0 {
		t.Errorf("the viewer was cut: %+v", l.Viewers)
	}
	if l.Viewers.Headers < rounds {
		t.Errorf("the viewer got headers %d times in %d rounds", l.Viewers.Headers, rounds)
	}
}

// acknowledged is what the server has said yes to.
type acknowledged struct {
	mu   sync.Mutex
	gigs map[string]string // title by id
	said map[uint64]string // text by seq
}

func (a *acknowledged) gig(id, title string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gigs[id] = title
}

func (a *acknowledged) message(m said) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if was, ok := a.said[m.seq]; ok && was != m.text {
		return fmt.Errorf("message %d was %q and is %q", m.seq, was, m.text)
	}
	a.said[m.seq] = m.text
	return nil
}

// Fifty times the server is killed in the middle of its work: no gig that it
// has listed and no message that it has shown is lost, changed or doubled.
func TestKilledServerLosesNothing(t *testing.T) {
	const rounds = 50
	p := startBuilt(t, fastProgram)
	room, _ := p.listGig(t, "The room")
	a := &acknowledged{gigs: map[string]string{}, said: map[uint64]string{}}
	var newest uint64
	for round := range rounds {
		var busy sync.WaitGroup
		busy.Go(func() { listUntilKilled(t, p.url(), round, a) })
		talker, err := joinChat(p.url(), room, fmt.Sprintf("Talker %d", round), newest)
		if err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			for i := 0; talker.say(fmt.Sprintf("round %d line %d", round, i), fmt.Sprintf("%d-%d", round, i)) == nil; i++ {
				select {
				case <-talker.done:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
		// At any moment after the first message; later rounds later or earlier.
		eventually(t, 10*time.Second, "somebody was heard", func() error {
			if len(talker.messages()) == 0 {
				return errors.New("nobody yet")
			}
			return nil
		})
		time.Sleep(rand.N(150 * time.Millisecond))
		p.kill()
		talker.close()
		busy.Wait()
		for _, m := range talker.messages() {
			if err := a.message(m); err != nil {
				t.Fatal(err)
			}
		}
		p.start()
		newest = checkHistory(t, p, room, newest, a)
	}
	c := newClient(t)
	for id, title := range a.gigs {
		if page, err := get(c, p.url()+"/gigs/"+id, http.StatusOK); err != nil || !strings.Contains(page, title) {
			t.Errorf("gig %s, %q: %v", id, title, err)
		}
	}
	if len(a.gigs) < rounds || len(a.said) < rounds {
		t.Errorf("only %d gigs and %d messages", len(a.gigs), len(a.said))
	}
	t.Logf("%d gigs and %d messages over %d kills", len(a.gigs), len(a.said), rounds)
}

func listUntilKilled(t *testing.T, base string, round int, a *acknowledged) {
	c := newClient(t)
	for i := 0; ; i++ {
		title := fmt.Sprintf("Round %d gig %d", round, i)
		id, err := postGig(c, base, title)
		if err != nil {
			return
		}
		a.gig(id, title)
	}
}

// checkHistory asks for what came since after and compares it with what was
// acknowledged. It returns the newest number.
func checkHistory(t *testing.T, p *program, room string, after uint64, a *acknowledged) uint64 {
	t.Helper()
	c, err := joinChat(p.url(), room, "Reader", after)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	newest := after
	for seq := range a.said {
		newest = max(newest, seq)
	}
	eventually(t, 10*time.Second, "the history comes", func() error {
		for _, m := range c.messages() {
			if m.seq >= newest {
				return nil
			}
		}
		if newest == after {
			return nil
		}
		return fmt.Errorf("message %d is missing", newest)
	})
	next := after + 1
	for _, m := range c.messages() {
		if m.seq != next {
			t.Fatalf("message %d comes where %d should", m.seq, next)
		}
		next++
		if err := a.message(m); err != nil {
			t.Fatal(err)
		}
	}
	return next - 1
}

// SIGTERM in the middle of a busy show: viewers' streams end, chats are told
// to come back, and the process ends well and soon.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	gig, target := p.listGig(t, "Full house")
	publish(t, "demo.flv", target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(gig) })
	wait := startLoad(t.Context(), t, p, gig, "-viewers", "40", "-slow", "5", "-chatters", "30", "-rate", "0.5", "-duration", "60s", "-ramp", "1s")
	eventually(t, 40*time.Second, "the house is full", func() error {
		if v, m := p.metric("bookmygig_viewers"), p.metric("bookmygig_chat_members"); v != 45 || m != 30 {
			return fmt.Errorf("%v viewers, %v members", v, m)
		}
		return nil
	})
	eventually(t, 20*time.Second, "they talk", func() error {
		if n := p.metric("bookmygig_chat_messages_total"); n < 20 {
			return fmt.Errorf("%v messages", n)
		}
		return nil
	})
	took := p.stop()
	l := wait()
	if l.Viewers.Ended+l.Slow.Ended != 45 {
		t.Errorf("%d viewers and %d slow ones saw the end", l.Viewers.Ended, l.Slow.Ended)
	}
	if l.Chat.Closed[1012] != 30 {
		t.Errorf("close codes: %v", l.Chat.Closed)
	}
	t.Logf("stopped in %v", took)
}

// Clients that neither finish nor read cannot hold up a stop for long.
func TestStopCutsWhatHangs(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	gig, target := p.listGig(t, "Hanging on")
	publish(t, "demo.flv", target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(gig) })
	for _, request := range []string{
		"POST /gigs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
		"GET /gigs/" + gig + "/live.flv HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n",
	} {
		conn, err := net.Dial("tcp", p.http)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 10*time.Second, "the viewer is there", func() error {
		if n := p.metric("bookmygig_viewers"); n != 1 {
			return fmt.Errorf("%v viewers", n)
		}
		return nil
	})
	t.Logf("stopped in %v", p.stop())
}

// Requests that wait for their client hold up a stop for a moment only.
func TestStopDoesNotWaitForBodies(t *testing.T) {
	t.Parallel()
	p := startBuilt(t, fastProgram)
	for _, request := range []string{
		"POST /gigs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
		"GET /studio HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
		"GET / HTTP/1.1\r\nHost: x\r\n",
		"",
	} {
		conn, err := net.Dial("tcp", p.http)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
	}
	if took := p.stop(); took >= drainTime {
		t.Errorf("stopped in %v", took)
	}
}

// With few files to open, visitors who hold on to connections keep neither an
// encoder out nor those who watch from watching. Whoever comes is refused at
// once, and let in again when there is room.
func TestVisitorsLeaveRoomForEncoders(t *testing.T) {
	t.Parallel()
	path, err := fastProgram()
	if err != nil {
		t.Fatal(err)
	}
	few := filepath.Join(t.TempDir(), "few.sh")
	script := fmt.Sprintf("#!/bin/sh\nulimit -n 64\nexec %s \"$@\"\n", path)
	if err := os.WriteFile(few, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startBuilt(t, func() (string, error) { return few, nil })
	_, _, _, v := p.onAir(t, "Room for one")
	other, target := p.listGig(t, "And one more")
	newcomer := func() error { // one that has no connection yet
		res, err := newClient(t).Get(p.url() + "/gigs/" + other + "/live.flv")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.ReadFull(res.Body, make([]byte, 10<<10))
		return err
	}

	held := holdOn(t, p, 100)
	publish(t, "demo.flv", target)
	eventually(t, 30*time.Second, "the other gig is live", func() error {
		if !strings.Contains(p.log.String(), "gig="+other+" state=live") {
			return errors.New("not yet")
		}
		return nil
	})
	v.goesOn(1)
	for _, c := range held[64:] {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) // never fails on an open connection
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a visitor too many is kept waiting")
		}
	}
	release(held)
	eventually(t, 30*time.Second, "there is room again", newcomer)
	v.goesOn(1)

	// And when the system has no file left for what the program would let in.
	p.limitFiles(t, p.freeFile(t))
	held = holdOn(t, p, 20)
	v.goesOn(2)
	release(held)
	p.limitFiles(t, 64)
	eventually(t, 30*time.Second, "there is room again", newcomer)
	if n := strings.Count(p.log.String(), "too many open files"); n == 0 || n > 200 {
		t.Errorf("the log says %d times that files have run out", n)
	}
}

// holdOn opens connections that begin a request and never end it.
func holdOn(t *testing.T, p *program, n int) (held []net.Conn) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", p.http)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "POST /gigs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na") // over the limit it is closed
		held = append(held, conn)
	}
	return held
}

func release(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// freeFile is the number that the next file would get which the program opens.
func (p *program) freeFile(t *testing.T) (n int) {
	t.Helper()
	for ; ; n++ {
		_, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", p.cmd.Process.Pid, n))
		if errors.Is(err, os.ErrNotExist) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// limitFiles changes how many files the running program may open.
func (p *program) limitFiles(t *testing.T, n int) {
	t.Helper()
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(p.cmd.Process.Pid), fmt.Sprintf("--nofile=%d:", n)).CombinedOutput()
	if err != nil {
		t.Fatalf("prlimit: %v %s", err, out)
	}
}
