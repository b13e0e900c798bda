//go:build !unix

package handlers

import "net"

// hasLeft cannot tell here; the next write does.
func hasLeft(net.Conn) bool { return false }
