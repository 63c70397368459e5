package operator

import (
	"fmt"
	"strings"
	"time"
)

// clock is a time for people, UTC.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// short duration: 45s, 12m5s, 3h4m, 2d3h.
func short(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 0 {
		return "-" + short(-d)
	}
	day, h, m, s := d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60, d/time.Second%60
	switch {
	case day > 0:
		return fmt.Sprintf("%dd%dh", day, h)
	case h > 0:
		return fmt.Sprintf("%dh%dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}

// size in the unit that fits.
func size(bytes int64) string {
	const unit = 1000
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	v, at := float64(bytes)/unit, 0
	for ; v >= unit && at < 4; at++ {
		v /= unit
	}
	return fmt.Sprintf("%.1f %cB", v, "kMGTP"[at])
}

// count with its thousands apart.
func count(n int64) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "x"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
