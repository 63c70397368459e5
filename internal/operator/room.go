package operator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/domain"
	"github.com/opensearch-dr/osdr/internal/restore"
)

// without names what -c without leaves behind.
func (o *Operator) without() []string {
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(o.App.Without, " ", ""), ","), func(n string) bool { return n == "" })
}

// room refuses what the target cannot hold, by its volumes: those of the domain that
// is there, or of the one that would be made. The promotion asks the nodes, too.
func (o *Operator) room(p *Plan, target domain.Description) {
	volumes, whose := int64(o.App.Domain.DataNodes)*int64(o.App.Domain.Volume.SizeGiB)<<30, "that would be made in "
	if target.Exists {
		volumes, whose = target.Volumes, "of "
	}
	if p.Refusal != "" || p.Point == nil {
		return
	}
	if why := (restore.Room{Volumes: volumes}).Lacks(p.bytes); why != "" {
		p.Refusal = fmt.Sprintf("the domain %s%s is too small for recovery point %s: %s. Raise dr.domain.volume.sizeGiB or dr.domain.dataNodes, or leave indexes behind by -c without=<index,...>",
			whose, p.To, p.Point.ID, why)
	}
}
