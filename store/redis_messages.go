package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"bookmygig/chat"
)

// roomTTL is how long a room is kept after its last message.
const roomTTL = 366 * 24 * time.Hour

// appendRoom gives messages of one room their seqs and keeps them; each is
// followed by the fields of its entry. A message that was sent before is not
// kept again. Its answer has for each message its seq, or the entry kept
// before.
var appendRoom = newScript(`
local history, sent = KEYS[1], KEYS[2]
local bound, ttl, width = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local function seq(entry) return tonumber(string.match(entry[1], '^%d+')) end
local length, last = redis.call('XLEN', history), 0
if length > 0 then last = seq(redis.call('XREVRANGE', history, '+', '-', 'COUNT', 1)[1]) end
local answers = {}
for i = 4, #ARGV, width do
	local who, entry = ARGV[i], nil
	if who ~= '' then
		local before = redis.call('HGET', sent, who)
		if before then entry = redis.call('XRANGE', history, before, before)[1] end
	end
	if entry then
		answers[#answers + 1] = entry
	else
		local oldest
		if length >= bound then oldest = redis.call('XRANGE', history, '-', '+', 'COUNT', 1)[1] end
		last = last + 1
		local id = string.format('%.0f', last)
		redis.call('XADD', history, 'MAXLEN', '=', bound, id .. '-0', 'who', unpack(ARGV, i, i + width - 1))
		length = math.min(length + 1, bound)
		if oldest and oldest[2][2] ~= '' then redis.call('HDEL', sent, oldest[2][2]) end
		if who ~= '' then redis.call('HSET', sent, who, id) end
		answers[#answers + 1] = last
	end
end
redis.call('EXPIRE', history, ttl)
redis.call('EXPIRE', sent, ttl)
return answers`)

// entryOf returns the fields of a message in the stream, in the order in which
// appendRoom takes them: the value of "who", then names and values.
func entryOf(m *chat.Message) []any {
	who, host := "", ""
	if m.ClientID != "" {
		who = m.Author + "\x00" + m.ClientID
	}
	if m.Host {
		host = "1"
	}
	return []any{
		who, "author", m.Author, "name", m.Name, "host", host, "text", m.Text,
		"client_id", m.ClientID, "time", m.Time.Format(time.RFC3339Nano), "v", recordVersion,
	}
}

// readEntry reads an entry of a room's stream.
func readEntry(room string, entry any) (chat.Message, error) {
	parts, err := redis.Values(entry, nil)
	if err != nil || len(parts) != 2 {
		return chat.Message{}, unavailable(errors.New("damaged message"))
	}
	id, errID := redis.String(parts[0], nil)
	f, errFields := redis.StringMap(parts[1], nil)
	first, _, _ := strings.Cut(id, "-")
	seq, errSeq := strconv.ParseUint(first, 10, 64)
	at, errTime := time.Parse(time.RFC3339Nano, f["time"])
	if err := errors.Join(errID, errFields, errSeq, errTime); err != nil {
		return chat.Message{}, unavailable(fmt.Errorf("damaged message: %w", err))
	}
	return chat.Message{
		Room: room, Seq: seq, Author: f["author"], Name: f["name"], Host: f["host"] != "",
		Text: f["text"], ClientID: f["client_id"], Time: at,
	}, nil
}

// AppendMessages implements chat.Log, but for one thing: messages of several
// rooms are kept in one step per room, as rooms may lie on different servers.
// Should only some of the steps succeed, the call fails, and sending all again
// completes it: those with a ClientID are not kept twice.
func (r *Redis) AppendMessages(ctx context.Context, msgs []chat.Message) ([]chat.Message, []bool, error) {
	if len(msgs) == 0 {
		return nil, nil, nil
	}
	ctx, cancel := r.patient(ctx)
	defer cancel()
	kept := slices.Clone(msgs)
	var rooms []string
	places := map[string][]int{} // room → places in kept
	again := true
	for i := range kept {
		m := &kept[i]
		m.Time = m.Time.UTC().Round(0)
		if _, err := encodeMessage(m); err != nil {
			return nil, nil, err
		}
		if places[m.Room] == nil {
			rooms = append(rooms, m.Room)
		}
		places[m.Room] = append(places[m.Room], i)
		again = again && m.ClientID != ""
	}
	cmds := make([]command, len(rooms))
	for i, room := range rooms {
		args := []any{chat.HistoryKept, int(roomTTL.Seconds()), 0}
		for _, at := range places[room] {
			fields := entryOf(&kept[at])
			args[2] = len(fields)
			args = append(args, fields...)
		}
		cmds[i] = appendRoom.call([]string{keyHistory(room), keySent(room)}, args...)
	}
	replies, err := r.do(ctx, again, cmds...)
	if err != nil {
		return nil, nil, err
	}
	added := make([]bool, len(kept))
	for i, room := range rooms {
		if err := readAppended(replies[i], room, places[room], kept, added); err != nil {
			return nil, nil, err
		}
	}
	return kept, added, nil
}

// readAppended reads the answer of appendRoom for the messages at places.
func readAppended(reply any, room string, places []int, kept []chat.Message, added []bool) error {
	answers, err := redis.Values(reply, nil)
	if err != nil || len(answers) != len(places) {
		return unavailable(fmt.Errorf("redis answered for %d messages of %d: %w", len(answers), len(places), err))
	}
	for i, at := range places {
		if seq, ok := answers[i].(int64); ok {
			kept[at].Seq, added[at] = uint64(seq), true
		} else if kept[at], err = readEntry(room, answers[i]); err != nil {
			return err
		}
	}
	return nil
}

// newest reads the oldest entry and up to some of the newest ones at the same
// moment. Not by MULTI, which a Redis out of memory refuses.
var newest = newScript(`
return {redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1),
	redis.call('XREVRANGE', KEYS[1], '+', ARGV[1], 'COUNT', ARGV[2])}`)

// Messages implements chat.Log.
func (r *Redis) Messages(ctx context.Context, room string, after uint64, limit int) ([]chat.Message, uint64, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	from := "+" // an answer of at most the newest, which is dropped
	wanted := after < math.MaxUint64 && limit > 0
	if wanted {
		from = strconv.FormatUint(after+1, 10)
	}
	reply, err := r.do1(ctx, true, newest.call([]string{keyHistory(room)}, from, max(limit, 1)))
	if err != nil {
		return nil, 0, err
	}
	both, err := redis.Values(reply, nil)
	if err != nil || len(both) != 2 {
		return nil, 0, unavailable(fmt.Errorf("redis answered %d values: %w", len(both), err))
	}
	oldest, err := readEntries(room, both[0])
	if err != nil {
		return nil, 0, err
	}
	msgs, err := readEntries(room, both[1])
	if err != nil || len(oldest) == 0 {
		return nil, 0, err
	}
	if !wanted {
		msgs = nil
	}
	slices.Reverse(msgs)
	return msgs, oldest[0].Seq, nil
}

func readEntries(room string, reply any) ([]chat.Message, error) {
	entries, err := redis.Values(reply, nil)
	if err != nil {
		return nil, unavailable(err)
	}
	msgs := make([]chat.Message, 0, len(entries))
	for _, e := range entries {
		m, err := readEntry(room, e)
		if err != nil {
			return nil, err
		}
		msgs = append(msgs, m)
	}
	return msgs, nil
}
