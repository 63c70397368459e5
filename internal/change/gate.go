package change

import (
	"fmt"

	"github.com/opensearch-dr/osdr/internal/contract"
	"github.com/opensearch-dr/osdr/internal/drift"
	"github.com/opensearch-dr/osdr/internal/template"
)

// gate must stay wherever a domain was, and ask the same function.
func gate(before, after template.Stack) []drift.Finding {
	var out []drift.Finding
	for _, was := range gates(before) {
		is := resource(after, was.ID)
		f := drift.Finding{Resource: at(before, was.ID), Mend: "leave the gate as it is; no flag takes it away"}
		switch {
		case is == nil || is.Type != was.Type:
			f.Expected, f.Found = "the gate stands in the stack", "it is gone"
		case fmt.Sprint(is.Properties["ServiceToken"]) != fmt.Sprint(was.Properties["ServiceToken"]):
			f.Expected, f.Found = "it asks "+fmt.Sprint(was.Properties["ServiceToken"]), "it asks "+fmt.Sprint(is.Properties["ServiceToken"])
		case hasDomain(before) && hasDomain(after) && is.Text("DomainWanted") == "false":
			f.Expected, f.Found = "it says that the domain is wanted", "it says that the domain is not, and the domain stands in the template"
		case hasDomain(after) && !dependsOnDomain(after, is.ID) && dependsOnDomain(before, was.ID):
			f.Expected, f.Found = "it depends on the domain, so that it is asked before a deletion of the stack", "it does not any more"
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

func gates(s template.Stack) []template.Resource {
	var out []template.Resource
	for _, r := range s.Resources {
		if r.Type == contract.TypeGate {
			out = append(out, r)
		}
	}
	return out
}

func hasDomain(s template.Stack) bool {
	for _, r := range s.Resources {
		if r.Type == domainType {
			return true
		}
	}
	return false
}

func dependsOnDomain(s template.Stack, id string) bool {
	for _, on := range resource(s, id).DependsOn {
		if r := resource(s, on); r != nil && r.Type == domainType {
			return true
		}
	}
	return false
}
