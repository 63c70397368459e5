package simulation

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// began is the virtual time at which every history begins.
var began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// history is what a person reads of a failing seed: one line an event.
type history struct {
	lines []string
	out   io.Writer // as it happens, beside
}

func (h *history) add(now time.Time, p *process, what string, err error) {
	if h == nil {
		return
	}
	who := "world"
	if p != nil {
		who = p.String()
		if p.region != "" {
			who += " " + p.region
		}
	}
	line := fmt.Sprintf("%s  %-28s %s", stamp(now), who, what)
	if err != nil {
		line += "  => " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	h.lines = append(h.lines, line)
	if h.out != nil {
		_, _ = fmt.Fprintln(h.out, line)
	}
}

// say is add of a text that is made only when somebody reads it.
func (h *history) say(now time.Time, err error, format string, a ...any) {
	if h != nil {
		h.add(now, nil, fmt.Sprintf(format, a...), err)
	}
}

func stamp(now time.Time) string {
	d := now.Sub(began)
	return fmt.Sprintf("%02d:%02d:%06.3f", int(d.Hours()), int(d.Minutes())%60, (d % time.Minute).Seconds())
}

// tail of it.
func (h *history) tail(n int) string {
	if h == nil {
		return ""
	}
	return strings.Join(h.lines[max(len(h.lines)-n, 0):], "\n")
}
