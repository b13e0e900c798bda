package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

// stored is a gig as Redis holds it.
type stored struct {
	Gig
	revision uint64 // counts the writes of this gig, from 1
	claim    string // of the stream key; see claim
}

// gigFields names the fields of a gig's hash, beside revision, write and
// key_claim; an empty one is left out. They are those of gigRecord.
func gigFields(g *Gig) map[string]string {
	r := newGigRecord(g, 0)
	return map[string]string{
		"v":               strconv.Itoa(r.Version),
		"id":              r.ID,
		"owner":           r.Owner,
		"creator_name":    r.CreatorName,
		"title":           r.Title,
		"description":     r.Description,
		"category":        string(r.Category),
		"price_cents":     fieldNumber(r.PriceCents),
		"start":           fieldTime(r.Start),
		"end":             fieldTime(r.End),
		"time_zone":       r.TimeZone,
		"payment_pointer": r.PaymentPointer,
		"key_hash":        hex.EncodeToString(r.KeyHash),
		"key_made_at":     fieldTime(r.KeyMadeAt),
		"listed_at":       fieldTime(r.ListedAt),
		"cancelled_at":    fieldTime(r.CancelledAt),
		"ended_at":        fieldTime(r.EndedAt),
		"aired_at":        fieldTime(r.AiredAt),
		"air_time_ns":     fieldNumber(r.AirTimeNS),
		"peak":            fieldNumber(r.Peak),
	}
}

func fieldTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func fieldNumber[N int | time.Duration](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// readGig reads the reply to HGETALL; nil when there is no such gig.
func readGig(reply any) (*stored, error) {
	f, err := redis.StringMap(reply, nil)
	if err != nil {
		return nil, unavailable(err)
	}
	if len(f) == 0 {
		return nil, nil
	}
	var bad error
	note := func(name string, err error) {
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("field %s: %w", name, err))
		}
	}
	number := func(name string) (n int64) {
		if f[name] != "" {
			n, err = strconv.ParseInt(f[name], 10, 64)
			note(name, err)
		}
		return n
	}
	at := func(name string) (t time.Time) {
		if f[name] != "" {
			t, err = time.Parse(time.RFC3339Nano, f[name])
			note(name, err)
		}
		return t
	}
	r := gigRecord{
		ID: f["id"], Owner: f["owner"], CreatorName: f["creator_name"], Title: f["title"], Description: f["description"],
		Category: Category(f["category"]), PriceCents: int(number("price_cents")), Start: at("start"), End: at("end"),
		TimeZone: f["time_zone"], PaymentPointer: f["payment_pointer"],
		KeyMadeAt: at("key_made_at"), ListedAt: at("listed_at"), CancelledAt: at("cancelled_at"), EndedAt: at("ended_at"),
		AiredAt: at("aired_at"), AirTimeNS: time.Duration(number("air_time_ns")), Peak: int(number("peak")),
	}
	r.KeyHash, err = hex.DecodeString(f["key_hash"])
	note("key_hash", err)
	s := &stored{Gig: r.gig(), revision: uint64(number("revision")), claim: f["key_claim"]}
	if bad != nil {
		return nil, unavailable(fmt.Errorf("damaged gig %q: %w", f["id"], bad))
	}
	return s, nil
}
