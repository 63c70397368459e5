package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opensearch-dr/osdr/internal/opensearch"
)

// probes in their order. The registrations come first: without one that writes,
// nothing is protected on this account.
func (x *examination) probes() []probe {
	all := []probe{
		x.forms(), x.paths(),
		{
			id: "index.block", title: "the write block drains an index", index: true, try: x.block,
			follows: says("the fence blocks each index by it, and no acknowledged document is lost in a planned switch (H8)",
				"the fence sets the block by index settings and waits until no write task is left; a planned switch takes longer and loses nothing (H8)"),
		},
		{
			id: "index.close", title: "an index can be closed and opened", index: true, try: x.openness,
			follows: says("nothing: the product deletes a changed copy and restores it whole",
				"nothing: the product closes no index; a changed copy is deleted and restored whole"),
		},
		{
			id: "cluster.auto-create", title: "automatic creation of indexes can be switched off", index: true, try: x.autoCreate,
			follows: says("the fence stops automatic creation, so that no new index begins behind it (H9)",
				"the fence lists the indexes again after it and blocks new ones, once more for each; stop clients that make indexes before a planned switch (H9)"),
		},
		{
			id: "cluster.ism", title: "index state management can be switched off", try: x.ism,
			follows: func(err error) string {
				if err == nil && x.noISM {
					return "nothing: there is none to stop"
				}
				return says("the fence stops it, so that no policy rolls over or deletes behind it (H24)",
					"policies run on behind the fence; pause those that roll over or delete before a planned switch (H24)")(err)
			},
		},
		{
			id: "cluster.recovery-rate", title: "the rate of restores can be set", try: x.rate, everywhere: true,
			follows: says("a restore may be made faster by indices.recovery.max_bytes_per_sec; the product leaves it as it is",
				"a restore runs at 40 MB/s on each data node, whatever its size: more nodes make it faster"),
		},
		{
			id: "cluster.state", title: "the state's metadata tells versions and sequence numbers", index: true, try: x.state,
			follows: says("recovery points hold the versions of mappings, settings and aliases, and a failback restores only what changed (H7)",
				"no recovery point can be made here, as what a snapshot holds cannot be proved (H20)"),
		},
		{
			id: "domain.certificate", title: "the domain shows the certificate of the clients' name", try: x.certificate,
			follows: says("clients of "+x.Record+" reach this domain by TLS when the record points here",
				"clients of "+x.Record+" refuse this domain: give both domains the custom endpoint and a certificate of that name"),
		},
	}
	for i := range all {
		if all[i].limit == 0 {
			all[i].limit = limit
		}
	}
	return all
}

// says what follows from a success and from a failure.
func says(works, fails string) func(error) string {
	return func(err error) string {
		if err != nil {
			return fails
		}
		return works
	}
}

func (x *examination) block(ctx context.Context) (string, error) {
	if err := x.Domain.Block(ctx, x.Trial); err != nil {
		return "", err
	}
	werr := x.Domain.WriteTrial(ctx, x.Trial, "2")
	if err := x.Domain.SetWriteBlock(ctx, []string{x.Trial}, false); err != nil {
		return "", fmt.Errorf("the block cannot be lifted: %w", err)
	}
	switch {
	case werr == nil:
		return "", errors.New("a write went through the block")
	case !opensearch.IsBlocked(werr):
		return "", fmt.Errorf("a write behind the block got another answer: %w", werr)
	}
	return "_block/write is taken, a write behind it is refused, and it is lifted by the setting", nil
}

func (x *examination) openness(ctx context.Context) (string, error) {
	if err := x.Domain.Close(ctx, x.Trial); err != nil {
		return "", err
	}
	if err := x.Domain.OpenTrial(ctx, x.Trial); err != nil {
		return "", err
	}
	return "_close and _open are taken", nil
}

// own part of action.auto_create_index: it forbids the doctor's names and no
// others. The first pattern that fits decides, so everything behind it stays as it
// was; everything is the engine's default.
const (
	own        = "-osdr-doctor-*"
	everything = "+*"
)

func (x *examination) autoCreate(ctx context.Context) (string, error) {
	before, set, err := x.Domain.AutoCreate(ctx)
	if err != nil {
		return "", err
	}
	rest := before
	switch {
	case !set, before == "true":
		rest = everything
	case before == "false":
		rest = "-*"
	}
	if err := x.Domain.SetAutoCreate(ctx, own+","+rest, true); err != nil {
		return "", err
	}
	// Whatever comes of it, the value goes back; a doctor that dies before has
	// forbidden its own names.
	back := func() error { return x.Domain.SetAutoCreate(context.WithoutCancel(ctx), before, set) }
	made := x.Domain.WriteTrial(ctx, x.Trial+"-auto", "1")
	if err := back(); err != nil {
		return "", fmt.Errorf("the value cannot be put back: %w", err)
	}
	after, still, err := x.Domain.AutoCreate(ctx)
	switch {
	case err != nil:
		return "", err
	case after != before || still != set:
		return "", fmt.Errorf("it was %q and is %q now", before, after)
	case made == nil:
		return "", errors.New("the setting is taken, and an index was made all the same")
	case !opensearch.IsIndexMissing(made):
		return "", fmt.Errorf("a write to an index that is not there got another answer: %w", made)
	}
	return "the setting is taken, holds, and goes back", nil
}

func (x *examination) ism(ctx context.Context) (string, error) {
	on, err := x.Domain.ISM(ctx)
	if errors.Is(err, opensearch.ErrNotOffered) {
		x.noISM = true
		return "this domain has none", nil
	}
	if err != nil {
		return "", err
	}
	if err := x.Domain.SetISM(ctx, on); err != nil { // the value it has
		return "", err
	}
	return fmt.Sprintf("it is %s and takes the setting", map[bool]string{true: "on", false: "off"}[on]), nil
}

func (x *examination) rate(ctx context.Context) (string, error) {
	value, set, err := x.Domain.RecoveryRate(ctx)
	if err != nil {
		return "", err
	}
	said := "it is " + value + " a node"
	if err := x.Domain.SetRecoveryRate(ctx, value, true); err != nil { // the value it has
		return said, err
	}
	if !set {
		if err := x.Domain.SetRecoveryRate(ctx, "", false); err != nil {
			return said, fmt.Errorf("the default cannot be put back, %s stands as a value: %w", value, err)
		}
	}
	return said + " and can be set", nil
}

func (x *examination) state(ctx context.Context) (string, error) {
	all, err := x.Domain.Indices(ctx)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(all, func(i opensearch.Index) bool { return i.Name == x.Trial })
	if at < 0 {
		return "", fmt.Errorf("index %s is not in it", x.Trial)
	}
	i := all[at]
	if i.UUID == "" || i.MetadataVersion == 0 || i.SettingsVersion == 0 || len(i.Shards) == 0 || i.Shards[0].MaxSeqNo < 0 {
		return "", fmt.Errorf("it tells UUID %q, metadata version %d, settings version %d, %d shards with numbers", i.UUID, i.MetadataVersion, i.SettingsVersion, len(i.Shards))
	}
	return "_cluster/state/metadata and _stats tell all that a recovery point holds", nil
}

func (x *examination) certificate(ctx context.Context) (string, error) {
	until, err := x.Certificate(ctx, x.Endpoint, x.Record)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s shows a certificate of %s that is valid until %s", x.Endpoint, x.Record, until.UTC().Format(time.DateOnly)), nil
}
