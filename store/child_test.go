package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/chat"
)

// The test binary started again with childEnv set does that work in the folder
// or the database childDirEnv instead of running tests.
const (
	childEnv    = "STORE_TEST_CHILD"
	childDirEnv = "STORE_TEST_DIR"
)

var children = map[string]func(dir string){
	"write for ever": func(dir string) {
		e, err := OpenEmbedded(dir)
		must(err)
		writeForEver(e)
	},
	"write to Redis for ever": func(url string) {
		r, err := OpenRedis(ctx, url)
		must(err)
		writeForEver(r)
	},
}

func childCommand(work, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+work, childDirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// writeForEver lists gigs and says things from several goroutines, and prints
// a line for each after it is acknowledged.
func writeForEver(e backend) {
	run := NewID()
	var mu sync.Mutex
	acknowledge := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	for p := range 3 {
		go func() {
			for i := 0; ; i++ {
				g := aGig(fmt.Sprint(run, "-", p, "-", i), noon)
				must(e.CreateGig(ctx, g))
				_, err := e.UpdateGig(ctx, g.ID, func(g *Gig) error { g.KeyHash = HashKey("new " + g.ID); return nil })
				must(err)
				acknowledge("gig %s", g.ID)
			}
		}()
		go func() {
			for i := 0; ; i++ {
				m := say("room", fmt.Sprint("author", p), fmt.Sprint(run, "-", i), "text")
				other := m
				other.Room = "other"
				kept, _, err := e.AppendMessages(ctx, []chat.Message{m, other})
				must(err)
				acknowledge("message %d %s %s", kept[0].Seq, m.Author, m.ClientID)
			}
		}()
	}
	select {}
}

// acknowledged is what the children said was kept.
type acknowledged struct {
	gigs []string
	said map[string]string // seq in the room → author and client id
}

// TestKill kills a process that writes, again and again, and checks each time
// that all that was ever acknowledged is there, once, and nothing is half there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	killAgainAndAgain(t, 50, "write for ever", dir, func() backend { return openEmbedded(t, dir) })
}

// TestRedisKill does the same to one of two nodes. The other one reads what it
// left behind.
func TestRedisKill(t *testing.T) {
	t.Parallel()
	url := freshDB(t)
	killAgainAndAgain(t, 12, "write to Redis for ever", url, func() backend { return openRedis(t, url) })
}

func killAgainAndAgain(t *testing.T, rounds int, work, place string, open func() backend) {
	r := random()
	a := &acknowledged{said: map[string]string{}}
	for range rounds {
		a.note(t, linesOfKilled(t, work, place, time.Duration(r.IntN(40_000))*time.Microsecond))
		s := open()
		a.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d gigs and %d messages acknowledged", rounds, len(a.gigs), len(a.said))
}

// linesOfKilled lets a child write, kills it some time after its first line,
// and returns all that it printed.
func linesOfKilled(t *testing.T, work, place string, after time.Duration) (lines []string) {
	t.Helper()
	cmd := childCommand(work, place)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for in.Scan() {
		lines = append(lines, in.Text())
		if len(lines) == 1 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" || len(lines) == 0 {
		t.Fatalf("child: %v after %d lines", err, len(lines))
	}
	return lines
}

func (a *acknowledged) note(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		switch f := strings.Fields(line); {
		case len(f) == 2 && f[0] == "gig":
			a.gigs = append(a.gigs, f[1])
		case len(f) == 4 && f[0] == "message":
			if before, ok := a.said[f[1]]; ok {
				t.Fatalf("seq %s was given to %s and to %s", f[1], before, line)
			}
			a.said[f[1]] = f[2] + " " + f[3]
		default:
			t.Fatalf("line %q", line)
		}
	}
}

// check checks the store against what was acknowledged.
func (a *acknowledged) check(t *testing.T, e backend) {
	t.Helper()
	for _, id := range a.gigs {
		if g, err := e.Gig(ctx, id); err != nil || g.KeyHash != HashKey("new "+id) {
			t.Fatalf("%s: %+v, %v", id, g, err)
		}
		if _, err := e.Authorize(ctx, "key of "+id); err == nil {
			t.Fatalf("%s: its old key works", id)
		}
		if got, err := e.Authorize(ctx, "new "+id); got != id {
			t.Fatalf("%s: its key: %v", id, err)
		}
	}
	checkRooms(t, e, a.said)
	// Nothing half: each gig is in the listing, and has its owner.
	l := mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 1})
	owned, err := e.GigsByOwner(ctx, "owner-1", 1<<30)
	if err != nil || len(owned) != l.Upcoming || len(owned) < len(a.gigs) {
		t.Fatalf("%d gigs have their owner and %d are listed, %v", len(owned), l.Upcoming, err)
	}
}

// checkRooms checks that both rooms hold the same messages, without holes or
// doubles, and what was acknowledged of those still kept.
func checkRooms(t *testing.T, e backend, said map[string]string) {
	t.Helper()
	msgs, oldest, err := e.Messages(ctx, "room", 0, chat.HistoryKept)
	other, _, errOther := e.Messages(ctx, "other", 0, chat.HistoryKept)
	if err := errors.Join(err, errOther); err != nil || len(msgs) == 0 || len(msgs) != len(other) {
		t.Fatalf("%d and %d messages, %v", len(msgs), len(other), err)
	}
	seen := map[string]bool{}
	for i, m := range msgs {
		who := m.Author + " " + m.ClientID
		if m.Seq != oldest+uint64(i) || seen[who] || other[i].Seq != m.Seq || other[i].ClientID != m.ClientID {
			t.Fatalf("at %d from %d: %v, %v, seen: %v", i, oldest, m, other[i], seen[who])
		}
		seen[who] = true
		if want, ok := said[fmt.Sprint(m.Seq)]; ok && want != who {
			t.Fatalf("seq %d is of %s, acknowledged was %s", m.Seq, who, want)
		}
	}
	newest := msgs[len(msgs)-1].Seq
	for seq, who := range said {
		var n uint64
		if _, err := fmt.Sscan(seq, &n); err != nil || n > newest {
			t.Fatalf("message %s of %s is missing, the newest is %d, %v", seq, who, newest, err)
		}
	}
}
