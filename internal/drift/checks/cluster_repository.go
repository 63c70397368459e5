package checks

import (
	"context"
	"fmt"
	"slices"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
)

func (f *Facts) repository(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	n := f.names()
	bucket := n.Bucket(f.App.Other(i.Region))
	snapshotNow := aws(i.Region, "lambda invoke", "function-name", n.Function(contract.Snapshot), "cli-binary-format", "raw-in-base64-out", "payload", `{"reason":"demand"}`) + " /dev/stdout"
	out := drift.Finding{
		Resource: contract.Repository, Expected: "s3://" + bucket + "/" + i.ClusterUUID + " by " + n.SnapshotRoleARN(i.Region) + ", writable",
		Mend: "the next snapshot registers it: " + snapshotNow,
	}
	at := slices.IndexFunc(i.Repositories, func(r contract.RepositoryState) bool { return r.Name == contract.Repository })
	if at < 0 {
		out.Found = "it is not registered"
		return []drift.Finding{out}, nil
	}
	r := i.Repositories[at]
	if r.Bucket == bucket && r.BasePath == i.ClusterUUID && !r.Readonly && (r.Role == "" || r.Role == n.SnapshotRoleARN(i.Region)) {
		return nil, nil
	}
	out.Found = fmt.Sprintf("s3://%s/%s by %s", r.Bucket, r.BasePath, or(r.Role, "no role"))
	if r.Readonly {
		out.Found += ", read-only"
	}
	return []drift.Finding{out}, nil
}

func (f *Facts) readonly(ctx context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	led, err := f.inForce(ctx)
	if err != nil {
		return nil, err
	}
	var out []drift.Finding
	for _, r := range i.Repositories {
		ours := r.Bucket == f.names().Bucket(f.App.PrimaryRegion) || r.Bucket == f.names().Bucket(f.App.SecondaryRegion)
		writer := r.Name == contract.Repository && r.BasePath == i.ClusterUUID && r.Bucket == f.names().Bucket(f.App.Other(i.Region))
		if !ours || r.Readonly || writer {
			continue
		}
		out = append(out, drift.Finding{
			Resource: r.Name, Expected: "read-only", Found: fmt.Sprintf("writable, on s3://%s/%s", r.Bucket, r.BasePath),
			Mend: fmt.Sprintf("DELETE _snapshot/%s on the domain of %s, as an admin; a switch registers what it needs (active is %s)", r.Name, i.Region, led.ActiveRegion),
		})
	}
	return out, nil
}

func (f *Facts) verify(_ context.Context, i *contract.Inspection) ([]drift.Finding, error) {
	var out []drift.Finding
	for _, r := range i.Repositories {
		if r.Refused != "" {
			out = append(out, drift.Finding{
				Resource: r.Name, Expected: "every node reaches s3://" + r.Bucket + "/" + r.BasePath, Found: r.Refused,
				Mend: "look at role.snapshot, role.trust and bucket.policy of this Region; a registration that nobody needs: DELETE _snapshot/" + r.Name,
			})
		}
	}
	return out, nil
}
