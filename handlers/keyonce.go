package handlers

import (
	"maps"
	"sync"
	"time"
)

const (
	keyLife    = 10 * time.Minute // how long a new stream key waits to be shown
	keysMax    = 20_000           // waiting at once; beyond it any one gives way
	sweepEvery = time.Second      // expired keys are looked for at most this often
)

// keyOnce holds new stream keys between the request that made one and the
// page that shows it, once. They stay in memory: sessions are written to disk,
// where a key must never stand. What a restart loses is made again by
// rotating. The zero value is ready.
type keyOnce struct {
	mu    sync.Mutex
	byGig map[string]waitingKey
	swept time.Time
	now   func() time.Time // time.Now where nil
}

type waitingKey struct {
	key, owner string
	until      time.Time
}

func (k *keyOnce) time() time.Time {
	if k.now != nil {
		return k.now()
	}
	return time.Now()
}

// put keeps a gig's new key for its owner. An earlier one of the gig is gone.
func (k *keyOnce) put(gigID, owner, key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.time()
	if k.byGig == nil {
		k.byGig = map[string]waitingKey{}
	}
	delete(k.byGig, gigID)
	if len(k.byGig) >= keysMax {
		k.makeRoom(now)
	}
	k.byGig[gigID] = waitingKey{key: key, owner: owner, until: now.Add(keyLife)}
}

// makeRoom drops what has expired, or else any one key: a search for the
// oldest would make each of a flood of listings cost as much as all of them.
func (k *keyOnce) makeRoom(now time.Time) {
	if now.Sub(k.swept) >= sweepEvery {
		k.swept = now
		maps.DeleteFunc(k.byGig, func(_ string, w waitingKey) bool { return now.After(w.until) })
		if len(k.byGig) < keysMax {
			return
		}
	}
	for id := range k.byGig {
		delete(k.byGig, id)
		return
	}
}

// take hands out the gig's key to its owner; a second call finds nothing.
func (k *keyOnce) take(gigID, owner string) (key string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w, ok := k.byGig[gigID]
	if !ok || w.owner != owner {
		return "", false
	}
	delete(k.byGig, gigID)
	if k.time().After(w.until) {
		return "", false
	}
	return w.key, true
}
