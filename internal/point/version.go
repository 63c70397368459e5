package point

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// TooNew is the version gate (F6): why a point of engine source cannot be restored
// by engine target, empty when it can. A restore goes forward only, and by one
// major at most. A target without a patch number, as the service names it, counts
// as one that has every patch.
func TooNew(source, target string) string {
	number := func(s string) (n [3]int) {
		n[2] = 1 << 30
		for i, part := range strings.SplitN(s, ".", 3) {
			n[i], _ = strconv.Atoi(part) // what is no number is 0
		}
		return n
	}
	s, t := number(source), number(target)
	switch {
	case slices.Compare(t[:], s[:]) < 0:
		return fmt.Sprintf("it is of engine %s, the domain here is %s: upgrade this one first (F6)", source, target)
	case t[0] > s[0]+1:
		return fmt.Sprintf("it is of engine %s, more than one major before %s here (F6)", source, target)
	}
	return ""
}
