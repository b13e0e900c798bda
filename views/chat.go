package views

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// ChatModel is the chat beside the stage.
type ChatModel struct {
	GigID  string
	Log    []MessageModel // what was said so far, in order
	People PeopleModel
	Say    SayModel
}

// MessageModel is one message of the log.
type MessageModel struct {
	Seq      uint64
	Author   string // public id
	Name     string
	Host     bool
	Text     string
	ClientID string // by which the sender's page knows it again
	Time     time.Time
}

func (m MessageModel) id() string { return "m-" + strconv.FormatUint(m.Seq, 10) }

// tint is one of the five colours of names, always the same for an author.
func (m MessageModel) tint() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(m.Author)) // never fails
	return strconv.Itoa(1 + int(h.Sum32()%5))
}

// NoticeModel tells of comings and goings.
type NoticeModel struct {
	Joined, Left         []string
	JoinedMore, LeftMore int // further ones
}

// short reports whether the names fit the line without a summary before them.
func (m NoticeModel) short() bool { return m.joined()+m.left() <= 2 }

func (m NoticeModel) joined() int { return len(m.Joined) + m.JoinedMore }
func (m NoticeModel) left() int   { return len(m.Left) + m.LeftMore }

// summary is such as "5 people joined, 2 left".
func (m NoticeModel) summary() string {
	joined, left := m.joined(), m.left()
	switch {
	case left == 0:
		return people(joined) + " joined"
	case joined == 0:
		return people(left) + " left"
	}
	return fmt.Sprintf("%s joined, %d left", people(joined), left)
}

// names is such as "Yui, Lena and 3 more joined. Rob left."
func (m NoticeModel) names() string {
	var parts []string
	if m.joined() > 0 {
		parts = append(parts, listed(m.Joined, m.JoinedMore)+" joined.")
	}
	if m.left() > 0 {
		parts = append(parts, listed(m.Left, m.LeftMore)+" left.")
	}
	return strings.Join(parts, " ")
}

// listed joins names to "A", "A and B", "A, B and 3 more".
func listed(names []string, more int) string {
	if more > 0 {
		names = append(names[:len(names):len(names)], strconv.Itoa(more)+" more")
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return strconv.Itoa(n) + " people"
}

// PeopleModel is who is in the chat.
type PeopleModel struct {
	Count int
	Names []string // host first
	Host  bool     // Names[0] is the host
}

// more is the line below the names, or "".
func (m PeopleModel) more() string {
	n := m.Count - len(m.Names)
	switch {
	case n <= 0 && m.Count == 0:
		return "Nobody yet"
	case n <= 0:
		return ""
	case len(m.Names) == 0:
		return people(n) + ", no names yet"
	}
	return fmt.Sprintf("and %d more", n)
}

// countName follows the number for those who do not see the sign beside it.
func (m PeopleModel) countName() string {
	if m.Count == 1 {
		return " person in the chat, show who"
	}
	return " people in the chat, show who"
}

// The states of the chat's foot.
const (
	SayName   = "name"   // asks for a name
	SayChat   = "chat"   // takes messages
	SayClosed = "closed" // says that the chat is closed
)

// SayModel is the foot of the chat. Its zero value is not usable: State must
// be set.
type SayModel struct {
	State  string // SayName, SayChat or SayClosed
	Name   string // the person's name, as far as there is one
	Error  string // why the name was refused, or ""
	Rename bool   // asks for another name
	Host   bool   // the creator, who cannot choose a name
	Over   bool   // the show has ended
	// Secret, when not empty, makes the page keep Name in the session over
	// ordinary HTTP, which can set the cookie that a socket cannot.
	Secret string
}

func (m SayModel) hint() string {
	switch {
	case m.Over:
		return "Say thank you"
	case m.Host:
		return "Say hello to the house"
	}
	return "Say something kind"
}

func (m SayModel) join() string {
	if m.Rename {
		return "Use this name"
	}
	return "Join the chat"
}

// SlowModel is the line above the field, for one person.
type SlowModel struct {
	Text    string
	Wait    int    // seconds until the line goes and one may write; 0: it stays until the next message
	Refused string // client id of the message that was not taken, or ""
}
