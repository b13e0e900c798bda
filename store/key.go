package store

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// NewStreamKey returns a new stream key: 130 random bits, letters and digits
// only. The store keeps HashKey of it, never the key.
func NewStreamKey() string { return rand.Text() }

// HashKey returns what the store keeps of a stream key.
func HashKey(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// NewID returns a new public id, such as a gig's or an owner's: 80 random
// bits, lower-case letters and digits.
func NewID() string { return strings.ToLower(rand.Text()[:16]) }
