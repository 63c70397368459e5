package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Reverse is the loss of the secondary Region, and of the control Region with it,
// while it is the active one: the primary takes over, and the stack of the record
// follows when the Region is back.
func Reverse(ctx context.Context, w *World) error {
	r := &turn{World: w}
	return w.play(ctx, []step{
		{"us-west-2 is active: make failback, unless it is already", r.secondaryActive},
		{"reverse: a client writes, and a recovery point stands", r.begins},
		{"us-west-2, which is the control Region, too, is taken away in mid-write", r.isLost},
		{"make failover TO=us-east-1", func(ctx context.Context) (string, error) {
			_, err := r.makes(ctx, makeFailover, Primary)
			return "", err
		}},
		{"us-east-1 serves by the name, and only the announced window is missing", r.serves},
		{"us-west-2 is back: its domain fences itself", r.isBack},
		{"stand-down: the salvage holds what was lost, and the stack of the record follows", r.trafficFollows},
		{"no orphan is left", w.noOrphans},
	})
}

func (t *turn) secondaryActive(ctx context.Context) (string, error) {
	if _, err := t.startLoad(ctx); err != nil {
		return "", err
	}
	led, err := t.ledger(ctx, Primary)
	if err != nil || led.ActiveRegion == Secondary {
		return "it is", err
	}
	return t.switchesTo(ctx, Secondary)
}

// switchesTo a Region as planned, by the README's command, and commits it.
func (w *World) switchesTo(ctx context.Context, to string) (string, error) {
	since := time.Now()
	if _, err := w.makes(ctx, makeFailback, to); err != nil {
		return "", err
	}
	if err := w.moved(ctx, to, since); err != nil {
		return "", err
	}
	all, err := w.settledContents(ctx, to)
	if err != nil {
		return "", err
	}
	got := w.work.Compare(all, "")
	if len(got.Lost) > 0 || len(got.Unexpected) > 0 {
		return "", fmt.Errorf("the switch lost acknowledged documents: %s, such as %v", got, append(got.Lost, got.Unexpected...)[:1])
	}
	if err := w.sameFilms(ctx, to); err != nil {
		return "", err
	}
	return fmt.Sprintf("0 lost of %d acknowledged, in %s", got.Acknowledged, time.Since(since).Round(time.Second)), w.commit(to)
}

func (t *turn) trafficFollows(ctx context.Context) (string, error) {
	said, err := t.standsDown(ctx)
	if err != nil {
		return "", err
	}
	out, err := cloudformation.NewFromConfig(t.in(Secondary)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: new(t.Names.TrafficStack())})
	if err != nil {
		return "", fmt.Errorf("describe the record's stack: %w", err)
	}
	status := string(out.Stacks[0].StackStatus)
	if !strings.HasSuffix(status, "_COMPLETE") || strings.Contains(status, "ROLLBACK") {
		return "", fmt.Errorf("stack %s is %s", aws.ToString(out.Stacks[0].StackName), status)
	}
	to, err := t.dialer.Resolve(ctx, record)
	if err != nil {
		return "", err
	}
	if d, ok := t.domain(Primary); !ok || d.Endpoint != to.Host {
		return "", fmt.Errorf("%s leads to %s after the stack of the record, which is no domain of %s", record, to.Host, Primary)
	}
	return said + "; the stack of the record is " + status, nil
}
