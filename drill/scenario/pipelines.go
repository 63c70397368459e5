package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/internal/pipelines"
)

// examples of docs/pipelines in one repository.
type examples struct {
	*World
	folder     string // of all below
	repository string
	main       string // commit of what is deployed
	reader     string // ARN of GitHub's role
	admin      *osdr
}

// Pipelines is docs/pipelines followed to the letter, on the local cloud: the stacks
// and the reader's policy by the commands of its README, then each job and each build
// by its own role, with all that its steps say: make, cdk and osdr as they are.
func Pipelines(ctx context.Context, w *World) error {
	x := &examples{World: w, folder: filepath.Join(w.Cloud.Folder(), "pipelines")}
	x.repository = filepath.Join(x.folder, "repository")
	return w.play(ctx, []step{
		{"a recovery point, and accelerated recovery of the zone", x.ready},
		{"a repository with the cdk.json of what is deployed", x.commitProject},
		{"the stacks and the reader's policy, by the commands of docs/pipelines", x.follow},
		{"GitHub's role is the schedule's and the repository's own pull requests', and may read only", x.trusted},
		{"GitHub, osdr-drift.yml: a clean system is green, with SARIF, JUnit and summary", func(ctx context.Context) (string, error) {
			m, err := x.github(ctx, "osdr-drift.yml", "drift", x.schedule())
			if err != nil {
				return "", err
			}
			return x.drifted(m, "")
		}},
		{"GitHub, osdr-drift.yml: a change by hand fails it, and is shown; green again after its mend", x.driftByHand},
		{"GitHub, osdr-change.yml: a harmless change passes, with its difference", x.harmless},
		{"GitHub, osdr-change.yml: a change that makes the domain anew is refused", func(ctx context.Context) (string, error) {
			return x.refused(ctx, "change.removed", "AWS::OpenSearchService::Domain", x.replace("stacks/domain.go", `searchdomain.New(stack, "Domain", `, `searchdomain.New(stack, "Search", `))
		}},
		{"CodePipeline: what is deployed goes through all stages and changes nothing", x.throughStages},
		{"CodePipeline: a change that gives the buckets other names ends before anybody is asked", x.stopped},
		{"without a CI: the scheduled build is green, and red after a change by hand", x.scheduled},
	})
}

// ready for a failover, as the system must be that is looked at.
func (x *examples) ready(ctx context.Context) (string, error) {
	var err error
	if x.admin, _, err = x.buildOsdr(ctx); err != nil {
		return "", err
	}
	if _, err := x.aws(ctx, x.admin, "aws route53 update-hosted-zone-features --enable-accelerated-recovery --hosted-zone-id "+x.CDK.Context["dr.dns.zoneId"]); err != nil {
		return "", err
	}
	return x.onDemand(ctx, 1)
}

// drifted judges a run of osdr-drift.yml: green, or failed by the finding of an id.
func (x *examples) drifted(m *machine, finding string) (string, error) {
	text, err := m.file("drift.xml")
	if err != nil {
		return "", err
	}
	suites, err := readJUnit(text)
	if err != nil {
		return "", err
	}
	sarif, err := m.file("drift.sarif")
	if err == nil {
		err = validSARIF(sarif)
	}
	summary, serr := os.ReadFile(m.Summary())
	if err := errors.Join(err, serr); err != nil {
		return "", err
	}
	for _, name := range []string{"Show it in code scanning", "Show it as tests"} {
		if ok, err := m.ran(name); !ok || err != nil {
			return "", fmt.Errorf("%s: ran %t: %v", name, ok, err) //nolint:errorlint // err may be nil
		}
	}
	want := x.Names.App + ": in sync"
	if finding != "" {
		want = finding
	}
	if !strings.Contains(string(summary), want) || finding != "" && !strings.Contains(sarif, `"`+finding+`"`) {
		return "", fmt.Errorf("no %q in the summary or the SARIF:\n%s", want, summary)
	}
	failed := failedCases(suites)
	if finding == "" && len(failed) > 0 || finding != "" && !slices.ContainsFunc(failed, func(c string) bool { return strings.HasPrefix(c, finding+" ") }) {
		return "", fmt.Errorf("the failed tests are %v", failed)
	}
	return fmt.Sprintf("%d tests, %d failed %v", suites.Tests, len(failed), failed), nil
}

// failedIn tells whether a job failed in a step, with the exit code 1.
func failedIn(err error, name string) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("it is green")
	case !errors.As(err, &exit), exit.ExitCode() != 1, !strings.Contains(err.Error(), fmt.Sprintf("step %q", name)):
		return fmt.Errorf("not %q failed with 1: %w", name, err)
	}
	return nil
}

// byHand is what somebody does behind the pipeline's back.
const byHand = "bucket.versioning"

// suspend versioning of the bucket in us-east-1.
func (x *examples) suspend(ctx context.Context) error {
	_, err := x.aws(ctx, x.admin, "aws s3api put-bucket-versioning --region "+Primary+" --bucket "+x.Names.Bucket(Primary)+" --versioning-configuration Status=Suspended")
	return err
}

// mend what a text report tells, as it says.
func (x *examples) mend(ctx context.Context, text string) (string, error) {
	_, after, _ := strings.Cut(text, "  "+byHand+"  ")
	_, after, _ = strings.Cut(after, "mend ")
	line, _, _ := strings.Cut(after, "\n")
	typed := commands(strings.TrimSpace(line))
	if len(typed) == 0 {
		return "", fmt.Errorf("the report names no command that mends %s:\n%s", byHand, text)
	}
	return strings.Join(typed, " && "), x.carryOut(ctx, x.admin, Primary, typed...)
}

func (x *examples) driftByHand(ctx context.Context) (string, error) {
	if err := x.suspend(ctx); err != nil {
		return "", err
	}
	m, err := x.github(ctx, "osdr-drift.yml", "drift", x.schedule())
	if err := failedIn(err, "Compare"); err != nil {
		return "", err
	}
	saw, err := x.drifted(m, byHand)
	if err != nil {
		return "", err
	}
	text, err := m.file("drift.txt")
	if err != nil {
		return "", err
	}
	mended, err := x.mend(ctx, text)
	if err != nil {
		return "", err
	}
	if m, err = x.github(ctx, "osdr-drift.yml", "drift", x.schedule()); err != nil {
		return "", err
	}
	_, err = x.drifted(m, "")
	return saw + "; mended by " + mended, err
}

// throughStages of a commit that changes nothing.
func (x *examples) throughStages(ctx context.Context) (string, error) {
	since := time.Now()
	var saw []string
	_, err := x.stages(ctx, x.main, func(s pipelines.Stage, m *machine) error {
		want := map[string]string{"Change": x.Names.App + ": accepted", "Deploy": "(no changes)", "Drift": x.Names.App + ": in sync"}[s.Name]
		saw = append(saw, fmt.Sprintf("%s: %d x %q", s.Name, strings.Count(m.out.String(), want), want))
		if n := strings.Count(m.out.String(), want); n == 0 || s.Name == "Deploy" && n != 7 {
			return fmt.Errorf("it says %q %d times", want, n)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return strings.Join(saw, ", ") + fmt.Sprintf(", in %.0f s", time.Since(since).Seconds()), nil
}

// stopped by the gate, before the approval.
func (x *examples) stopped(ctx context.Context) (string, error) {
	bad, err := x.propose(ctx, "other buckets", x.replace("stacks/foundation.go", `snapshotbucket.Config{Name: n.Bucket(region)}`, `snapshotbucket.Config{Name: n.Bucket(region) + "-new"}`))
	if err != nil {
		return "", err
	}
	last, err := x.stages(ctx, bad, func(s pipelines.Stage, _ *machine) error { return fmt.Errorf("stage %s is green", s.Name) })
	if err := failedIn(err, "build"); err != nil {
		return "", err
	}
	if last != "Change" || !strings.Contains(err.Error(), "change.replaced") {
		return "", fmt.Errorf("stage %s failed, by something else: %w", last, err)
	}
	return "the stage Change fails with 1", nil
}

// scheduled build of the control Region's stack: the schedule may start it, and it
// judges the system by itself.
func (x *examples) scheduled(ctx context.Context) (string, error) {
	begun, err := x.start(ctx)
	if err != nil {
		return "", err
	}
	drift := func() (*machine, error) { return x.build(ctx, scheduleStack, "Project", "Role", driftSpec, x.main) }
	m, err := drift()
	if err != nil {
		return "", err
	}
	if !strings.Contains(m.out.String(), x.Names.App+": in sync") {
		return "", fmt.Errorf("it does not say that all is in sync:\n%s", m.out.String())
	}
	if err := x.suspend(ctx); err != nil {
		return "", err
	}
	_, err = drift()
	if err := failedIn(err, "build"); err != nil {
		return "", err
	}
	mended, merr := x.mend(ctx, err.Error())
	if merr != nil {
		return "", merr
	}
	_, err = drift()
	return begun + ", red by " + byHand + ", green again after " + mended, err
}
