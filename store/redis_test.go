package store

import (
	"testing"

	"github.com/alexedwards/scs/v2"
)

var _ scs.CtxStore = (*RedisSessions)(nil)

func TestRedis(t *testing.T) {
	conform(t, func(t *testing.T) place {
		url := freshDB(t)
		return func() opened {
			r := openRedis(t, url)
			return opened{r, r.Sessions()}
		}
	})
}
