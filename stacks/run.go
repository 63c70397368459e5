package stacks

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/opensearch-dr/osdr/internal/config"
)

// Run is the CDK app: it reads the context the CLI gives it and cdk.json,
// writes the templates, and answers the exit code. Faults of the context are
// sentences on stderr, with no stack trace.
func Run(stderr io.Writer) (code int) {
	defer jsii.Close()
	// The CDK's Go binding panics where the CDK throws.
	defer func() {
		if r := recover(); r != nil {
			_, _ = fmt.Fprintf(stderr, "synth: %v\n", r)
			code = 1
		}
	}()
	if err := synth(stderr); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func synth(stderr io.Writer) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	// CDKJSONVariable is for a deployment that keeps its cdk.json elsewhere.
	path := os.Getenv(CDKJSONVariable)
	if path == "" {
		path = filepath.Join(root, "cdk.json")
	}
	cdkJSON, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read cdk.json, with which activeRegion is compared: %w", err)
	}
	app := NewApp(nil)
	context, err := contextOf(app)
	if err != nil {
		return err
	}
	cfg, err := config.Load(config.Source{
		Context: context, CDKJSON: cdkJSON, DefaultAccount: os.Getenv("CDK_DEFAULT_ACCOUNT"), Now: time.Now(),
	})
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		_, _ = fmt.Fprintln(stderr, "warning:", w)
	}
	if err := buildFunctions(root, cfg.FunctionArchitecture, stderr); err != nil {
		return err
	}
	if err := New(app, cfg, filepath.Join(root, "build", "lambda")); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}

// CDKJSONVariable names another cdk.json than the one at the root.
const CDKJSONVariable = "OSDR_CDK_JSON"

// NewApp with what the product wants of every app: templates that hold nothing
// about the machine or the version of the tools.
func NewApp(context map[string]any) awscdk.App {
	props := &awscdk.AppProps{AnalyticsReporting: new(false)}
	if context != nil {
		props.Context = &context
	}
	return awscdk.NewApp(props)
}

func contextOf(app awscdk.App) (map[string]any, error) {
	raw, err := json.Marshal(app.Node().GetAllContext(nil))
	if err != nil {
		return nil, fmt.Errorf("read the context: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("read the context: %w", err)
	}
	return out, nil
}

// findRoot is the folder of this app, found upwards from the working directory,
// so that assets are the same from wherever the synth is started.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the app's folder: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, mod := os.Stat(filepath.Join(at, "go.mod"))
		_, app := os.Stat(filepath.Join(at, "bin", "app"))
		if mod == nil && app == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("find the app's folder: neither %s nor a folder above holds go.mod and bin/app; run make -C <the app's folder> app", dir)
		}
	}
}
