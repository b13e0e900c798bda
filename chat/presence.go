package chat

import (
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	busyRoom = 20 // people; above, comings and goings are told less often
	hugeRoom = 500

	noticeWindow     = time.Second // from the first change to the notice
	noticeWindowBusy = 10 * time.Second
	leaveGrace       = 5 * time.Second // a reload is no departure; not less than personBurst/personRate
	awayKept         = 1000            // people away, for those whom nobody misses

	peopleEvery     = tickEvery // at most
	peopleEveryBusy = 2 * time.Second
	peopleEveryHuge = 10 * time.Second
)

// person is one author in a room, in one window or in several.
type person struct {
	author, name string
	skeletons    []string // of name
	host         bool
	pace         *rate.Limiter

	windows   int       // members; 0: away, perhaps for good; see leave
	announced bool      // the room has been told of the coming
	leftAt    time.Time // while away
}

// presence keeps who is in a room and what the room has been told of it. The
// room's lock guards it.
type presence struct {
	people  map[string]*person // by author; those away as well
	names   map[string]*person // by each skeleton; of those here
	arrived map[*person]struct{}
	away    map[*person]struct{}

	pending time.Time // first coming or going not told yet; zero: none
	changed bool      // frame is out of date
	sent    time.Time // when frame was last sent to all
	frame   []byte    // who is here, as rendered
}

func newPresence() presence {
	return presence{
		people:  make(map[string]*person),
		names:   make(map[string]*person),
		arrived: make(map[*person]struct{}),
		away:    make(map[*person]struct{}),
	}
}

// enter adds a window of the author and returns the person.
func (p *presence) enter(who Identity, reserved string, now time.Time) *person {
	one := p.people[who.Author]
	if one == nil {
		one = &person{author: who.Author, host: who.Host, pace: rate.NewLimiter(personRate, personBurst)}
		p.people[who.Author] = one
	}
	one.windows++
	if one.windows > 1 {
		return one
	}
	p.changed = true
	delete(p.away, one)
	name := one.name // kept while away
	if name == "" || who.Host {
		name = who.Name
	}
	one.name, one.skeletons = "", nil
	if who.Back && name != "" {
		one.announced = true
	}
	switch {
	case who.Host:
		p.take(one, name, now)
	case name != "":
		if clean, err := CleanName(name); err == nil {
			_ = p.setName(one, clean, reserved, now) // refused: the caller sees that there is no name
		}
	}
	if one.name == "" {
		one.announced = false
	}
	return one
}

// setName gives a person a clean name that nobody else here has, or returns a
// *NameError.
func (p *presence) setName(one *person, name, reserved string, now time.Time) error {
	if one.host {
		return nil
	}
	if looksLikeHost(name, reserved) {
		return errNameHost
	}
	for _, sk := range skeletons(name) {
		if other := p.names[sk]; other != nil && other != one {
			return errNameTaken
		}
	}
	p.take(one, name, now)
	return nil
}

func (p *presence) take(one *person, name string, now time.Time) {
	p.release(one)
	one.name, one.skeletons = name, skeletons(name)
	for _, sk := range one.skeletons {
		p.names[sk] = one
	}
	p.changed = true
	if !one.announced && name != "" {
		p.arrived[one] = struct{}{}
		p.touch(now)
	}
}

func (p *presence) release(one *person) {
	for _, sk := range one.skeletons {
		if p.names[sk] == one {
			delete(p.names, sk)
		}
	}
}

// leave takes a window of the person away.
func (p *presence) leave(one *person, now time.Time) {
	if one.windows--; one.windows > 0 {
		return
	}
	p.changed = true
	p.release(one)
	delete(p.arrived, one)
	// Nobody misses whom the room was not told of, but coming back must not
	// give somebody who writes fast a new limit: in leaveGrace it fills up.
	if !one.announced && (one.pace.TokensAt(now) >= personBurst || len(p.away) >= awayKept) {
		delete(p.people, one.author)
		return
	}
	one.leftAt = now
	p.away[one] = struct{}{}
}

func (p *presence) touch(now time.Time) {
	if p.pending.IsZero() {
		p.pending = now
	}
}

// here is how many people are here.
func (p *presence) here() int { return len(p.people) - len(p.away) }

// notice returns what is to be told of comings and goings, when it is time.
// Who came and went, or went and came, in between is not in it.
func (p *presence) notice(now time.Time) (Notice, bool) {
	var gone []*person
	for one := range p.away {
		switch {
		case now.Sub(one.leftAt) < leaveGrace:
		case one.announced:
			gone = append(gone, one)
			p.touch(one.leftAt.Add(leaveGrace))
		default:
			p.forget(one)
		}
	}
	window := noticeWindow
	if p.here() > busyRoom {
		window = noticeWindowBusy
	}
	if p.pending.IsZero() || now.Sub(p.pending) < window {
		return Notice{}, false
	}
	p.pending = time.Time{}
	n := Notice{Time: now.UTC()}
	n.Joined, n.JoinedMore = someNames(slices.Collect(maps.Keys(p.arrived)))
	n.Left, n.LeftMore = someNames(gone)
	for one := range p.arrived {
		one.announced = true
	}
	clear(p.arrived)
	for _, one := range gone {
		p.forget(one)
	}
	return n, len(n.Joined)+len(n.Left) > 0
}

func (p *presence) forget(one *person) {
	delete(p.away, one)
	delete(p.people, one.author)
}

// someNames returns up to NoticeNames of the names, the host's first, and how
// many more there are.
func someNames(people []*person) (names []string, more int) {
	slices.SortFunc(people, hostFirst)
	for _, one := range people[:min(len(people), NoticeNames)] {
		names = append(names, one.name)
	}
	return names, len(people) - len(names)
}

func hostFirst(a, b *person) int {
	switch {
	case a.host && !b.host:
		return -1
	case b.host && !a.host:
		return 1
	}
	if c := strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)); c != 0 {
		return c
	}
	return strings.Compare(a.author, b.author)
}

// peopleDue reports whether it is time to tell all who is here, and notes that
// they will be told. A crowd is told less often: every change goes to everybody.
func (p *presence) peopleDue(now time.Time) bool {
	every := peopleEvery
	switch n := p.here(); {
	case n > hugeRoom:
		every = peopleEveryHuge
	case n > busyRoom:
		every = peopleEveryBusy
	}
	if !p.changed || now.Sub(p.sent) < every {
		return false
	}
	p.changed, p.sent = false, now
	return true
}

// who returns who is here.
func (p *presence) who() People {
	named := make([]*person, 0, len(p.names))
	for sk, one := range p.names {
		if one.name != "" && sk == one.skeletons[0] {
			named = append(named, one)
		}
	}
	slices.SortFunc(named, hostFirst)
	w := People{Count: p.here(), Host: len(named) > 0 && named[0].host}
	for _, one := range named[:min(len(named), MaxNamesShown)] {
		w.Names = append(w.Names, one.name)
	}
	return w
}
