package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// BadPoint is a failover whose newest recovery points have lost objects of one
// index: that index comes from an older point, all others from the newest.
func BadPoint(ctx context.Context, w *World) error {
	b := &badness{turn: turn{World: w}}
	return w.play(ctx, []step{
		{"bad-point: a client writes, and a recovery point stands", b.begins},
		{"one film more, in a newer recovery point", b.film},
		{"the active Region is taken away in mid-write", b.isLost},
		{"objects of one index are deleted from the newest recovery points", b.spoil},
		{"make failover", func(ctx context.Context) (string, error) {
			_, err := b.makes(ctx, makeFailover, b.to)
			return "", err
		}},
		{"the other Region serves, and only the announced window is missing", b.onlyOne},
		{"that index comes from an older point and is named, all others come from the newest", b.told},
		{"the lost Region is back: its domain fences itself", b.isBack},
		{"stand-down: the salvage holds what was lost", b.standsDown},
		{"no orphan is left", w.noOrphans},
	})
}

// badness of one index.
type badness struct {
	turn
	had  int           // films, before the last one
	all  []point.Point // that hold the last one
	good point.Point   // the newest without it
}

// oddFilm that the older recovery points do not have.
const oddFilm = "in-no-older-point"

func (b *badness) film(ctx context.Context) (string, error) {
	var err error
	if b.had, err = b.app.Count(ctx, movies); err != nil {
		return "", err
	}
	since := time.Now().UTC().Truncate(time.Second)
	if _, err := b.app.Bulk(ctx, movies, filmNamed(oddFilm, "The last film"), 1); err != nil {
		return "", err
	}
	p, err := b.awaitPoint(ctx, b.from, since, holds(int64(b.had)+1))
	return describe(p), err
}

func (b *badness) spoil(ctx context.Context) (string, error) {
	all, err := b.points(ctx, b.from)
	if err != nil {
		return "", err
	}
	bucket := b.bucket(b.to)
	deleted := 0
	for _, p := range all {
		if p.ClusterUUID != b.uuid {
			continue
		}
		if !holds(int64(b.had) + 1)(p) {
			b.good = p
			continue
		}
		b.all = append(b.all, p)
		// The list of files is of one snapshot alone; the files are of several.
		folder, err := folderOf(ctx, bucket, p, movies)
		if err != nil {
			return "", err
		}
		objects, err := point.Objects(ctx, bucket, p)
		if err != nil {
			return "", err
		}
		for _, o := range objects {
			if strings.HasPrefix(o.Key, folder) && strings.HasSuffix(o.Key, "/snap-"+p.SnapshotUUID+".dat") {
				if err := bucket.Delete(ctx, o.Key); err != nil {
					return "", err
				}
				deleted++
			}
		}
	}
	if deleted == 0 || len(b.all) == 0 || b.good.Snapshot == "" {
		return "", fmt.Errorf("%d objects of %d points are deleted, an older point is %q: nothing would be shown", deleted, len(b.all), b.good.ID)
	}
	return fmt.Sprintf("%d objects of %s, in %d points; the newest without that film is %s", deleted, movies, len(b.all), b.good.ID), nil
}

// folderOf an index in the repository of a point, as the repository's newest list says.
func folderOf(ctx context.Context, b store.Bucket, p point.Point, index string) (string, error) {
	lists, err := b.List(ctx, p.BasePath+"/index-")
	if err != nil {
		return "", err
	}
	newest, key := -1, ""
	for _, e := range lists {
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Key, p.BasePath+"/index-")); err == nil && n > newest {
			newest, key = n, e.Key
		}
	}
	if key == "" {
		return "", fmt.Errorf("the repository %s has no list", p.BasePath)
	}
	o, err := b.Get(ctx, key)
	if err != nil {
		return "", err
	}
	var list struct {
		Indices map[string]struct {
			ID string `json:"id"`
		} `json:"indices"`
	}
	if err := json.Unmarshal(o.Body, &list); err != nil {
		return "", fmt.Errorf("read %s: %w", key, err)
	}
	if list.Indices[index].ID == "" {
		return "", fmt.Errorf("%s does not name %s", key, index)
	}
	return p.BasePath + "/indices/" + list.Indices[index].ID + "/", nil
}

// onlyOne film is missing, beside what was lost by the failover itself.
func (b *badness) onlyOne(ctx context.Context) (string, error) {
	b.films[movies] = b.had
	said, err := b.serves(ctx)
	if err != nil {
		return "", err
	}
	return said, b.sameFilms(ctx, b.to)
}

func (b *badness) told(ctx context.Context) (string, error) {
	said, err := b.status(ctx, b.to)
	if err != nil {
		return "", err
	}
	fates := map[string]contract.Fate{}
	for _, f := range said.Fates {
		fates[f.Index] = f
	}
	if len(fates) < 2 {
		return "", fmt.Errorf("the controller tells the fates of %d indexes: %+v", len(fates), said.Fates)
	}
	newest := b.all[len(b.all)-1].ID.String()
	if f := fates[movies]; f.Fate != contract.FateOlder || f.Point != b.good.ID.String() || f.Cause == "" {
		return "", fmt.Errorf("the fate of %s is %+v, not %s of %s", movies, f, contract.FateOlder, b.good.ID)
	}
	for _, f := range fates {
		if f.Index != movies && (f.Fate != contract.FateRestored || f.Point != newest) {
			return "", fmt.Errorf("the fate of %s is %+v, not %s of %s", f.Index, f, contract.FateRestored, newest)
		}
	}
	if !slices.ContainsFunc(said.Attention, func(a contract.Attention) bool {
		return a.Code == contract.AttentionIndexOlder && a.Subject == movies && strings.Contains(a.Text, b.good.ID.String())
	}) {
		return "", errors.New("no run told a person that " + movies + " is older than the rest")
	}
	return fmt.Sprintf("%s from %s (%s), %d others from %s", movies, b.good.ID, fates[movies].Cause, len(fates)-1, newest), nil
}
