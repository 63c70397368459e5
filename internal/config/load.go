package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Source is everything a configuration may depend on.
type Source struct {
	// Context as the CDK hands it to the app: cdk.json's, cdk.context.json's and
	// what -c gave, merged.
	Context map[string]any
	// CDKJSON is cdk.json itself. Compared with Context it tells whether
	// activeRegion is an override: the CLI does not say (H2).
	CDKJSON []byte
	// DefaultAccount is CDK_DEFAULT_ACCOUNT, which the CLI sets from the
	// credentials it runs with.
	DefaultAccount string
	Now            time.Time
}

// Faults are all that is wrong with a context, one sentence each.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// foreign are prefixes of context keys that belong to the CDK and its CLI.
var foreign = []string{
	"aws:", "@aws-cdk", "aws-cdk:", "cdk-", "cdk:", "cli-", "~", "constructs:",
	"availability-zones:", "ssm:", "hosted-zone:", "vpc-provider:", "ami:", "endpoint-service-availability-zones:",
	"load-balancer:", "load-balancer-listener:", "security-group:", "key-provider:", "plugin:", "cc-api-provider:",
	"acknowledged-issue-numbers", "tree",
}

// Load decodes and validates in one go. The error is Faults.
func Load(src Source) (*App, error) {
	d := &decoder{}
	app := &App{Config: Defaults()}

	cfg := reflect.ValueOf(&app.Config).Elem()
	if raw, ok := src.Context["dr"]; ok {
		d.object("dr", raw, cfg)
	} else {
		d.fault("dr is missing from the context; allowed: the object described under Configuration in README.md")
	}

	flags := reflect.ValueOf(&app.Flags).Elem()
	known := append(fieldNames(flags.Type()), "dr")
	for _, key := range sorted(src.Context) {
		isFlag := slices.Contains(known, key)
		switch {
		case key == "dr":
		case isFlag:
			f, _ := field(flags, key)
			d.value(key, flagText(src.Context[key]), f)
		case strings.HasPrefix(key, "dr."):
			d.override(key, src.Context[key], cfg)
		case slices.ContainsFunc(foreign, func(p string) bool { return strings.HasPrefix(key, p) }):
		default:
			d.fault("context key %s is %s, and the key is unknown%s; allowed: %s, dr.<path>", key, show(src.Context[key]), didYouMean(key, known), strings.Join(known, ", "))
		}
	}

	if app.Account == "" {
		app.Account = src.DefaultAccount
	}
	if app.ControlRegion == "" {
		app.ControlRegion = app.SecondaryRegion
	}
	app.DNS.Record = strings.TrimSuffix(app.DNS.Record, ".")
	app.DNS.ZoneName = strings.TrimSuffix(app.DNS.ZoneName, ".")

	committed := d.committed(src.CDKJSON)
	app.Explicit = app.ActiveRegion != committed
	if app.Explicit || app.UnreachableRegion != "" || app.SwitchFrom != "" || app.AcceptUnverified != "" || app.AbandonDomain != "" || app.Without != "" || app.ExtendPause != "" {
		app.AskedAt = src.Now.UTC().Format(time.RFC3339)
	}
	v := &validator{decoder: d, app: app}
	v.all()
	if len(d.faults) > 0 {
		return nil, Faults(d.faults)
	}
	app.Warnings = v.warnings
	return app, nil
}

// flagText lets switchFrom be written as a number in JSON, too.
func flagText(raw any) any {
	if n, ok := raw.(float64); ok {
		return fmt.Sprint(n)
	}
	return raw
}

// committed is the activeRegion that cdk.json itself says. The other flags are
// meant for one command and do not belong there.
func (d *decoder) committed(cdkJSON []byte) string {
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(cdkJSON, &file); err != nil {
		d.fault("cdk.json cannot be read as JSON (%v); the app compares activeRegion with it", err)
		return ""
	}
	for _, name := range fieldNames(reflect.TypeFor[Flags]()) {
		if _, ok := file.Context[name]; ok && name != "activeRegion" {
			d.fault("%s stands in cdk.json; allowed: only -c %s=<value>, for one command (H2)", name, name)
		}
	}
	active, _ := file.Context["activeRegion"].(string)
	return active
}
