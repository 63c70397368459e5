package cloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opensearch-dr/osdr/drill/cloud"
	"github.com/opensearch-dr/osdr/drill/emulator"
	"github.com/opensearch-dr/osdr/drill/node"
	"github.com/opensearch-dr/osdr/internal/sysindex"
)

// What the managed service does to a domain that nobody asked it for.
func TestH76_H82_ServiceLivesInEachDomain(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	folder := filepath.Join(t.TempDir(), "run")
	c, err := cloud.Start(ctx, cloud.Options{Folder: folder, Log: logger{t}, Hour: 8 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Log(tail(filepath.Join(folder, "service.log")))
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	c.SetNodeOptions(region, name, node.Options{
		Settings: map[string]string{"node.attr.shelf": "north"},
		Files:    map[string]string{"analysis/synonyms.txt": "film, movie\n"},
	})
	master, err := makeDomain(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the domain is ready", func() bool { return describe(t, c).Endpoint != nil })
	endpoint := aws.ToString(describe(t, c).Endpoint)
	get := func(path string) string {
		status, body := call(t, c, master, http.MethodGet, endpoint, path, "")
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, status, body)
		}
		return body
	}

	if body := get("/.kibana/_count"); !strings.Contains(body, `"count":1`) {
		t.Errorf("Dashboards' index of a new domain: %s", body)
	}
	if body := get("/_snapshot"); !strings.Contains(body, `"cs-automated-enc":{"type":"s3"}`) || strings.Contains(body, folder) {
		t.Errorf("the automated repository: %s", body)
	}
	if body := get("/_plugins/_security/api/roles"); strings.Contains(body, "drill_service") {
		t.Errorf("the service's own role is shown: %s", body)
	}
	if status, body := call(t, c, master, http.MethodPost, endpoint, "/_cluster/reroute", "{}"); status != http.StatusUnauthorized {
		t.Errorf("an operation that is not on the list: %d %s", status, body)
	}

	if status, body := call(t, c, master, http.MethodPut, endpoint, "/films", `{"settings":{"number_of_replicas":0,
		"index.routing.allocation.require.shelf":"north","analysis":{
		"filter":{"same":{"type":"synonym","synonyms_path":"analysis/synonyms.txt"}},
		"analyzer":{"own":{"tokenizer":"standard","filter":["same"]}}}}}`); status != http.StatusOK {
		t.Fatalf("an index of the node's own file and attribute: %d %s", status, body)
	}
	if body := get("/_cluster/health/films?wait_for_status=green&timeout=20s"); !strings.Contains(body, `"status":"green"`) {
		t.Errorf("films: %s", body)
	}
	if err := c.Service(ctx, region, name, http.MethodPost, "/films/_doc?refresh=true", map[string]any{"title": strings.Repeat("Alien ", 1000)}, nil); err != nil {
		t.Fatal(err)
	}
	var refused *cloud.Refusal
	if err := c.Service(ctx, region, name, http.MethodGet, "/nothing/_doc/1", nil, nil); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("a refusal of the node: %v", err)
	}
	await(t, "Query Insights exports the searches", func() bool {
		var found []struct{ Index string }
		if err := json.Unmarshal([]byte(get("/_cat/indices/top_queries-*?format=json")), &found); err != nil {
			t.Fatal(err)
		}
		return len(found) == 1 && found[0].Index == sysindex.TopQueries(time.Now())
	})
	await(t, "an automated snapshot is there", func() bool { return strings.Contains(get("/_snapshot/cs-automated-enc/_all"), `"SUCCESS"`) })
	await(t, "and another one", func() bool { return strings.Contains(get("/_snapshot/_status"), `"cs-automated-enc"`) })

	const block = `"read_only_allow_delete":"true"`
	if err := c.SetFlood(ctx, region, name, true); err != nil {
		t.Fatal(err)
	}
	await(t, "the flood stage blocks films", func() bool { return strings.Contains(get("/films/_settings"), block) })
	if err := c.SetFlood(ctx, region, name, false); err != nil {
		t.Fatal(err)
	}
	if body := get("/films/_settings"); strings.Contains(body, block) {
		t.Errorf("the flood is over: %s", body)
	}

	if err := c.SetDomainState(ctx, region, name, emulator.Isolated); err != nil {
		t.Fatal(err)
	}
	if d := describe(t, c); d.DomainProcessingStatus != "Isolated" {
		t.Errorf("an isolated domain is %s", d.DomainProcessingStatus)
	}
}

func TestKindOfNothingIsRefused(t *testing.T) {
	_, err := cloud.Start(t.Context(), cloud.Options{Folder: filepath.Join(t.TempDir(), "run"), Kind: []cloud.Unkindness{"weather"}})
	if err == nil || !strings.Contains(err.Error(), "weather") {
		t.Errorf("%v", err)
	}
}

// A drill that has ended and that its parent has not reaped is gone.
func TestH90_StopWaitsForTheCloudAndNotForItsParent(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "run")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), stoppedFolder+"="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }() // not before Stop is over
	var remote *cloud.Remote
	await(t, "the cloud runs", func() bool {
		remote, err = cloud.Attach(folder)
		return err == nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := remote.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if !alive(cmd.Process.Pid) {
		t.Error("the process is reaped: this test shows nothing")
	}
	if left := processes(t, filepath.Join(folder, "emulator")); len(left) > 0 {
		t.Errorf("Stop is over and there are %v", left)
	}
}
