package recovery

import (
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
)

// attend notes one thing that a person must know. The same code and subject are
// noted once a run: the later text wins, since it was seen later.
func (r *run) attend(code, subject, hint, format string, a ...any) {
	x := contract.Attention{Code: code, Subject: subject, Text: fmt.Sprintf(format, a...), Hint: hint}
	at := slices.IndexFunc(r.status.Attention, func(o contract.Attention) bool { return o.Code == code && o.Subject == subject })
	if at >= 0 {
		r.status.Attention[at] = x
		return
	}
	r.status.Attention = append(r.status.Attention, x)
}
