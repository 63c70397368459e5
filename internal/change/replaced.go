package change

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
)

// IgnoreFile that is read when none is named.
const IgnoreFile = ".osdr-change-ignore.json"

// fixed properties: another value is another resource. They are the
// createOnlyProperties and conditionalCreateOnlyProperties of the resource types'
// own schemas (docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html).
var fixed = map[string][]string{
	domainType: {"DomainName", "EngineMode", "EncryptionAtRestOptions.Enabled", "EncryptionAtRestOptions.KmsKeyId", "AdvancedSecurityOptions.Enabled"},
	bucketType: {"BucketName", "BucketNamePrefix", "BucketNamespace"},
	aliasType:  {"AliasName"},
	roleType:   {"RoleName", "Path"},
}

// oneWay properties of a domain: the service turns them on and never off, and moves
// no domain into a VPC or out of one
// (docs.aws.amazon.com/opensearch-service/latest/developerguide/ntn.html, vpc.html).
var oneWay = []string{"NodeToNodeEncryptionOptions.Enabled", "VPCOptions"}

func replaced(before, after template.Stack) []drift.Finding {
	var out []drift.Finding
	for _, was := range held(before) {
		is := resource(after, was.ID)
		if is == nil {
			continue
		}
		if is.Type != was.Type {
			out = append(out, drift.Finding{
				Resource: at(before, was.ID), Expected: called(was) + " is " + was.Type, Found: "a " + is.Type + " of the same logical id",
				Mend: "give the other resource a logical id of its own",
			})
			continue
		}
		for _, path := range fixed[was.Type] {
			out = append(out, differs(before, was, *is, path, inPlace(was.Type, path))...)
		}
		if was.Type == domainType {
			out = append(out, engine(before, was, *is)...)
			for _, path := range oneWay {
				if set(was, path) && !set(*is, path) || path == "VPCOptions" && set(*is, path) != set(was, path) {
					out = append(out, differs(before, was, *is, path, "leave it: the service does not take it back, only another domain has it otherwise")...)
				}
			}
		}
	}
	return out
}

// inPlace is what to do instead.
func inPlace(kind, path string) string {
	switch {
	case path == template.Named(kind), strings.HasPrefix(path, "BucketName"):
		return "leave the name: it is the installation's identity, and what makes CloudFormation refuse a replacement"
	case kind == domainType:
		return "leave it: to have it otherwise switch to the other Region, with the setting there for a domain that does not exist yet"
	}
	return "leave it"
}

// engine version: with EnableVersionUpgrade it is an upgrade in place, without a
// new and empty domain (aws-cloudformation/cloudformation-coverage-roadmap#1862).
func engine(s template.Stack, was, is template.Resource) []drift.Finding {
	if same(was, is, "EngineVersion") || is.Upgrades {
		return nil
	}
	f := differs(s, was, is, "EngineVersion", "set EnableVersionUpgrade in the domain's update policy; then it is upgraded in place")
	f[0].Found += ", without EnableVersionUpgrade"
	return f
}

func differs(s template.Stack, was, is template.Resource, path, mend string) []drift.Finding {
	if same(was, is, path) {
		return nil
	}
	return []drift.Finding{{
		Resource: at(s, was.ID), Expected: fmt.Sprintf("%s of %s is %s", path, called(was), show(was, path)), Found: show(is, path), Mend: mend,
	}}
}

// value of a property by its path; what is false, empty or IAM's own default is as
// good as not said.
func value(r template.Resource, path string) any {
	var v any = r.Properties
	for step := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[step]
	}
	switch v {
	case false, "false", "":
		return nil
	case "true":
		return true
	}
	if r.Type == roleType && path == "Path" && v == "/" {
		return nil
	}
	return v
}

func set(r template.Resource, path string) bool { return value(r, path) != nil }

// same value on both sides. Two that only AWS knows are the same when they are
// asked for by the same words.
func same(was, is template.Resource, path string) bool {
	return text(value(was, path)) == text(value(is, path))
}

func show(r template.Resource, path string) string {
	if v := value(r, path); v != nil {
		return text(v)
	}
	return "not set"
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// policies that grew weaker.
func policies(before, after template.Stack) []drift.Finding {
	var out []drift.Finding
	for _, was := range held(before) {
		is := resource(after, was.ID)
		if is == nil || is.Type != was.Type {
			continue
		}
		for _, p := range []struct{ name, was, is string }{
			{"DeletionPolicy", was.OnDelete, is.OnDelete}, {"UpdateReplacePolicy", was.OnReplace, is.OnReplace},
		} {
			if keeps(p.is) < keeps(p.was) {
				out = append(out, drift.Finding{
					Resource: at(before, was.ID), Expected: p.name + " of " + called(was) + " is " + p.was, Found: otherwise(p.is, "not set, which is Delete"),
					Mend: "leave " + p.name + ": " + p.was,
				})
			}
		}
		if was.Upgrades && !is.Upgrades {
			out = append(out, drift.Finding{
				Resource: at(before, was.ID), Expected: "EnableVersionUpgrade of " + called(was) + " is true", Found: "not set",
				Mend: "leave it: without it the next EngineVersion makes a new and empty domain",
			})
		}
	}
	return out
}

func otherwise(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

// protection that was dropped.
func protection(before, after template.Stack) []drift.Finding {
	if !before.Protected || after.Protected {
		return nil
	}
	return []drift.Finding{{
		Resource: before.Name, Expected: "termination protection on", Found: "off", Mend: "leave terminationProtection: true in the stack's properties",
	}}
}
