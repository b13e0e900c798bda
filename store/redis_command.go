package store

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"time"

	"github.com/gomodule/redigo/redis"
)

// maxPipeline is how many commands go out before the first answer is read.
const maxPipeline = 500

// command is one that goes to Redis.
type command struct {
	name   string
	args   []any
	script *script // when it is the call of one
}

func cmd(name string, args ...any) command { return command{name: name, args: args} }

// script is a Lua script: all that it does happens at once and undisturbed. A
// script refuses when Redis is out of memory only until it has written, so its
// first write must be one that Redis refuses then (not DEL, say).
type script struct{ source, hash string }

func newScript(source string) *script {
	sum := sha1.Sum([]byte(source))
	return &script{source, hex.EncodeToString(sum[:])}
}

func (s *script) call(keys []string, args ...any) command {
	all := make([]any, 0, 2+len(keys)+len(args))
	all = append(all, s.hash, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	return command{name: "EVALSHA", args: append(all, args...), script: s}
}

// inFull is the command with the script's source, for a Redis that does not
// know it yet.
func (c command) inFull() command {
	args := append([]any{c.script.source}, c.args[1:]...)
	return command{name: "EVAL", args: args}
}

// do sends commands, at most maxPipeline together, and returns their replies.
// The first error among them is returned. again says that they may be sent
// again when it is not known whether they happened.
func (r *Redis) do(ctx context.Context, again bool, cmds ...command) ([]any, error) {
	replies := make([]any, 0, len(cmds))
	for len(cmds) > 0 {
		part := cmds[:min(len(cmds), maxPipeline)]
		cmds = cmds[len(part):]
		var some []any
		err := r.with(ctx, again, func(c redis.Conn) (err error) {
			some, err = pipeline(ctx, c, part)
			return err
		})
		if err != nil {
			return nil, err
		}
		replies = append(replies, some...)
	}
	return replies, nil
}

// do1 sends one command.
func (r *Redis) do1(ctx context.Context, again bool, c command) (any, error) {
	replies, err := r.do(ctx, again, c)
	if err != nil {
		return nil, err
	}
	return replies[0], nil
}

// doOn sends one command on a connection.
func doOn(ctx context.Context, c redis.Conn, one command) (any, error) {
	replies, err := pipeline(ctx, c, []command{one})
	if err != nil {
		return nil, err
	}
	return replies[0], nil
}

// pipeline sends commands together and reads their replies. The error of one
// that Redis refused is a *refused when it refused all of them.
func pipeline(ctx context.Context, c redis.Conn, cmds []command) ([]any, error) {
	replies, err := exchange(ctx, c, cmds)
	if err != nil {
		return nil, err
	}
	refusals := 0
	var first error
	for i, reply := range replies {
		e, bad := reply.(redis.Error)
		if bad && cmds[i].script != nil && replied(e, "NOSCRIPT") {
			full, err := exchange(ctx, c, []command{cmds[i].inFull()})
			if err != nil {
				return nil, err
			}
			replies[i] = full[0]
			e, bad = full[0].(redis.Error)
		}
		if bad {
			refusals++
			if first == nil {
				first = e
			}
		}
	}
	if first != nil && refusals == len(cmds) {
		return nil, &refused{first}
	}
	return replies, first
}

// exchange sends commands and reads as many replies; a redis.Error among them
// is a reply.
func exchange(ctx context.Context, c redis.Conn, cmds []command) ([]any, error) {
	for _, one := range cmds {
		if err := c.Send(one.name, one.args...); err != nil {
			return nil, err
		}
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	until := time.Now().Add(readTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	replies := make([]any, len(cmds))
	for i := range replies {
		// One deadline for all. Never none at all: the connection has to know
		// that it failed, or the next one to use it would read our replies.
		reply, err := redis.ReceiveWithTimeout(c, max(time.Until(until), time.Millisecond))
		if e, ok := err.(redis.Error); ok {
			reply = e
		} else if err != nil {
			return nil, err
		}
		replies[i] = reply
	}
	return replies, nil
}
