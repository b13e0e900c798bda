package media

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/handshake"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// Push publishes an FLV file to an RTMP server as an encoder would, at the
// pace of its timestamps. rtmpURL is what a creator types as the server, such
// as rtmp://localhost:1935/live; key is the stream key. With loop it goes on
// from the file's start when it comes to its end, with timestamps that go on
// rising; else it ends there.
//
// It returns nil at the end of the file and when ctx ends, in both cases after
// it told the server so; otherwise why it could not publish, with the
// server's own words where it refused. No error holds the key.
func Push(ctx context.Context, rtmpURL, key string, flv []byte, loop bool) error {
	return PushFrom(ctx, rtmpURL, key, flv, loop, 0)
}

// PushFrom is Push with timestamps that begin at start instead of 0, as those
// of an encoder do that has been running for so long. They are counted in
// milliseconds of 32 bits, and wrap.
func PushFrom(ctx context.Context, rtmpURL, key string, flv []byte, loop bool, start time.Duration) error {
	clip, err := readClip(flv)
	if err != nil {
		return err
	}
	p, err := dialPusher(ctx, rtmpURL)
	if err != nil {
		return err
	}
	defer p.close()
	return p.run(ctx, key, clip, loop, start)
}

// run publishes the clip over a connection that has shaken hands.
func (p *pusher) run(ctx context.Context, key string, clip *clip, loop bool, start time.Duration) error {
	// The end of ctx interrupts the waits of the opening; the sending looks
	// at ctx itself, so that it can end cleanly.
	stop := context.AfterFunc(ctx, func() { _ = p.conn.SetDeadline(time.Now()) })
	err := p.open(key)
	if !stop() || ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("media: push: %w", err)
	}
	gone := make(chan error, 1)
	go func() {
		gone <- p.drain()
		close(gone)
	}()
	err = p.send(ctx, clip, loop, start, gone)
	p.hangUp(gone)
	if err != nil {
		return fmt.Errorf("media: push: %w", err)
	}
	return nil
}

// hangUp ends our side and gives the server a moment to read it all and to
// end its own; closing at once could reset the connection before that.
func (p *pusher) hangUp(gone <-chan error) {
	if c, ok := p.conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
	select {
	case <-gone:
	case <-time.After(2 * time.Second):
	}
	_ = p.conn.Close()
	for range gone { // until the reading goroutine has ended
	}
}

// pushWait is the most that one step of the opening, or one write, may take.
const pushWait = 10 * time.Second

// pushChunkSize is what Push sends in one chunk.
const pushChunkSize = 64 << 10

// pusher is the client's end of an RTMP connection, made of go-rtmp's parts.
// Its ready-made client has no deadlines, cannot end a wait and does not tell
// what the server says to a publish.
type pusher struct {
	conn   net.Conn
	chunks *rtmp.ChunkStreamer
	app    string
	tcURL  string
	stream uint32 // as the server named it
}

// dialPusher connects and shakes hands.
func dialPusher(ctx context.Context, rtmpURL string) (*pusher, error) {
	u, err := url.Parse(rtmpURL)
	if err != nil || u.Scheme != "rtmp" || u.Hostname() == "" {
		return nil, errors.New("media: push: not an rtmp:// address")
	}
	port := u.Port()
	if port == "" {
		port = "1935"
	}
	d := net.Dialer{Timeout: pushWait}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, fmt.Errorf("media: push: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(pushWait))
	if err := handshake.HandshakeWithServer(conn, conn, &handshake.Config{SkipHandshakeVerification: true}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("media: push: %w", err)
	}
	return &pusher{
		conn:   conn,
		chunks: rtmp.NewChunkStreamer(bufio.NewReader(conn), bufio.NewWriterSize(conn, pushChunkSize), nil),
		app:    strings.Trim(u.Path, "/"),
		tcURL:  rtmpURL,
	}, nil
}

// close ends go-rtmp's writing goroutine and waits for it.
func (p *pusher) close() {
	_ = p.conn.Close()
	_ = p.chunks.Close()
	<-p.chunks.Done()
}

// open connects, creates a stream and publishes.
func (p *pusher) open(key string) error {
	if err := p.write(2, 0, 0, &rtmpmsg.SetChunkSize{ChunkSize: pushChunkSize}); err != nil {
		return err
	}
	if err := p.flush(2); err != nil {
		return err
	}
	if err := p.chunks.SelfState().SetChunkSize(pushChunkSize); err != nil {
		return err
	}
	if err := p.command(0, "connect", 1, &rtmpmsg.NetConnectionConnect{Command: rtmpmsg.NetConnectionConnectCommand{
		App: p.app, Type: "nonprivate", FlashVer: "FMLE/3.0 (compatible; BookMyGig)", TCURL: p.tcURL,
	}}); err != nil {
		return err
	}
	if _, err := p.reply("_result"); err != nil {
		return err
	}
	if err := p.command(0, "createStream", 2, &rtmpmsg.NetConnectionCreateStream{}); err != nil {
		return err
	}
	created, err := p.reply("_result")
	if err != nil {
		return err
	}
	p.stream = created.number
	if err := p.command(p.stream, "publish", 3, &rtmpmsg.NetStreamPublish{
		PublishingName: key, PublishingType: "live",
	}); err != nil {
		return err
	}
	_, err = p.reply("onStatus")
	return err
}

// answer is what Push wants of a command that the server sent.
type answer struct {
	number      uint32 // last number among the arguments
	description string
	failed      bool
}

// reply reads until the command of that name. What the server reports as an
// error becomes one.
func (p *pusher) reply(name string) (answer, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(pushWait))
	for {
		var m rtmp.ChunkMessage
		if _, _, err := p.chunks.Read(&m); err != nil {
			return answer{}, err
		}
		if size, ok := m.Message.(*rtmpmsg.SetChunkSize); ok {
			if err := p.chunks.PeerState().SetChunkSize(size.ChunkSize); err != nil {
				return answer{}, err
			}
		}
		cmd, ok := m.Message.(*rtmpmsg.CommandMessage)
		if !ok || cmd.CommandName != name && cmd.CommandName != "_error" {
			continue
		}
		a := readAnswer(cmd)
		if a.failed {
			return a, fmt.Errorf("the server refused: %s", a.description)
		}
		return a, nil
	}
}

// readAnswer decodes the arguments of a command that the server sent.
func readAnswer(cmd *rtmpmsg.CommandMessage) answer {
	a := answer{failed: cmd.CommandName == "_error"}
	dec := rtmpmsg.NewAMFDecoder(cmd.Body, cmd.Encoding)
	for {
		var v any
		if dec.Decode(&v) != nil {
			return a
		}
		switch v := v.(type) {
		case float64:
			a.number = uint32(v)
		case map[string]any:
			if text, ok := v["description"].(string); ok {
				a.description = text
			}
			if v["level"] == "error" {
				a.failed = true
			}
		}
	}
}

// drain reads on until the connection ends, as go-rtmp would write
// acknowledgements from the reading goroutine, beside us.
func (p *pusher) drain() error {
	_ = p.conn.SetReadDeadline(time.Time{})
	b := make([]byte, 1024)
	for {
		if _, err := p.conn.Read(b); err != nil {
			return err
		}
	}
}

// send writes the clip, once or in a loop, and then the end.
func (p *pusher) send(ctx context.Context, c *clip, loop bool, start time.Duration, gone <-chan error) error {
	began := time.Now()
	var offset time.Duration
	for round := 0; round == 0 || loop; round++ {
		for _, tag := range c.tags {
			if loop && tag.endOfSequence() {
				continue
			}
			at := offset + time.Duration(tag.timestamp)*time.Millisecond
			select {
			case <-time.After(time.Until(began.Add(at))):
			case <-ctx.Done():
				return p.finish()
			case err := <-gone:
				return fmt.Errorf("the server ended the connection: %w", err)
			}
			if err := p.writeTag(uint32((start + at).Milliseconds()), tag); err != nil {
				return err
			}
		}
		offset += c.length
	}
	return p.finish()
}

// writeTag sends one FLV tag as the message that it is.
func (p *pusher) writeTag(timestamp uint32, tag clipTag) error {
	body := bytes.NewReader(tag.body)
	switch tag.kind {
	case TagAudio:
		return p.write(4, p.stream, timestamp, &rtmpmsg.AudioMessage{Payload: body})
	case TagVideo:
		return p.write(6, p.stream, timestamp, &rtmpmsg.VideoMessage{Payload: body})
	default:
		return p.write(8, p.stream, timestamp, &rtmpmsg.DataMessage{
			Name: nameSetDataFrame, Encoding: rtmpmsg.EncodingTypeAMF0, Body: body})
	}
}

// finish tells the server that the show is over.
func (p *pusher) finish() error {
	if err := p.command(0, "FCUnpublish", 4, &rtmpmsg.NetStreamFCUnpublish{}); err != nil {
		return err
	}
	if err := p.command(0, "deleteStream", 5, &rtmpmsg.NetStreamDeleteStream{StreamID: p.stream}); err != nil {
		return err
	}
	return p.flush(3)
}

// flush waits until what was written on a chunk stream has left. It takes the
// chunk stream's writer to do so: nothing can be written on it afterwards.
func (p *pusher) flush(chunkStream int) error {
	ctx, cancel := context.WithTimeout(context.Background(), pushWait)
	defer cancel()
	_, err := p.chunks.NewChunkWriter(ctx, chunkStream)
	return err
}

// command sends a command message.
func (p *pusher) command(stream uint32, name string, transaction int64, body rtmpmsg.AMFConvertible) error {
	var buf bytes.Buffer
	if err := rtmpmsg.EncodeBodyAnyValues(rtmpmsg.NewAMFEncoder(&buf, rtmpmsg.EncodingTypeAMF0), body); err != nil {
		return err
	}
	return p.write(3, stream, 0, &rtmpmsg.CommandMessage{
		CommandName: name, TransactionID: transaction, Encoding: rtmpmsg.EncodingTypeAMF0, Body: &buf})
}

// write hands a message to go-rtmp, which sends it in a goroutine of its own.
func (p *pusher) write(chunkStream int, stream, timestamp uint32, m rtmpmsg.Message) error {
	if err := p.conn.SetWriteDeadline(time.Now().Add(pushWait)); err != nil {
		return err
	}
	select {
	case <-p.chunks.Done():
		return errors.Join(errors.New("the connection is gone"), p.chunks.Err())
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), pushWait)
	defer cancel()
	return p.chunks.Write(ctx, chunkStream, timestamp, &rtmp.ChunkMessage{StreamID: stream, Message: m})
}
