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
// childDirEnv instead of running tests.
const (
	childEnv    = "STORE_TEST_CHILD"
	childDirEnv = "STORE_TEST_DIR"
)

var children = map[string]func(dir string){
	"write for ever": writeForEver,
	"fill the disk":  fillTheDisk,
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
func writeForEver(dir string) {
	e, err := OpenEmbedded(dir)
	must(err)
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

// TestKill kills a process that writes, again and again, and checks each time
// that all it had acknowledged is there, once, and that nothing is half there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	r := random()
	rounds := 50
	gigs, said := 0, map[string]string{} // seq in the room → author and client id
	for range rounds {
		cmd := childCommand("write for ever", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var lines []string
		in := bufio.NewScanner(out)
		for in.Scan() {
			lines = append(lines, in.Text())
			if len(lines) == 1 { // it works: from now on it may be hit anywhere
				time.AfterFunc(time.Duration(r.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" || len(lines) == 0 {
			t.Fatalf("child: %v after %d lines", err, len(lines))
		}
		gigs += checkAfterKill(t, dir, lines, said)
	}
	t.Logf("%d kills, %d gigs and %d messages acknowledged", rounds, gigs, len(said))
}

// checkAfterKill checks the store against what one child acknowledged, and
// returns how many gigs these were. It adds the messages to said.
func checkAfterKill(t *testing.T, dir string, lines []string, said map[string]string) (gigs int) {
	t.Helper()
	e, err := OpenEmbedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, line := range lines {
		switch f := strings.Fields(line); f[0] {
		case "gig":
			gigs++
			if g, err := e.Gig(ctx, f[1]); err != nil || g.KeyHash != HashKey("new "+f[1]) {
				t.Fatalf("%s: %+v, %v", line, g, err)
			}
			if _, err := e.Authorize(ctx, "key of "+f[1]); err == nil {
				t.Fatalf("%s: its old key works", line)
			}
			if id, err := e.Authorize(ctx, "new "+f[1]); id != f[1] {
				t.Fatalf("%s: its key: %v", line, err)
			}
		case "message":
			if before, ok := said[f[1]]; ok {
				t.Fatalf("seq %s was given to %s and to %s", f[1], before, line)
			}
			said[f[1]] = f[2] + " " + f[3]
		}
	}
	checkRooms(t, e, said)
	// Nothing half: each gig is in the listing, and has its owner and its key.
	l := mustList(t, opened{backend: e}, Query{Now: noon, Page: 1, PerPage: 100})
	owned, err := e.GigsByOwner(ctx, "owner-1", 1<<30)
	if err != nil || len(owned) != l.Upcoming {
		t.Fatalf("%d gigs have their owner and %d are listed, %v", len(owned), l.Upcoming, err)
	}
	return gigs
}

// checkRooms checks that both rooms hold the same messages, without holes or
// doubles, and what was acknowledged of those still kept.
func checkRooms(t *testing.T, e *Embedded, said map[string]string) {
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
