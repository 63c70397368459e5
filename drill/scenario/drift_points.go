package scenario

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/point"
	"github.com/opensearch-dr/osdr/internal/store"
)

// removeBlob of the newest point's repository.
func (d *drifts) removeBlob(ctx context.Context) error {
	all, err := d.points(ctx, Primary)
	if err != nil {
		return err
	}
	newest := all[len(all)-1]
	objects, err := point.Objects(ctx, d.bucket(Secondary), newest)
	if err != nil {
		return err
	}
	for _, o := range objects {
		// One that later snapshots keep, so that the pruning of the engine itself does not
		// remove it meanwhile.
		if strings.Contains(o.Key, "/__") {
			return d.bucket(Secondary).Delete(ctx, o.Key)
		}
	}
	return errors.New("the newest point has no blob")
}

// spoilPoint writes something else over the newest point but one.
func (d *drifts) spoilPoint(ctx context.Context) error {
	id, err := d.lastButOne(ctx)
	if err == nil {
		_, err = d.bucket(Secondary).Put(ctx, id.Key(), []byte("{"), store.Condition{})
	}
	return err
}

// removePoint deletes the newest point but one.
func (d *drifts) removePoint(ctx context.Context) error {
	id, err := d.lastButOne(ctx)
	if err != nil {
		return err
	}
	return d.bucket(Secondary).Delete(ctx, id.Key())
}

func (d *drifts) lastButOne(ctx context.Context) (point.ID, error) {
	ids, err := point.List(ctx, d.bucket(Secondary))
	if err != nil {
		return point.ID{}, err
	}
	if len(ids) < 3 {
		return point.ID{}, fmt.Errorf("there are %d recovery points, want 3", len(ids))
	}
	return ids[len(ids)-2], nil
}

// bringBack what was deleted or overwritten last in the other Region's bucket: the
// version before it.
func (d *drifts) bringBack(ctx context.Context, f drift.Finding) error {
	typed := commands(f.Mend)
	if len(typed) != 1 || !strings.HasPrefix(typed[0], "aws s3api list-object-versions") {
		return fmt.Errorf("the mend names no versions: %s", f.Mend)
	}
	return d.earlier(ctx, typed[0][strings.LastIndex(typed[0], " ")+1:])
}

func (d *drifts) earlier(ctx context.Context, prefix string) error {
	client := s3.NewFromConfig(d.in(Secondary), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := d.Names.Bucket(Secondary)
	out, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		return err
	}
	for _, m := range out.DeleteMarkers {
		if aws.ToBool(m.IsLatest) {
			_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: m.Key, VersionId: m.VersionId})
			return err
		}
	}
	for _, v := range out.Versions {
		if !aws.ToBool(v.IsLatest) {
			_, err := client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: v.Key, CopySource: new(bucket + "/" + aws.ToString(v.Key) + "?versionId=" + aws.ToString(v.VersionId))})
			return err
		}
	}
	return fmt.Errorf("no earlier version of %s is there", prefix)
}

// editNewest point: what a finding says of it is mended by the version before.
func (d *drifts) editNewest(edit func(*point.Point)) func(context.Context) error {
	return func(ctx context.Context) error {
		all, err := d.points(ctx, Primary)
		if err != nil {
			return err
		}
		p := all[len(all)-1]
		edit(&p)
		return d.put(ctx, Secondary, p.ID.Key(), p)
	}
}

// unedited is the version before of the point that a finding names.
func (d *drifts) unedited(ctx context.Context, f drift.Finding) error {
	id, err := point.ParseID(strings.TrimPrefix(f.Resource, "recovery point "))
	if err != nil {
		return err
	}
	return d.earlier(ctx, id.Key())
}

// aged points, as if nobody had pruned for weeks: all but the newest that are kept
// by their number.
const aged = 12

func (d *drifts) agePoints(ctx context.Context) error {
	keep, err := strconv.Atoi(retained)
	if err != nil {
		return err
	}
	var all []point.Point
	if err := d.await(ctx, 5*time.Minute, fmt.Sprintf("%d recovery points", keep+aged), func() (bool, error) {
		var err error
		if all, err = d.points(ctx, Primary); err != nil || len(all) >= keep+aged {
			return err == nil, err
		}
		_, err = d.snapshot(ctx, Primary)
		return false, err
	}); err != nil {
		return err
	}
	for _, p := range all[:len(all)-keep] {
		p.Start, p.End = p.Start.AddDate(0, -1, 0), p.End.AddDate(0, -1, 0)
		if err := d.put(ctx, Secondary, p.ID.Key(), p); err != nil {
			return err
		}
	}
	return nil
}

// prune as the product does, two points with each snapshot.
func (d *drifts) prune(ctx context.Context, _ drift.Finding) error {
	_, err := d.snapshot(ctx, Primary)
	return err
}
