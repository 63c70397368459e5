package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// document and what became of it. A content is a number that is never used twice,
// 0 stands for no document.
type document struct {
	index, id string
	acked     int64  // content of the last acknowledged write
	ever      bool   // acked means something
	unknown   int64  // content of an attempt without an answer
	doubtful  bool   // there was such an attempt
	endpoint  string // of the domain that acknowledged last
	at        time.Time
}

// enough live documents to choose from.
const enough = 2000

// write once: half new documents, a third updates, the rest deletions, of
// documents that the domain reached now has acknowledged.
func (l *Load) write(ctx context.Context) error {
	to := ctx.Value(destination{}).(*string)
	d, content := l.choose()
	method, path, body := http.MethodPut, "/"+d.index+"/_doc/"+d.id, any(map[string]any{"v": content, "at": time.Now().UTC().Format(time.RFC3339Nano)})
	if content == 0 {
		method, body = http.MethodDelete, nil
	}
	_, err := l.client.Do(ctx, method, path, body, nil)
	l.settle(d, content, *to, err)
	return err
}

func (l *Load) choose() (*document, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	content := int64(l.next)
	if dice := rand.IntN(6); dice < 3 && len(l.live) > 20 {
		d := l.docs[l.live[rand.IntN(len(l.live))]]
		if dice == 0 {
			content = 0
		}
		return d, content
	}
	part := 1
	if l.cfg.Roll > 0 {
		part += int(time.Since(l.started) / l.cfg.Roll)
	}
	return &document{index: fmt.Sprintf("%s-%06d", l.cfg.Prefix, part), id: fmt.Sprint(l.next)}, content
}

// settle what an answer means. A status below 500 says that nothing was done;
// without an answer nobody knows.
func (l *Load) settle(d *document, content int64, endpoint string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := d.index + "/" + d.id
	status := client.Status(err)
	switch {
	case err == nil:
		if l.home != endpoint { // what another domain acknowledged stays as it is, for the comparison
			l.home, l.live = endpoint, nil
		}
		fresh := l.docs[key] == nil
		d.acked, d.ever, d.endpoint, d.at = content, true, endpoint, time.Now()
		l.docs[key] = d
		switch {
		case content == 0:
			l.forget(key)
		case fresh && len(l.live) < enough:
			l.live = append(l.live, key)
		}
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
	default:
		d.unknown, d.doubtful = content, true
		l.docs[key] = d
		l.forget(key)
	}
}

// forget a document as one that may be touched again.
func (l *Load) forget(key string) {
	for i, k := range l.live {
		if k == key {
			l.live[i] = l.live[len(l.live)-1]
			l.live = l.live[:len(l.live)-1]
			return
		}
	}
}
