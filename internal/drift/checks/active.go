package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/ledger"
	"github.com/opensearch-dr/osdr/internal/route"
)

func (f *Facts) activeChecks() []drift.Check {
	return []drift.Check{
		{
			ID: "region.reach", Title: "each Region answers", Scope: drift.Everywhere,
			Why:  "what is not answered is not known",
			Find: f.reach,
		},
		{
			ID: "active.flag", Title: "activeRegion is the Region that the ledger names", Scope: drift.Once,
			Why:  "the next plain deployment is refused, or stands the wrong Region's domain down (H2)",
			Find: f.flag,
		},
		{
			ID: "active.parameter", Title: "each Region's parameter names the active Region", Scope: drift.EachRegion,
			Why:  "clients and pipelines that sign for what it names sign for the wrong Region (F16)",
			Find: f.activeParameter,
		},
		{
			ID: "ledger.readable", Title: "the ledger of each Region can be read", Scope: drift.EachRegion,
			Why:  "without it nobody may claim, lift or prune; a failover would rest on the other one alone",
			Find: f.ledgerReadable,
		},
		{
			ID: "ledger.agree", Title: "both ledgers say the same", Scope: drift.Once,
			Why:  "nothing is pruned while they differ; over one generation it is a dispute, in which nobody may switch (H15)",
			Find: f.ledgersAgree,
		},
		{
			ID: "record.target", Title: "the record points at the domain that the ledger names", Scope: drift.Once,
			Why:  "clients reach nothing, or a domain that was not verified (G2)",
			Find: f.recordCheck(recordTarget),
		},
		{
			ID: "record.mark", Title: "the TXT record beside it is the ledger's", Scope: drift.Once,
			Why:  "without its mark the record counts as somebody else's, and a failover does not touch it (U4)",
			Find: f.recordCheck(recordMark),
		},
		{
			ID: "record.ttl", Title: "both records have the configured TTL", Scope: drift.Once,
			Why:  "clients keep the lost Region's address that long after a failover",
			Find: f.recordCheck(recordTTL),
		},
	}
}

func (f *Facts) reach(ctx context.Context, region string) ([]drift.Finding, error) {
	_, err := get(ctx, f, func(ctx context.Context) (bool, error) { return true, f.Cloud.Reach(ctx, region) }, "reach", region)
	return nil, err
}

func (f *Facts) flag(ctx context.Context, _ string) ([]drift.Finding, error) {
	led, ok, err := f.InForce(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return []drift.Finding{{Resource: "ledger", Expected: f.App.ActiveRegion + " is active", Found: "no Region was ever promoted", Mend: "cdk deploy --all"}}, nil
	}
	if led.ActiveRegion == f.App.ActiveRegion {
		return nil, nil
	}
	return []drift.Finding{{
		Resource: "cdk.json", Expected: fmt.Sprintf("activeRegion is %s, as generation %d of the ledger says", led.ActiveRegion, led.Generation), Found: "activeRegion is " + f.App.ActiveRegion,
		Mend: fmt.Sprintf("commit %q: %q to the context of cdk.json; or switch on purpose: osdr plan --to %s", "activeRegion", led.ActiveRegion, f.App.ActiveRegion),
	}}, nil
}

func (f *Facts) activeParameter(ctx context.Context, region string) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	name := f.names().ActiveParameter()
	have, ok, err := f.parameter(ctx, region, name)
	if err != nil || ok && have == led.ActiveRegion {
		return nil, err
	}
	if !ok {
		have = "no such parameter"
	}
	return []drift.Finding{{
		Resource: name, Expected: led.ActiveRegion, Found: have,
		Mend: aws(region, "ssm put-parameter", "name", name, "value", led.ActiveRegion, "type", "String", "overwrite", "") +
			"; the controller does it each minute, so look into " + f.names().FunctionLogGroup(contract.Recovery) + " for why it has not",
	}}, nil
}

func (f *Facts) ledgerReadable(ctx context.Context, region string) ([]drift.Finding, error) {
	r, err := f.reading(ctx, region)
	place := "s3://" + f.names().Bucket(region) + "/" + ledger.Key
	switch {
	case errors.Is(err, ledger.ErrMalformed):
		return []drift.Finding{{
			Resource: place, Expected: "a ledger", Found: err.Error(),
			Mend: "take an earlier version of the object (" + aws(region, "s3api list-object-versions", "bucket", f.names().Bucket(region), "prefix", ledger.Key) + ") or copy the other Region's",
		}}, nil
	case err != nil:
		return nil, err
	case r.Answer == ledger.Absent:
		return []drift.Finding{{Resource: place, Expected: "a ledger", Found: "there is none", Mend: "the controller of " + region + " copies the one in force within a minute: " + f.tick(region) + "; before the first deployment there is none"}}, nil
	}
	return nil, nil
}

func (f *Facts) ledgersAgree(ctx context.Context, _ string) ([]drift.Finding, error) {
	var at [2]ledger.Reading
	for i, region := range f.App.Regions() {
		r, err := f.reading(ctx, region)
		if err != nil && !errors.Is(err, ledger.ErrMalformed) {
			return nil, err
		}
		if r.Answer != ledger.Present {
			return nil, nil // ledger.readable says so
		}
		at[i] = r
	}
	a, b := at[0].Ledger, at[1].Ledger
	if a.Same(b) {
		return nil, nil
	}
	say := func(r ledger.Reading) string {
		return fmt.Sprintf("%s says generation %d: cluster %s in %s", r.Region, r.Ledger.Generation, r.Ledger.ClusterUUID, r.Ledger.ActiveRegion)
	}
	out := drift.Finding{Resource: ledger.Key, Expected: "the same in both Regions", Found: say(at[0]) + "; " + say(at[1])}
	if a.Generation == b.Generation {
		out.Mend = "a dispute, in which both domains fence themselves: docs/runbooks/ledger-dispute.md"
	} else {
		behind := at[0].Region
		if a.Generation > b.Generation {
			behind = at[1].Region
		}
		out.Mend = "the controller of " + behind + " copies the higher one within a minute, and tells why it could not: " + f.tick(behind)
	}
	return []drift.Finding{out}, nil
}

// recordCheck of one part of the record; the others are told by their own ids.
func (f *Facts) recordCheck(part func(have route.Record, want route.Wish) (expected, found string)) finder {
	return func(ctx context.Context, _ string) ([]drift.Finding, error) {
		led, err := f.inForce(ctx)
		if err != nil {
			return nil, err
		}
		have, err := f.record(ctx)
		if err != nil {
			return nil, fmt.Errorf("read record %s: %w", f.App.DNS.Record, err)
		}
		want := route.Wish{
			Endpoint: led.Endpoint, TTL: int64(f.App.DNS.TTL),
			Mark: route.Mark{Name: f.App.Name, Region: led.ActiveRegion, Generation: led.Generation},
		}
		expected, found := part(have, want)
		if expected == "" {
			return nil, nil
		}
		mend := "the controller of " + led.ActiveRegion + " puts it right each minute, and tells why it could not: " + f.tick(led.ActiveRegion)
		if s := route.Decide(have, want); s == route.Foreign && have.Type == "CNAME" || stands(have, want) {
			// The controllers leave a mark alone that says more than their ledger.
			mend = "look with osdr status that no other domain claims the name; then " + f.setMark(want)
		}
		return []drift.Finding{{Resource: f.App.DNS.Record, Expected: expected, Found: found, Mend: mend}}, nil
	}
}

func stands(have route.Record, want route.Wish) bool {
	m, ok := route.ParseMark(have.Mark)
	return ok && m.Stands(want.Mark)
}

// setMark is the command that writes the mark; the controller does the rest.
func (f *Facts) setMark(want route.Wish) string {
	set := map[string]any{"Name": route.MarkName(f.App.DNS.Record), "Type": "TXT", "TTL": want.TTL, "ResourceRecords": []any{map[string]any{"Value": `"` + want.Mark.String() + `"`}}}
	return aws("", "route53 change-resource-record-sets", "hosted-zone-id", f.App.DNS.ZoneID, "change-batch", compact(map[string]any{
		"Changes": []any{map[string]any{"Action": "UPSERT", "ResourceRecordSet": set}},
	}))
}

// tick is the controller's minute run, now.
func (f *Facts) tick(region string) string {
	return aws(region, "lambda invoke", "function-name", f.names().Function(contract.Recovery), "cli-binary-format", "raw-in-base64-out", "payload", `{"action":"tick"}`) + " /dev/stdout"
}

func recordTarget(have route.Record, want route.Wish) (expected, found string) {
	if have.Type == "CNAME" && have.Target == want.Endpoint {
		return "", ""
	}
	if have.Type == "" {
		return "CNAME " + want.Endpoint, "no record"
	}
	return "CNAME " + want.Endpoint, have.Type + " " + have.Target
}

func recordMark(have route.Record, want route.Wish) (expected, found string) {
	if have.Mark == want.Mark.String() {
		return "", ""
	}
	return "TXT " + want.Mark.String(), or(have.Mark, "no mark")
}

func recordTTL(have route.Record, want route.Wish) (expected, found string) {
	cname, txt := have.Type != "" && have.TTL != want.TTL, have.Mark != "" && have.MarkTTL != want.TTL
	if !cname && !txt {
		return "", ""
	}
	return fmt.Sprintf("%d s", want.TTL), fmt.Sprintf("CNAME %d s, TXT %d s", have.TTL, have.MarkTTL)
}

// intent of the ledger in force; live is false for one that is over.
func (f *Facts) intent(ctx context.Context) (i *ledger.Intent, live bool, now time.Time, err error) {
	led, ok, err := f.InForce(ctx)
	if err != nil || !ok || led.Intent == nil {
		return nil, false, time.Time{}, err
	}
	if now, err = f.now(ctx, led.ActiveRegion); err != nil {
		if now, err = f.now(ctx, f.App.Other(led.ActiveRegion)); err != nil {
			return nil, false, time.Time{}, err
		}
	}
	return led.Intent, led.Intent.Live(now), now, nil
}
