package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// act is a gig on the bill.
type act struct {
	category, name, title, description, price, zone string
	in, lasts                                       time.Duration // from now; how long
}

// bill is what the listing shows besides the demo. The last one is on air.
var bill = []act{
	{"comedy", "Marta Okafor", "Last Bus to Ojuelegba", "Stand-up written on the 54 bus, tried out on whoever turns up.", "6", "Africa/Lagos", 20 * time.Hour, time.Hour},
	{"play", "Asha Kulkarni", "The Understudy", "For eleven years Leela has learnt every part in the house and played none.", "8", "Asia/Kolkata", 26 * time.Hour, 70 * time.Minute},
	{"dance", "Noor & Elis", "Slow Fans", "Two dancers, forty fans, no hurry.", "5", "Europe/Paris", 45 * time.Hour, 50 * time.Minute},
	{"fitness", "Coach Bea", "Stairs, But Indoors", "Thirty minutes, one step, no excuses.", "0", "America/Sao_Paulo", 52 * time.Hour, 30 * time.Minute},
	{"workshop", "Jun Watanabe", "Fold a Heron", "Bring ten sheets of paper. Leave with seven herons.", "12", "Asia/Tokyo", 70 * time.Hour, 90 * time.Minute},
	{"music", "Ada Quill", "Midnight Overture", "An hour at the keys, with the curtain open.", "6.50", "Europe/Dublin", -5 * time.Minute, 2 * time.Hour},
}

// listed is where a gig's encoder sends to.
type listed struct{ id, rtmp, key string }

// list fills in the form as the creator would.
func list(ctx context.Context, url string, a act) (l listed, err error) {
	zone, err := time.LoadLocation(a.zone)
	if err != nil {
		return l, err
	}
	start := time.Now().Add(a.in).In(zone)
	fields, err := json.Marshal(map[string]string{
		"title": a.title, "name": a.name, "description": a.description, "price": a.price, "time_zone": a.zone,
		"date": start.Format("2006-01-02"), "time_from": start.Format("15:04"), "time_to": start.Add(a.lasts).Format("15:04"),
	})
	if err != nil {
		return l, err
	}
	err = chromedp.Do(ctx,
		chromedp.Navigate(url+"/gigs/new"),
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`for (const [name, value] of Object.entries(%s)) {
			document.querySelector('form [name=' + name + ']').value = value }
			document.querySelector('input[name=category][value=%s]').click()`, fields, a.category)),
		chromedp.Click(chromedp.CSS(`form[action="/gigs"] button.primary`)),
	)
	if err == nil {
		err = until(ctx, `document.querySelector('[data-stream-key]')`)
	}
	if err != nil {
		return l, err
	}
	for to, expression := range map[*string]string{
		&l.id:   `location.pathname.split('/').pop()`,
		&l.rtmp: `document.querySelector('[data-rtmp-url]').textContent.trim()`,
		&l.key:  `document.querySelector('[data-stream-key]').textContent.trim()`,
	} {
		if *to, err = chromedp.Run(ctx, chromedp.Evaluate[string](expression)); err != nil {
			return l, err
		}
	}
	return l, nil
}

// talk brings two people into the chat of the gig.
func talk(page string, a, b context.Context) error {
	for _, p := range []struct {
		ctx  context.Context
		name string
	}{{a, "Tomasz"}, {b, "Ines"}} {
		err := chromedp.Do(p.ctx, chromedp.Navigate(page),
			chromedp.SendKeys(chromedp.CSS("form#name-form input[name=name]"), p.name+"\n"))
		if err == nil {
			err = until(p.ctx, `document.querySelector('form#chat-form input[name=text]')`)
		}
		if err != nil {
			return err
		}
	}
	for i, line := range []string{
		"good evening, is this seat taken?", "it is now", "the lamps are lovely tonight",
		"listen for the bell, it comes round again", "staying for the encore",
	} {
		speaker := []context.Context{a, b}[i%2]
		err := chromedp.Do(speaker, chromedp.SendKeys(chromedp.CSS("form#chat-form input[name=text]"), line+"\n"))
		if err == nil {
			err = until(b, fmt.Sprintf(`document.querySelectorAll('#chat-log li[id^="m-"]').length > %d`, i))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
