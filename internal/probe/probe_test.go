package probe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opensearch-dr/osdr/internal/probe"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// look with one letter a way: "." answers, "x" does not.
func look(after time.Duration, ways string) probe.Look {
	l := probe.Look{At: start.Add(after)}
	for _, w := range ways {
		a := probe.Answer{What: "it"}
		if w == 'x' {
			a.Err = errors.New("silent")
		}
		l.Answers = append(l.Answers, a)
	}
	return l
}

func TestH16_LostIsSilentInEveryWayAllTheTime(t *testing.T) {
	type step struct {
		after time.Duration
		ways  string
		want  probe.Verdict
	}
	for name, steps := range map[string][]step{
		"all there":          {{0, "...", probe.Answers}},
		"lost":               {{0, "xxx", probe.Waiting}, {90 * time.Second, "xxx", probe.Waiting}, {3 * time.Minute, "xxx", probe.Lost}},
		"two looks":          {{0, "xxx", probe.Waiting}, {3 * time.Minute, "xxx", probe.Waiting}},
		"a link that flaps":  {{0, "xxx", probe.Waiting}, {130 * time.Second, "xxx", probe.Waiting}, {260 * time.Second, "xxx", probe.Waiting}},
		"a blip":             {{0, "xxx", probe.Waiting}, {2 * time.Minute, "...", probe.Answers}, {3 * time.Minute, "xxx", probe.Waiting}},
		"one sign of life":   {{0, "xxx", probe.Waiting}, {2 * time.Minute, "x.x", probe.Waiting}, {3 * time.Minute, "xxx", probe.Waiting}, {5 * time.Minute, "xxx", probe.Waiting}, {6 * time.Minute, "xxx", probe.Lost}},
		"mixed":              {{0, "x..", probe.Waiting}, {90 * time.Second, ".x.", probe.Waiting}, {3 * time.Minute, "x..", probe.Mixed}},
		"nobody looked":      {{0, "xxx", probe.Waiting}, {time.Hour, "xxx", probe.Waiting}, {time.Hour + 2*time.Minute, "xxx", probe.Waiting}, {time.Hour + 3*time.Minute, "xxx", probe.Lost}},
		"a clock that jumps": {{time.Hour, "xxx", probe.Waiting}, {0, "xxx", probe.Waiting}, {time.Minute, "xxx", probe.Waiting}},
	} {
		var r probe.Record
		for n, s := range steps {
			var got probe.Verdict
			if r, got = r.Add(look(s.after, s.ways), 3*time.Minute); got != s.want {
				t.Errorf("%s, look %d: %s, want %s", name, n, got, s.want)
			}
		}
	}
	if s := look(0, ".x").String(); !strings.Contains(s, "answers") || !strings.Contains(s, "does not (silent)") {
		t.Error(s)
	}
}
