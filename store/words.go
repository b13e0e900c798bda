package store

import (
	"slices"
	"strings"
)

// vocabulary tells which gigs have a word that begins with some letters. Gigs
// go by their slot, a small number that the index gives each.
type vocabulary struct {
	byWord map[string]*posting
	sorted []*posting // by word
}

// posting is one word and the slots of the gigs that have it, ascending.
type posting struct {
	word  string
	slots []uint32
}

func byWord(p *posting, word string) int { return strings.Compare(p.word, word) }

// add enters a gig under its words. Words that are new are not yet found by
// their beginning: the caller puts fresh into sorted.
func (v *vocabulary) add(slot uint32, words []string) (all, fresh []*posting) {
	all = make([]*posting, 0, len(words))
	for _, word := range words {
		p := v.byWord[word]
		if p == nil {
			// The word is cut from the gig's whole text, which it must not hold on to.
			p = &posting{word: strings.Clone(word)}
			v.byWord[p.word] = p
			fresh = append(fresh, p)
		}
		if at, there := slices.BinarySearch(p.slots, slot); !there {
			p.slots = slices.Insert(p.slots, at, slot)
		}
		all = append(all, p)
	}
	return all, fresh
}

// insert puts fresh words in their places.
func (v *vocabulary) insert(fresh []*posting) {
	for _, p := range fresh {
		at, _ := slices.BinarySearchFunc(v.sorted, p.word, byWord)
		v.sorted = slices.Insert(v.sorted, at, p)
	}
}

// sort puts fresh words in their places when they are very many.
func (v *vocabulary) sort(fresh []*posting) {
	v.sorted = append(v.sorted, fresh...)
	slices.SortFunc(v.sorted, func(a, b *posting) int { return strings.Compare(a.word, b.word) })
}

// remove takes a gig out; words that no gig has any more are forgotten.
func (v *vocabulary) remove(slot uint32, from []*posting) {
	for _, p := range from {
		if at, there := slices.BinarySearch(p.slots, slot); there {
			p.slots = slices.Delete(p.slots, at, at+1)
		}
		if len(p.slots) > 0 {
			continue
		}
		delete(v.byWord, p.word)
		if at, there := slices.BinarySearchFunc(v.sorted, p.word, byWord); there {
			v.sorted = slices.Delete(v.sorted, at, at+1)
		}
	}
}

// find returns the slots below n of the gigs in which each of the words begins
// some word; nil when there are no words.
func (v *vocabulary) find(words []string, n uint32) (found slotSet) {
	// Long words first: they match the fewest, and often none.
	words = slices.SortedFunc(slices.Values(words), func(a, b string) int { return len(b) - len(a) })
	for i, word := range words {
		one := v.begin(word, n)
		if i == 0 {
			found = one
		}
		some := uint64(0)
		for j := range found {
			found[j] &= one[j]
			some |= found[j]
		}
		if some == 0 {
			return found
		}
	}
	return found
}

// begin returns the slots of the gigs that have a word which begins so.
func (v *vocabulary) begin(with string, n uint32) slotSet {
	set := make(slotSet, (n+63)/64)
	from, _ := slices.BinarySearchFunc(v.sorted, with, byWord)
	for _, p := range v.sorted[from:] {
		if !strings.HasPrefix(p.word, with) {
			break
		}
		for _, slot := range p.slots {
			set[slot/64] |= 1 << (slot % 64)
		}
	}
	return set
}

// slotSet is a set of slots, a bit for each.
type slotSet []uint64

func (s slotSet) has(slot uint32) bool { return s[slot/64]&(1<<(slot%64)) != 0 }
