package media

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"
)

func TestGuardCommands(t *testing.T) {
	null := []byte{amfNull}
	tests := []struct {
		name string
		in   []byte
		want []byte // nil: dropped
	}{
		{"connect", craft(str("connect"), number(1), object("app", "live")),
			craft(str("connect"), number(1), object("app", "live"))},
		{"connect with more", craft(str("connect"), number(1), []byte{amfObject, 0, 1, 'x', amfUndefined, 0, 3}, "app",
			str("live/"), []byte{0, 1, 'y', amfStrictArray, 0, 0, 0, 1, amfNull, 0, 0, amfObjectEnd}, str("more")),
			craft(str("connect"), number(1), object("app", "live/"))},
		{"connect with an array", craft(str("connect"), number(1), []byte{amfECMAArray, 0, 0, 0, 1, 0, 3}, "app",
			str("live"), []byte{0, 0, amfObjectEnd}),
			craft(str("connect"), number(1), object("app", "live"))},
		{"app is no string", craft(str("connect"), number(1), []byte{amfObject, 0, 3}, "app", number(5), []byte{0, 0, amfObjectEnd}),
			craft(str("connect"), number(1), object("app", ""))},
		{"createStream", craft(str("createStream"), number(4), null), craft(str("createStream"), number(4), null)},
		{"createStream bare", craft(str("createStream"), number(4)), craft(str("createStream"), number(4), null)},
		{"publish", craft(str("publish"), number(5), null, str("k"), str("live")), craft(str("publish"), number(5), null, str("k"), str("live"))},
		{"publish to record", craft(str("publish"), number(5), null, str("k"), str("record")), craft(str("publish"), number(5), null, str("k"), str("live"))},
		{"publish without a type", craft(str("publish"), number(5), null, str("k")), craft(str("publish"), number(5), null, str("k"), str("live"))},
		{"publish, not UTF-8", craft(str("publish"), number(5), null, str("k\xff")), craft(str("publish"), number(5), null, str("k\uFFFD"), str("live"))},
		{"publish, long", craft(str("publish"), number(5), null, str(strings.Repeat("k", 5000))),
			craft(str("publish"), number(5), null, str(strings.Repeat("k", maxArgument)), str("live"))},
		{"play", craft(str("play"), number(5), null, str("k"), number(-2000)), craft(str("play"), number(5), null, str("k"))},
		{"FCUnpublish", craft(str("FCUnpublish"), number(0), null, str("k")), craft(str("FCUnpublish"), number(0), null, str("k"))},
		{"deleteStream", craft(str("deleteStream"), number(0), null, number(1)), craft(str("deleteStream"), number(0), null, number(1))},
		{"deleteStream of a string", craft(str("deleteStream"), number(0), null, str("k")), craft(str("deleteStream"), number(0), null, number(1))},
		{"deleteStream of the control stream", craft(str("deleteStream"), number(0), null, number(0)), craft(str("deleteStream"), number(0), null, number(1))},
		{"closeStream", craft(str("closeStream"), number(0), null), craft(str("closeStream"), number(0), null)},
		{"odd transaction", craft(str("createStream"), number(math.NaN()), null), craft(str("createStream"), number(0), null)},
		{"huge transaction", craft(str("createStream"), number(1e300), null), craft(str("createStream"), number(0), null)},
		{"releaseStream", craft(str("releaseStream"), number(2), null, str("k")), nil},
		{"FCPublish", craft(str("FCPublish"), number(3), null, str("k")), nil},
		{"answer to nothing", craft(str("_result"), number(7), null), nil},
		{"unknown", craft(str("_checkbw"), number(7), null), nil},
	}
	for _, tt := range tests {
		for _, form := range []struct {
			typeID byte
			lead   []byte
		}{{typeCommand, nil}, {typeCommandAMF3, []byte{0}}} {
			in := craft(hello, whole(3, form.typeID, 55, craft(form.lead, tt.in)), whole(6, typeAudio, 1, []byte{1}))
			got, err := through(t, bytes.NewReader(in), false)
			if err != io.EOF {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			want := []message{{typeID: typeCommand, body: tt.want}, {typeID: typeAudio, timestamp: 1, body: []byte{1}}}
			if tt.want == nil {
				want = want[1:]
			}
			sameMessages(t, got[1:], want)
		}
	}
}

func TestGuardData(t *testing.T) {
	meta := craft(str("onMetaData"), []byte{amfECMAArray, 0, 0, 0, 1, 0, 5}, "width", number(1280), []byte{0, 0, amfObjectEnd})
	want := craft(str("@setDataFrame"), meta)
	tests := []struct {
		name string
		in   []byte
		want []byte // nil: dropped
	}{
		{"with @setDataFrame", want, want},
		{"bare", meta, want},
		{"more behind", craft(meta, str("more")), want},
		{"other data", craft(str("onTextData"), object("a", "b")), nil},
		{"other data to keep", craft(str("@setDataFrame"), str("onCuePoint"), object("a", "b")), nil},
		{"cleared", craft(str("@clearDataFrame"), str("onMetaData")), nil},
		{"no value", str("onMetaData"), nil},
		{"no end", meta[:len(meta)-1], nil},
		{"no name", number(1), nil},
		{"too large", craft(str("onMetaData"), object("a", strings.Repeat("b", 65000)), object("a", strings.Repeat("b", 65000))), nil},
	}
	for _, tt := range tests {
		in := craft(hello, whole(4, typeData, 9, tt.in), whole(6, typeAudio, 1, []byte{1}))
		got, err := through(t, bytes.NewReader(in), true)
		if err != io.EOF {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		wanted := []message{{typeID: typeData, timestamp: 9, body: tt.want}, {typeID: typeAudio, timestamp: 1, body: []byte{1}}}
		if tt.want == nil {
			wanted = wanted[1:]
		}
		sameMessages(t, got[1:], wanted)
	}
}

func TestGuardWindowAck(t *testing.T) {
	for asked, want := range map[uint32]uint32{0: minAckWindow, 1: minAckWindow, 1_000_000: 1_000_000, math.MaxUint32: maxAckWindow} {
		got, err := through(t, bytes.NewReader(craft(hello, whole(2, typeWindowAck, 0, num(asked)))), false)
		if err != io.EOF || len(got) != 2 || binary.BigEndian.Uint32(got[1].body) != want || got[1].streamID != 0 {
			t.Errorf("%d: %v, %v", asked, got, err)
		}
	}
	got, err := through(t, bytes.NewReader(craft(hello, whole(2, typeWindowAck, 0, []byte{1}))), false)
	if err != io.EOF || len(got) != 1 {
		t.Errorf("cut short: %v, %v", got, err)
	}
}
