package store

import "encoding/hex"

// Every key that the store has in Redis. Part of a key in braces is its hash
// tag: keys with one tag lie in one slot of a cluster, so that one script may
// change them together. redisLayout is raised when a key or its contents
// change their form; a Redis of a newer layout is refused.
//
// No key that holds gigs or leads to them has a TTL: a gig is the record of a
// show and is kept for ever, as in the embedded store. Redis must therefore
// not evict: maxmemory-policy noeviction.
const (
	redisLayout = 1

	// Hash: layout, epoch, since. Which memory this is; see Redis.Epoch. No TTL:
	// when it is gone, so is all else.
	keyMeta = "bmg:meta"

	// One slot holds everything that finds gigs; see redis_index.go. No TTL.

	// Stream: the ids of gigs for which the keys below changed, the newest
	// changesKept. Its ids are times, so that none comes twice even when a
	// restart took Redis back to an older state.
	keyChanges = "bmg:{index}:changes"
	// Sorted set: token and gig id, by the milliseconds of Redis at which a
	// write of this gig began that may not be in the index yet. Removed by that
	// write, or after intentAge by whoever finds it.
	keyIntents = "bmg:{index}:intents"
	// Hash: gig id → indexed.String, what the keys below hold of the gig.
	keyIndexed = "bmg:{index}:gigs"
	// Sorted set: members as of indexed.member, by start in seconds since 1970.
	keySchedule = "bmg:{index}:schedule"
	// Sorted set: every word of a gig, all with score 0, hence in their order:
	// to find words by how they begin.
	keyWords = "bmg:{index}:words"
)

// Sorted set: as keySchedule, of one category.
func keyCategory(c Category) string { return "bmg:{index}:category:" + string(c) }

// Sorted set: members as of ownerMember, by ListedAt in seconds since 1970.
func keyOwner(owner string) string { return "bmg:{index}:owner:" + owner }

// Set: ids of the gigs that have the word.
func keyWord(word string) string { return "bmg:{index}:word:" + word }

// Hash: the gig, by the names of gigRecord. No TTL.
func keyGig(id string) string { return "bmg:gig:{" + id + "}" }

// String: as of claim, the gig that has or had or was about to get the stream
// key of this hash; the gig itself says which. No TTL: it leads to a gig. It
// goes when the key is rotated away.
func keyStreamKey(hash [32]byte) string { return "bmg:key:" + hex.EncodeToString(hash[:]) }

// Stream: the room's newest chat.HistoryKept messages; the first part of an id
// is the seq. TTL roomTTL from the last message: the show is over long since,
// and a room that is used goes on for ever.
func keyHistory(room string) string { return "bmg:room:{" + room + "}:history" }

// Hash: author 0 client id → seq, of the messages in keyHistory. TTL as there.
func keySent(room string) string { return "bmg:room:{" + room + "}:sent" }

// String: a session, by its token as scs hashes it. TTL: the session's own.
const keySessionPrefix = "bmg:session:"
