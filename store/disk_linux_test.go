package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bookmygig/chat"
)

func init() {
	children["outgrow the file size"] = outgrowTheFileSize
	children["fill a small disk"] = fillASmallDisk
}

// TestDiskFull checks in a process of its own that a store that can write no
// more says so, reads on, loses nothing, and writes again when there is room.
func TestDiskFull(t *testing.T) {
	t.Run("file size limit", func(t *testing.T) {
		if out, err := childCommand("outgrow the file size", t.TempDir()).Output(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
	// The same on a disk that is really full, wherever the system lets a
	// process mount one for itself.
	cmd := childCommand("fill a small disk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	out, err := cmd.Output()
	var failed *exec.ExitError
	if bytes.HasPrefix(out, []byte(cannotMount)) || err != nil && !errors.As(err, &failed) {
		t.Logf("no small disk here: %s %v", out, err)
	} else if err != nil {
		t.Errorf("small disk: %v\n%s", err, out)
	}
}

const cannotMount = "cannot mount"

func fillASmallDisk(dir string) {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k")
	}
	if err != nil {
		fmt.Println(cannotMount, err)
		return
	}
	runFull(dir, func() {}, func() {
		must(syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"))
	})
}

func outgrowTheFileSize(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	runFull(dir, func() {
		info, err := os.Stat(filepath.Join(dir, fileName))
		must(err)
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(info.Size()) + 256<<10, Max: old.Max}))
	}, func() {
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old))
	})
}

// runFull fills a store up, with limit to make the disk small and lift to make
// it large again, and panics where something is not as it should be.
func runFull(dir string, limit, lift func()) {
	e, err := OpenEmbedded(dir)
	must(err)
	f := &filler{Embedded: e}
	must(f.Sessions().Commit("token", []byte("data"), time.Now().Add(time.Hour)))
	must(f.write("small"))
	limit()
	for err = nil; err == nil; err = f.write(strings.Repeat("large ", 2000)) {
		if len(f.gigs) > 1000 {
			panic("never full")
		}
	}
	mustBeFull(err)
	f.check()
	for range 20 { // further tries may fit or not, but are answered truly
		if err := f.write("one more"); err != nil {
			mustBeFull(err)
		}
		f.check()
	}
	fullAt := len(f.gigs)
	if fullAt < 3 {
		panic("hardly anything fitted")
	}
	lift()
	for range 20 {
		must(f.write(strings.Repeat("large ", 2000)))
		f.check()
	}
	must(f.Close())
	f.Embedded, err = OpenEmbedded(dir)
	must(err)
	f.check()
	must(f.write("after opening"))
	f.check()
	must(f.Close())
}

func mustBeFull(err error) {
	// bbolt passes some causes on as text only.
	full := strings.Contains(err.Error(), syscall.ENOSPC.Error()) || strings.Contains(err.Error(), syscall.EFBIG.Error())
	if !errors.Is(err, ErrUnavailable) || !full {
		panic(fmt.Sprintf("not a full disk: %v", err))
	}
}

// filler writes to a store and remembers what was acknowledged.
type filler struct {
	*Embedded
	tries int
	gigs  []string
	said  uint64
}

func (f *filler) write(text string) error {
	f.tries++
	g := aGig(fmt.Sprint("g", f.tries), noon)
	g.Description = text
	if err := f.CreateGig(ctx, g); err != nil {
		return err
	}
	f.gigs = append(f.gigs, g.ID)
	kept, _, err := f.AppendMessages(ctx, []chat.Message{say("room", "ada", g.ID, "text")})
	if err != nil {
		return err
	}
	if f.said++; kept[0].Seq != f.said {
		panic(fmt.Sprintf("message %d has seq %d", f.said, kept[0].Seq))
	}
	return nil
}

// check reads everything back: all that was acknowledged and nothing else.
func (f *filler) check() {
	must(f.Ready(ctx))
	for _, id := range f.gigs {
		_, err := f.Gig(ctx, id)
		must(err)
		_, err = f.Authorize(ctx, "key of "+id)
		must(err)
	}
	l, err := f.ListGigs(ctx, Query{Now: noon, Page: 1, PerPage: 100})
	must(err)
	msgs, oldest, err := f.Messages(ctx, "room", 0, chat.HistoryKept)
	must(err)
	if l.Upcoming != len(f.gigs) || len(l.Gigs) != len(f.gigs) || len(msgs) != int(f.said) || oldest != 1 {
		panic(fmt.Sprintf("%d gigs listed of %d, %d messages of %d", l.Upcoming, len(f.gigs), len(msgs), f.said))
	}
	data, found, err := f.Sessions().Find("token")
	must(err)
	if !found || string(data) != "data" {
		panic("the session is lost")
	}
}
