package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opensearch-dr/osdr/drill/gateway"
	"github.com/opensearch-dr/osdr/internal/drift"
)

// manyRuns of a clean system at least, lanes of them side by side; patience is how
// long more are made while no recovery point comes.
const (
	manyRuns = 100
	patience = 10 * time.Minute
	lanes    = 2
)

// forbidden are writes that the drift role must not be able to make.
var forbidden = []string{
	"aws s3 cp --region {S} other.zip s3://{bS}/_dr/ledger.json",
	"aws s3 rm --region {S} s3://{bS}/_dr/ledger.json",
	"aws s3 cp --region {S} other.zip s3://{bS}/other-team/file",
	"aws s3api put-bucket-versioning --region {S} --bucket {bS} --versioning-configuration Status=Suspended",
	"aws s3api delete-bucket-policy --region {S} --bucket {bS}",
	`aws lambda invoke --region {S} --function-name {name}-recovery --payload '{"action":"tick"}' out.json`,
	`aws lambda invoke --region {S} --function-name {name}-promotion --payload '{}' out.json`,
	`aws lambda invoke --region {P} --function-name {name}-snapshot --payload '{"reason":"demand"}' out.json`,
	"aws lambda update-function-configuration --region {P} --function-name {name}-recovery --timeout 3",
	"aws lambda update-alias --region {P} --function-name {name}-recovery --name look --function-version 1",
	"aws scheduler delete-schedule --region {P} --group-name {name} --name {name}-snapshot",
	`aws scheduler update-schedule --region {P} --group-name {name} --name {name}-recovery --schedule-expression 'rate(1 day)' --flexible-time-window Mode=OFF --target '{"Arn":"arn:aws:lambda:{P}:{account}:function:{name}-recovery","RoleArn":"arn:aws:iam::{account}:role/{name}-scheduler-{P}"}'`,
	updateRecord + `'{"Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"{record}","Type":"CNAME","TTL":60,"ResourceRecords":[{"Value":"elsewhere.example.com"}]}}]}'`,
	"aws sts assume-role --role-arn arn:aws:iam::{account}:role/{name}-master-{P} --role-session-name drill",
	"aws sts assume-role --role-arn arn:aws:iam::{account}:role/{name}-TheSnapshotRole-{P} --role-session-name drill",
	"aws iam delete-role-policy --role-name {name}-snapshot-{P} --policy-name x",
	`aws iam put-role-policy --role-name {name}-drift-{S} --policy-name more --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'`,
	updateDomain + "--cluster-config InstanceCount=6",
	"aws opensearch delete-domain --region {P} --domain-name {name}",
	"aws ssm put-parameter --region {S} --name /{name}/active-region --value {S} --type String --overwrite",
	"aws sns set-topic-attributes --region {P} --topic-arn {topic} --attribute-name DisplayName --attribute-value x",
	"aws cloudwatch delete-alarms --region {P} --alarm-names {name}-recovery-point-age",
	"aws cloudformation update-termination-protection --region {P} --no-enable-termination-protection --stack-name {name}-foundation-{P}",
	"aws cloudformation delete-stack --region {P} --stack-name {name}-recovery-{P}",
	"aws kms create-alias --region {P} --alias-name alias/x --target-key-id alias/{name}-alarms",
	"aws logs delete-resource-policy --region {P} --policy-name {name}-domain-logs",
}

// refused are the words of a refusal; anything else is another fault, or a success.
var refused = []string{"AccessDenied", "not authorized", "Forbidden", "403"}

// mayChangeNothing: each write is refused, the promotion through the alias by the
// function itself, and a look through it is answered.
func (d *drifts) mayChangeNothing(ctx context.Context) (string, error) {
	var made []error
	for _, line := range d.filled(forbidden...) {
		out, err := d.aws(ctx, d.osdr, line)
		if err == nil || !slices.ContainsFunc(refused, func(word string) bool { return strings.Contains(out, word) }) {
			made = append(made, fmt.Errorf("%s: not refused: %.300s", line, out))
		}
	}
	if len(made) > 0 {
		return "", errors.Join(made...)
	}
	look := "aws lambda invoke --region {P} --function-name {name}-recovery:look "
	out, err := d.aws(ctx, d.osdr, d.filled(look + `--payload '{"action":"promote"}' out.json; cat out.json`)[0])
	if err != nil || !strings.Contains(out, "which only looks") {
		return "", fmt.Errorf("a promotion through the alias answers %.300s (%v)", out, err) //nolint:errorlint // err may be nil
	}
	if out, err = d.aws(ctx, d.osdr, d.filled(look + `--payload '{"action":"status"}' out.json; cat out.json`)[0]); err != nil || strings.Contains(out, "errorMessage") {
		return "", fmt.Errorf("a look through the alias answers %.300s (%v)", out, err) //nolint:errorlint // err may be nil
	}
	printed, code, err := d.admin.command(ctx, "iam-policy")
	if err != nil || code != 0 || !strings.Contains(printed, "kms:ResourceAliases") {
		return "", fmt.Errorf("osdr iam-policy: exit %d (%v)", code, err) //nolint:errorlint // err may be nil
	}
	return fmt.Sprintf("%d writes refused, and a promotion through the alias", len(forbidden)), nil
}

// noFalseFinding in many runs, while the client writes and the schedules go on.
func (d *drifts) noFalseFinding(ctx context.Context) (string, error) {
	since := time.Now()
	before, err := d.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	// A slow machine takes longer for a snapshot than for the runs, which then go on:
	// what they are to meet is a point that is being made.
	unmet := func() bool {
		now, err := d.points(ctx, Primary)
		return err == nil && now[len(now)-1].ID == before[len(before)-1].ID && time.Since(since) < patience
	}
	var (
		mu     sync.Mutex
		all    sync.WaitGroup
		took   []time.Duration
		wrong  []string
		failed []error
	)
	for lane := range lanes {
		o := *d.osdr
		o.reports = filepath.Join(d.osdr.reports, fmt.Sprint(lane))
		if err := os.MkdirAll(o.reports, 0o755); err != nil {
			return "", err
		}
		all.Go(func() {
			for n := lane; n < manyRuns || unmet(); n += lanes {
				got, err := o.drift(ctx)
				mu.Lock()
				if took = append(took, got.took); err == nil && got.clean() != nil {
					wrong = append(wrong, fmt.Sprintf("run %d: %s", n+1, strings.Join(got.told(), "; ")))
				}
				failed = append(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return "", err
	}
	after, err := d.points(ctx, Primary)
	if err != nil {
		return "", err
	}
	slices.Sort(took)
	at := func(share float64) string {
		return took[int(share*float64(len(took)-1))].Round(10 * time.Millisecond).String()
	}
	d.card("A run of osdr drift", at(0.5), fmt.Sprintf("median of %d, two side by side, under load; fastest %s, 90%% within %s, slowest %s", len(took), at(0), at(0.9), at(1)), false)
	if len(wrong) > 0 {
		return "", fmt.Errorf("%d of %d runs find something: %s", len(wrong), len(took), strings.Join(wrong[:min(3, len(wrong))], " | "))
	}
	if after[len(after)-1].ID == before[len(before)-1].ID {
		return "", errors.New("no recovery point was made meanwhile: nothing was shown")
	}
	return fmt.Sprintf("%d runs, median %s, 90%% within %s, slowest %s; points %s to %s; %d client operations", len(took), at(0.5), at(0.9), at(1),
		before[len(before)-1].ID, after[len(after)-1].ID, d.operations(since)), nil
}

func (d *drifts) operations(since time.Time) (n int) {
	for _, o := range d.work.Ops() {
		if o.OK && !o.Start.Before(since) {
			n++
		}
	}
	return n
}

// elsewhere are checks of the other Region that need the one that is away: what
// compares both domains, what only the recovery points there can tell (whose a write
// block is), and IAM, whose control plane is in us-east-1 (X4).
var elsewhere = map[string][]string{Secondary: {"cluster.version", "cluster.blocks"}, Primary: {"role."}}

// regionAway: the run ends within the time of its slowest look-up, says so with
// exit 2, and has looked at the other Region in full.
func (d *drifts) regionAway(ctx context.Context, region string) (string, error) {
	const look, slow = 4 * time.Second, 10 * time.Second
	if err := d.Cloud.SetOutage(region, gateway.Silent); err != nil {
		return "", err
	}
	got, err := d.osdr.drift(ctx, "--timeout", look.String(), "--slow-timeout", slow.String())
	if err := errors.Join(err, d.Cloud.SetOutage(region, gateway.None)); err != nil {
		return "", err
	}
	if got.ExitCode != drift.ExitUnknown || got.took > 2*slow+2*look {
		return "", fmt.Errorf("exit %d after %s: %v", got.ExitCode, got.took.Round(time.Millisecond), got.told())
	}
	other := otherRegion(region)
	var missed []string
	full := 0
	for _, c := range got.Checks {
		switch {
		case c.Where != other || slices.ContainsFunc(elsewhere[region], func(of string) bool { return strings.HasPrefix(c.ID, of) }):
		case c.Outcome == drift.InSync:
			full++
		default:
			missed = append(missed, c.ID)
		}
	}
	if len(missed) > 0 {
		return "", fmt.Errorf("in %s it could not check %s: %v", other, strings.Join(missed, ", "), got.told())
	}
	return fmt.Sprintf("exit 2 after %s: %d checks in sync in %s, %d could not be made", got.took.Round(100*time.Millisecond), full, other, got.Counts.Unknown), nil
}
