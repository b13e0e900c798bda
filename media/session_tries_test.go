package media

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTries(t *testing.T) {
	var tr tries
	now := time.Unix(1000, 0)
	for n := range tryBurst {
		if !tr.take(addrA, now) {
			t.Fatalf("try %d is refused", n)
		}
	}
	if tr.take(addrA, now) {
		t.Error("one try too many")
	}
	if !tr.take(addrB, now) {
		t.Error("another address is refused")
	}
	if tr.take(addrA, now.Add(tryInterval-1)) {
		t.Error("a try came back early")
	}
	if now = now.Add(tryInterval); !tr.take(addrA, now) || tr.take(addrA, now) {
		t.Error("not exactly one try came back")
	}
	tr.giveBack(addrA)
	if !tr.take(addrA, now) {
		t.Error("a try that was given back is refused")
	}
	tr.giveBack(addrB)
	tr.giveBack(netip.MustParseAddr("192.0.2.77"))
	if _, ok := tr.spent[addrB]; ok {
		t.Error("an address with all its tries is remembered")
	}
}

func TestTriesAreBounded(t *testing.T) {
	var tr tries
	now := time.Unix(1000, 0)
	for n := range 3 * maxTryGroups {
		addr := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		if !tr.take(addr, now) {
			t.Fatal("a new address is refused")
		}
	}
	if n := len(tr.spent); n > maxTryGroups {
		t.Errorf("%d addresses remembered", n)
	}
	tr.take(addrA, now.Add(time.Hour))
	if n := len(tr.spent); n != 1 {
		t.Errorf("%d addresses remembered after an hour", n)
	}
}

// Ten thousand guesses reach the store at the pace that is allowed, the
// address is told to wait, and the right key is accepted right after.
func TestGuessing(t *testing.T) {
	var asked atomic.Int32
	r := newRecorder()
	p := serveIngest(t, authFunc(func(_ context.Context, key string) (string, error) {
		if key == testKey {
			return "gig", nil
		}
		asked.Add(1)
		return "", &Refusal{refuseTest}
	}), recordInto(r))
	const guesses, workers = 10_000, 8
	var waits atomic.Int32
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range guesses / workers {
				if strings.Contains(guess(p.addr, fmt.Sprintf("canary-%d-%d", w, n)), "Too many wrong") {
					waits.Add(1)
				}
			}
		})
	}
	wg.Wait()
	allowed := int32(tryBurst + time.Since(start)/tryInterval + 1)
	if n := asked.Load(); n < tryBurst || n > allowed {
		t.Errorf("the store was asked %d times, %d are allowed", n, allowed)
	}
	if n := waits.Load(); n < guesses-allowed {
		t.Errorf("%d of %d guesses were told to wait", n, guesses)
	}
	until := time.Now().Add(5 * time.Second)
	for !strings.Contains(guess(p.addr, testKey), "NetStream.Publish.Start") {
		if time.Now().After(until) {
			t.Fatal("the right key is still refused")
		}
	}
	p.noise.flush()
	if strings.Contains(p.log.String(), "canary") {
		t.Error("a key is in the log")
	}
	if n := strings.Count(p.log.String(), "\n"); n > 600 {
		t.Errorf("%d log lines", n)
	}
}

// guess publishes with a key and returns what the server sent.
func guess(addr, key string) string {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = conn.Write(opening(key))
	_ = conn.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(conn)
	return string(b)
}

// A key that is replaced while its publisher comes in does not stay on air.
func TestKeyReplacedDuringPublish(t *testing.T) {
	var asked atomic.Int32
	r := newRecorder()
	p := serveIngest(t, authFunc(func(context.Context, string) (string, error) {
		if asked.Add(1) > 1 {
			return "", &Refusal{refuseTest}
		}
		return "gig", nil
	}), recordInto(r))
	if said := guess(p.addr, testKey); !strings.Contains(said, refuseTest) || strings.Contains(said, "Publish.Start") {
		t.Errorf("the encoder was told %q", said)
	}
	awaitEnd(t, r)
}
