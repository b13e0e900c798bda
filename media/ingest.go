package media

import (
	"context"
	"log/slog"
	"net"
)

// Authorizer resolves a stream key. It is asked once per publish.
type Authorizer interface {
	// Authorize returns the id of the gig that the key belongs to. An error
	// that is or wraps a *Refusal carries the text that the creator's encoder
	// shows; any other error is shown as a general one.
	Authorize(ctx context.Context, key string) (gigID string, err error)
}

// Refusal is an error whose text is meant for the creator, who reads it in
// the encoder: one plain sentence that says what to do.
type Refusal struct{ Text string }

func (r *Refusal) Error() string { return r.Text }

// IngestOptions configures an Ingest. Zero values mean the defaults named.
type IngestOptions struct {
	MaxConns        int          // open connections in all; 1000
	MaxConnsPerAddr int          // open connections per address that have not published yet; 32
	Logger          *slog.Logger // slog.Default()
}

// Ingest is the RTMP server: it accepts publishers and feeds the relay.
type Ingest struct{}

// NewIngest returns an Ingest that is not serving yet.
func NewIngest(r *Relay, a Authorizer, o IngestOptions) *Ingest { panic("not built yet") }

// Serve accepts on ln until Shutdown; then it returns nil.
func (i *Ingest) Serve(ln net.Listener) error { return nil }

// Shutdown stops accepting, drops the connections and waits for them, or for ctx.
func (i *Ingest) Shutdown(ctx context.Context) error { return nil }
