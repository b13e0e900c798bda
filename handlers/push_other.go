//go:build !unix

package handlers

// pusher cannot write here without waiting.
type pusher struct{}

func (sc *streamConn) prepare() bool { return false }

func (sc *streamConn) push() error { return nil }
