package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"bookmygig/chat"
)

// messageRecord is a message as the file keeps it; room and seq are its key.
type messageRecord struct {
	Version  int       `json:"v"`
	Author   string    `json:"author"`
	Name     string    `json:"name"`
	Host     bool      `json:"host,omitempty"`
	Text     string    `json:"text"`
	ClientID string    `json:"client_id,omitempty"`
	Time     time.Time `json:"time"`
}

// AppendMessages implements chat.Log.
func (e *Embedded) AppendMessages(ctx context.Context, msgs []chat.Message) ([]chat.Message, []bool, error) {
	if len(msgs) == 0 {
		return nil, nil, nil
	}
	kept := slices.Clone(msgs)
	values := make([][]byte, len(kept))
	for i := range kept {
		kept[i].Time = kept[i].Time.UTC().Round(0)
		var err error
		if values[i], err = encodeMessage(&kept[i]); err != nil {
			return nil, nil, err
		}
	}
	added := make([]bool, len(kept))
	err := e.write(ctx, func(c *commit) error {
		for i := range kept {
			var err error
			if added[i], err = c.append(&kept[i], values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return kept, added, nil
}

// append keeps m under the next seq of its room and drops the message that it
// pushes out of the history. When m was sent before, it becomes the message
// kept then.
func (c *commit) append(m *chat.Message, value []byte) (added bool, err error) {
	messages, err := c.inner(bucketMessages, m.Room)
	if err != nil {
		return false, err
	}
	sent, err := c.inner(bucketSent, m.Room)
	if err != nil {
		return false, err
	}
	if m.ClientID != "" {
		if seq := sent.Get(sentKey(m)); seq != nil {
			*m, err = decodeMessage(m.Room, seq, messages.Get(seq))
			return false, err
		}
	}
	last := messages.Sequence()
	if last >= chat.HistoryKept {
		if err := c.drop(messages, sent, m.Room, keyNumber(last+1-chat.HistoryKept)); err != nil {
			return false, err
		}
	}
	c.wrote = true
	if m.Seq, err = messages.NextSequence(); err != nil {
		return false, unavailable(err)
	}
	seq := keyNumber(m.Seq)
	if m.ClientID != "" {
		if err := c.put(sent, sentKey(m), seq); err != nil {
			return false, err
		}
	}
	return true, c.put(messages, seq, value)
}

// drop removes a message.
func (c *commit) drop(messages, sent *bolt.Bucket, room string, seq []byte) error {
	m, err := decodeMessage(room, seq, messages.Get(seq))
	if err != nil {
		return err
	}
	if m.ClientID != "" {
		if err := c.remove(sent, sentKey(&m)); err != nil {
			return err
		}
	}
	return c.remove(messages, seq)
}

// Messages implements chat.Log.
func (e *Embedded) Messages(ctx context.Context, room string, after uint64, limit int) ([]chat.Message, uint64, error) {
	var msgs []chat.Message
	var oldest uint64
	err := e.read(ctx, func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketMessages).Bucket([]byte(room))
		if b == nil {
			return nil
		}
		c := b.Cursor()
		if first, _ := c.First(); first != nil {
			oldest = binary.BigEndian.Uint64(first)
		}
		key, value := c.Last()
		for ; key != nil && len(msgs) < limit && binary.BigEndian.Uint64(key) > after; key, value = c.Prev() {
			m, err := decodeMessage(room, key, value)
			if err != nil {
				return err
			}
			msgs = append(msgs, m)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	slices.Reverse(msgs)
	return msgs, oldest, nil
}

func sentKey(m *chat.Message) []byte { return []byte(m.Author + "\x00" + m.ClientID) }

func encodeMessage(m *chat.Message) ([]byte, error) {
	if err := checkMessage(m); err != nil {
		return nil, err
	}
	value, err := json.Marshal(messageRecord{
		Version: recordVersion, Author: m.Author, Name: m.Name, Host: m.Host,
		Text: m.Text, ClientID: m.ClientID, Time: m.Time,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return value, nil
}

func decodeMessage(room string, seq, value []byte) (chat.Message, error) {
	var r messageRecord
	if err := decode(value, &r); err != nil {
		return chat.Message{}, err
	}
	return chat.Message{
		Room: room, Seq: binary.BigEndian.Uint64(seq), Author: r.Author, Name: r.Name, Host: r.Host,
		Text: r.Text, ClientID: r.ClientID, Time: r.Time,
	}, nil
}
