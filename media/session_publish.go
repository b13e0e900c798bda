package media

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/yutopp/go-rtmp"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// authorizeWait is the most that the Authorizer may take.
const authorizeWait = 3 * time.Second

// Texts that a creator reads in the encoder, beside those of the Authorizer.
const (
	textTooMany = "Too many wrong stream keys came from your address. Wait a moment, then try again."
	textBusy    = "Several encoders are using this stream key. Stop all but one, then try again."
	textLimit   = "The server is full. Try again in a minute."
	textTrouble = "Your stream key could not be checked just now. Try again in a minute."
	textAddress = "The server address is not right. Copy it again from your studio page: it ends in /live."
)

// OnPublish checks the stream key and makes the connection a publisher. A
// refusal is told to the encoder before the error ends the connection.
func (s *session) OnPublish(sc *rtmp.StreamContext, _ uint32, cmd *rtmpmsg.NetStreamPublish) (err error) {
	defer s.recovered(&err)
	if s.pub != nil {
		return errRefused
	}
	// Some encoders add settings of their own behind the key.
	key, _, _ := strings.Cut(cmd.PublishingName, "?")
	s.stream = sc.StreamID
	if err := s.takeStage(key); err != nil {
		return s.refusePublish(err)
	}
	s.visit.publishing()
	s.in.gate.advance(s.visit.entrant, stagePublishing)
	s.in.log.Info("publisher started", "gig", s.gigID, "addr", s.visit.RemoteAddr().String())
	return nil
}

// takeStage makes the connection the publisher of the key's gig. The key is
// checked once more afterwards: one that was replaced in between has found
// nobody to drop.
func (s *session) takeStage(key string) error {
	gigID, err := s.authorize(key)
	if err != nil {
		return err
	}
	pub, err := s.in.publish(gigID, PublisherInfo{
		Addr: s.visit.RemoteAddr().String(),
		Kick: s.visit.kick,
	})
	if err != nil {
		return err
	}
	s.pub, s.gigID, s.since = pub, gigID, time.Now()
	if _, err = s.authorize(key); err != nil {
		s.pub = nil
		pub.Close()
	}
	return err
}

// authorize resolves the key, unless the address has had too many wrong ones.
func (s *session) authorize(key string) (string, error) {
	addr := s.visit.entrant.addr
	if !s.in.tries.take(addr, time.Now()) {
		return "", &Refusal{textTooMany}
	}
	ctx, cancel := context.WithTimeout(s.in.ctx, authorizeWait)
	defer cancel()
	gigID, err := s.in.auth.Authorize(ctx, key)
	if refusal := (*Refusal)(nil); !errors.As(err, &refusal) {
		s.in.tries.giveBack(addr)
	}
	return gigID, err
}

// refusePublish tells the encoder why it may not publish. BadName makes OBS
// stop; after Failed it tries again by itself.
func (s *session) refusePublish(why error) error {
	code := rtmpmsg.NetStreamOnStatusCodePublishFailed
	text := textTrouble
	class := "trouble while checking a stream key"
	var refusal *Refusal
	switch {
	case errors.As(why, &refusal):
		code, text, class = rtmpmsg.NetStreamOnStatusCodePublishBadName, refusal.Text, "publish refused"
	case errors.Is(why, ErrBusy):
		text, class = textBusy, "too many takeovers"
	case errors.Is(why, ErrLimit):
		text, class = textLimit, "publisher over the limit"
	}
	s.in.noise.add(class, s.visit.RemoteAddr())
	return s.dismiss(errRefused, code, text)
}

// tooFast ends the publisher of an encoder that sends more than the server
// takes, and tells it why. FFmpeg shows the text and stops. OBS reads nothing
// once it sends, and dials again by itself: there the studio has to say it.
func (s *session) tooFast(bitrate int) error {
	s.pub.TooFast(bitrate)
	s.unpublish(errTooFast)
	return s.dismiss(errTooFast, rtmpmsg.NetStreamOnStatusCodePublishBadName, textTooFast(bitrate, s.in.bitrate))
}

// dismiss tells the encoder why the connection ends. The error returned ends it.
func (s *session) dismiss(why error, code rtmpmsg.NetStreamOnStatusCode, text string) error {
	s.reason = why
	s.visit.lingering()
	err := s.command(s.stream, "onStatus", 0, &rtmpmsg.NetStreamOnStatus{
		InfoObject: rtmpmsg.NetStreamOnStatusInfoObject{
			Level: rtmpmsg.NetStreamOnStatusLevelError, Code: code, Description: text,
		},
	})
	return errors.Join(why, err)
}

// refuseConnect tells the encoder that the application is not the right one.
func (s *session) refuseConnect() error {
	s.in.noise.add("wrong application", s.visit.RemoteAddr())
	s.reason = errRefused
	s.visit.lingering()
	err := s.command(rtmp.ControlStreamID, "_error", 1, rejection{
		"level": "error", "code": "NetConnection.Connect.Rejected", "description": textAddress,
	})
	return errors.Join(errRefused, err)
}

// rejection is the body of a refused connect: the information twice, as
// FFmpeg looks for the description where the properties belong.
type rejection map[string]any

// FromArgs is not used.
func (rejection) FromArgs(...any) error { return errors.ErrUnsupported }

// ToArgs returns the values to encode.
func (r rejection) ToArgs(rtmpmsg.EncodingType) ([]any, error) {
	return []any{map[string]any(r), map[string]any(r)}, nil
}

// command writes a command message. go-rtmp's writing is for one goroutine,
// so it is called in callbacks only.
func (s *session) command(streamID uint32, name string, transaction int64, body rtmpmsg.AMFConvertible) error {
	var buf bytes.Buffer
	if err := rtmpmsg.EncodeBodyAnyValues(rtmpmsg.NewAMFEncoder(&buf, rtmpmsg.EncodingTypeAMF0), body); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.in.times.write)
	defer cancel()
	return s.conn.Write(ctx, 3, 0, &rtmp.ChunkMessage{StreamID: streamID, Message: &rtmpmsg.CommandMessage{
		CommandName: name, TransactionID: transaction, Encoding: rtmpmsg.EncodingTypeAMF0, Body: &buf,
	}})
}
