package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// FullDisk is a failover to a target that is too small: it is refused before anything
// starts, by the volumes in the plan and by the nodes' own statistics in the promotion;
// with room it goes on.
func FullDisk(ctx context.Context, w *World) error {
	d := &smallness{turn: turn{World: w}}
	return w.play(ctx, []step{
		{"full-disk: a client writes, and a recovery point stands", d.begins},
		{"the active Region is taken away in mid-write", d.isLost},
		{"make failover is refused while the volumes are too small, and nothing is made", d.byVolume},
		{"make failover is refused while the nodes' disks are too small, before the first restore", d.byStatistics},
		{"the disks have grown: the same command ends the failover", d.grown},
		{"the other Region serves, and only the announced window is missing", d.serves},
		{"the lost Region is back: its domain fences itself", d.isBack},
		{"stand-down: the salvage holds what was lost", d.standsDown},
		{"no orphan is left", w.noOrphans},
	})
}

type smallness struct{ turn }

// byVolume: the newest point says more than the volumes of cdk.json hold.
func (d *smallness) byVolume(ctx context.Context) (string, error) {
	all, err := d.points(ctx, d.from)
	if err != nil {
		return "", err
	}
	bucket := d.bucket(d.to)
	newest := all[len(all)-1]
	was, err := bucket.Get(ctx, newest.ID.Key())
	if err != nil {
		return "", err
	}
	huge := newest
	huge.Indices = append([]point.Index(nil), newest.Indices...)
	huge.Indices[0].Bytes = 1 << 50
	body, err := json.Marshal(huge)
	if err != nil {
		return "", err
	}
	if _, err := bucket.Put(ctx, newest.ID.Key(), body, store.Condition{}); err != nil {
		return "", err
	}
	text, refused := d.makes(ctx, makeFailover, d.to)
	if _, err := bucket.Put(ctx, newest.ID.Key(), was.Body, store.Condition{}); err != nil {
		return "", err
	}
	said, err := tooSmall(text, refused, "volumes have")
	if err != nil {
		return "", err
	}
	if _, there := d.domain(d.to); there {
		return "", errors.New("a domain was made")
	}
	return said, nil
}

func (d *smallness) byStatistics(ctx context.Context) (string, error) {
	since := time.Now()
	d.Cloud.Gateway.SetDisk(d.to, 1<<20)
	defer d.Cloud.Gateway.SetDisk(d.to, 0)
	text, refused := d.makes(ctx, makeFailover, d.to)
	said, err := tooSmall(text, refused, "disks have 1.0 MiB")
	if err != nil {
		return "", err
	}
	if n := len(d.Cloud.Gateway.Calls(gateway.Filter{Since: since, Function: d.controller(), TargetRegion: d.to, Match: func(c gateway.Call) bool {
		return strings.HasSuffix(c.Path, "/_restore")
	}})); n > 0 {
		return "", fmt.Errorf("%d restores were asked for", n)
	}
	led, err := d.ledger(ctx, d.to)
	if err != nil {
		return "", err
	}
	if led.ActiveRegion != d.from || led.Generation != d.generation {
		return "", fmt.Errorf("the ledger says %s, generation %d", led.ActiveRegion, led.Generation)
	}
	return said, nil
}

// tooSmall is what a refusal for want of room says.
func tooSmall(text string, err error, number string) (string, error) {
	if err == nil {
		return "", errors.New("it was not refused")
	}
	for line := range strings.Lines(text) {
		if _, said, ok := strings.Cut(line, "is too small for recovery point"); ok && strings.Contains(line, number) && strings.Contains(line, "dr.domain.volume.sizeGiB") {
			return "too small for recovery point" + firstSentence(said), nil
		}
	}
	return "", fmt.Errorf("no line says that the domain is too small, with %q and the way out: %w", number, err)
}

func (d *smallness) grown(ctx context.Context) (string, error) {
	_, err := d.makes(ctx, makeFailover, d.to)
	return "", err
}
