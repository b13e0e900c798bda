package handlers

import (
	"bytes"
	"context"
	"time"

	"github.com/a-h/templ"

	"bookmygig/chat"
	"bookmygig/views"
)

// ChatRenderer implements chat.Renderer with the fragments of package views.
type ChatRenderer struct{}

// Message implements chat.Renderer.
func (ChatRenderer) Message(m chat.Message) []byte {
	return fragment(views.ChatMessage(messageModel(m)))
}

// Notice implements chat.Renderer.
func (ChatRenderer) Notice(n chat.Notice) []byte {
	return fragment(views.ChatNotice(views.NoticeModel{
		Joined: n.Joined, JoinedMore: n.JoinedMore,
		Left: n.Left, LeftMore: n.LeftMore,
	}))
}

// Gap implements chat.Renderer.
func (ChatRenderer) Gap() []byte { return fragment(views.ChatGap()) }

// Append implements chat.Renderer. The list is not a component: its items are
// rendered already, and shared.
func (ChatRenderer) Append(items ...[]byte) []byte {
	const head, tail = `<ol id="chat-log" hx-swap-oob="beforeend">`, `</ol>`
	size := len(head) + len(tail)
	for _, it := range items {
		size += len(it)
	}
	frame := append(make([]byte, 0, size), head...)
	for _, it := range items {
		frame = append(frame, it...)
	}
	return append(frame, tail...)
}

// People implements chat.Renderer.
func (ChatRenderer) People(p chat.People) []byte { return fragment(views.ChatPeople(peopleModel(p))) }

// Restart implements chat.Renderer.
func (ChatRenderer) Restart(wait time.Duration) []byte { return fragment(views.ChatRestart(wait)) }

// fragment renders what goes over a socket.
func fragment(c templ.Component) []byte {
	var b bytes.Buffer
	// A buffer takes every byte, and the components make no errors.
	_ = c.Render(context.Background(), &b)
	return b.Bytes()
}

func messageModel(m chat.Message) views.MessageModel {
	return views.MessageModel{
		Seq: m.Seq, Author: m.Author, Name: m.Name, Host: m.Host,
		Text: m.Text, ClientID: m.ClientID, Time: m.Time,
	}
}

func peopleModel(p chat.People) views.PeopleModel {
	return views.PeopleModel{Count: p.Count, Names: p.Names, Host: p.Host}
}
