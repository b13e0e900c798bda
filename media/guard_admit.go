package media

import (
	"encoding/binary"
)

// What a client may set as the window after which we acknowledge. go-rtmp
// acknowledges each half of it; less would be work for nothing.
const (
	minAckWindow = 64 << 10
	maxAckWindow = 2_500_000
)

// admit tells whether go-rtmp may have the message, and rewrites it where
// go-rtmp could not take it as it is. What it does not know is dropped:
// go-rtmp would end the connection for it. An error is the client's fault and
// ends the connection.
func admit(m *message) (bool, error) {
	switch m.typeID {
	case typeAudio, typeVideo:
		return true, nil
	case typeData:
		return admitData(m), nil
	case typeCommandAMF3:
		// An AMF3 command is an AMF0 one behind a byte that says so.
		m.body = m.body[1:]
		return admitCommand(m)
	case typeCommand:
		return admitCommand(m)
	case typeWindowAck:
		return admitWindowAck(m), nil
	}
	return false, nil
}

// admitData lets metadata pass, always in the form with @setDataFrame.
func admitData(m *message) bool {
	if len(m.body) > maxBeforePublish {
		return false
	}
	payload, ok := metadata(m.body)
	if !ok {
		return false
	}
	m.body = append(appendAMFString(nil, nameSetDataFrame), payload...)
	return true
}

// admitCommand lets the commands pass that the ingest acts on. Their
// timestamps mean nothing and go-rtmp would answer with the same, so they
// become 0.
func admitCommand(m *message) (bool, error) {
	c, err := parseCommand(m.body)
	if err != nil {
		return false, err
	}
	switch c.name {
	case "connect", "createStream", "deleteStream", "closeStream", "publish", "play", "FCUnpublish":
	default:
		return false, nil
	}
	if len(c.arg) > maxArgument {
		c.arg = c.arg[:maxArgument]
	}
	m.typeID = typeCommand
	m.timestamp = 0
	m.body = c.encode()
	return true, nil
}

// maxArgument is the most of an application's or a stream's name that is
// passed on, in bytes.
const maxArgument = 1024

// admitWindowAck bounds the acknowledgement window that the client asks for.
func admitWindowAck(m *message) bool {
	if len(m.body) < 4 {
		return false
	}
	n := min(max(binary.BigEndian.Uint32(m.body), minAckWindow), maxAckWindow)
	m.body = binary.BigEndian.AppendUint32(nil, n)
	m.streamID = 0
	return true
}
