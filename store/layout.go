package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The file, inside the data folder.
const fileName = "bookmygig.db"

// layoutVersion is raised when buckets or their keys change; a file of a newer
// layout is refused. recordVersion stands in every JSON value as "v", so that
// values can be read in the form in which they were written.
const (
	layoutVersion = 1
	recordVersion = 1
)

// The buckets: all that the file holds. Times in keys are microseconds since
// 1970 and numbers are 8 bytes, big-endian, so that keys sort by them. The
// bytes 0 in keys separate parts; no part before one may contain it.
var (
	// "layout" → layoutVersion in decimal.
	bucketMeta = []byte("meta")

	// gig id → gigRecord. Kept for ever: a gig is the record of a show.
	bucketGigs = []byte("gigs")
	// SHA-256 of a stream key → gig id, for Authorize. One per gig that has a
	// key: the newest.
	bucketKeys = []byte("keys")
	// owner 0 ListedAt gig id → nothing, for GigsByOwner.
	bucketOwners = []byte("owners")

	// room → bucket of: seq → messageRecord, the newest chat.HistoryKept. The
	// sequence number of the inner bucket is the room's last seq; it stays when
	// messages are pruned.
	bucketMessages = []byte("messages")
	// room → bucket of: author 0 client id → seq, of the messages kept, so that
	// a resend finds the first one.
	bucketSent = []byte("sent")

	// token → sessionRecord, until it expires.
	bucketSessions = []byte("sessions")
	// expiry token → nothing: which sessions to purge next.
	bucketExpiry = []byte("sessions-by-expiry")
)

var metaLayout = []byte("layout")

// prepare makes the buckets of a new file and checks the layout of an old one.
func prepare(tx *bolt.Tx) error {
	for _, name := range [][]byte{
		bucketMeta, bucketGigs, bucketKeys, bucketOwners,
		bucketMessages, bucketSent, bucketSessions, bucketExpiry,
	} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	have := meta.Get(metaLayout)
	if have == nil {
		return meta.Put(metaLayout, []byte(strconv.Itoa(layoutVersion)))
	}
	if v, err := strconv.Atoi(string(have)); err != nil || v > layoutVersion {
		return fmt.Errorf("its layout is %q and this program knows only up to %d; use a newer version of the program", have, layoutVersion)
	}
	return nil
}

// keyNumber is how a number stands in a key.
func keyNumber(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// keyTime is how a time stands in a key. Turning the sign bit makes times
// before 1970 sort first.
func keyTime(t time.Time) []byte { return keyNumber(uint64(t.UnixMicro()) ^ 1<<63) }

// decode reads a JSON value of the file into record.
func decode(value []byte, record any) error {
	if err := json.Unmarshal(value, record); err != nil {
		return unavailable(fmt.Errorf("damaged value: %w", err))
	}
	return nil
}

// unavailable marks an error of the file or the disk.
func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
