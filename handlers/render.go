package handlers

import "bookmygig/chat"

// ChatRenderer implements chat.Renderer with the fragments of package views.
type ChatRenderer struct{}

// Message implements chat.Renderer.
func (ChatRenderer) Message(m chat.Message) []byte { return nil }

// Notice implements chat.Renderer.
func (ChatRenderer) Notice(n chat.Notice) []byte { return nil }

// People implements chat.Renderer.
func (ChatRenderer) People(p chat.People) []byte { return nil }

// Gap implements chat.Renderer.
func (ChatRenderer) Gap() []byte { return nil }
