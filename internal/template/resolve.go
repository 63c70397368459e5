package template

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// resolver of the intrinsic functions that the CDK writes
// (docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html).
type resolver struct {
	stack Stack
	raw   rawTemplate
	under map[string]bool // resources being resolved: a circle is Unknown
}

// gone is what Ref of AWS::NoValue leaves: nothing.
type gone struct{}

func (r *resolver) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return r.function(name, arg)
				}
			}
		}
		out := make(map[string]any, len(v))
		for k, item := range v {
			if x := r.value(item); x != (gone{}) {
				out[k] = x
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			if x := r.value(item); x != (gone{}) {
				out = append(out, x)
			}
		}
		return out
	}
	return v
}

func (r *resolver) function(name string, arg any) any {
	switch name {
	case "Ref":
		id, _ := arg.(string)
		return r.ref(id)
	case "Fn::GetAtt":
		switch a := arg.(type) {
		case string:
			id, attribute, _ := strings.Cut(a, ".")
			return r.attribute(id, attribute)
		case []any:
			if len(a) == 2 {
				id, _ := a[0].(string)
				attribute, _ := a[1].(string)
				return r.attribute(id, attribute)
			}
		}
	case "Fn::Join":
		if a, ok := arg.([]any); ok && len(a) == 2 {
			separator, _ := a[0].(string)
			return join(separator, r.value(a[1]))
		}
	case "Fn::Sub":
		return r.substitute(arg)
	case "Fn::Select":
		if a, ok := arg.([]any); ok && len(a) == 2 {
			list, known := r.value(a[1]).([]any)
			at, err := strconv.Atoi(fmt.Sprint(a[0]))
			if known && err == nil && at >= 0 && at < len(list) {
				return list[at]
			}
		}
	}
	return Unknown{name}
}

func join(separator string, list any) any {
	items, ok := list.([]any)
	if !ok {
		return Unknown{"Fn::Join"}
	}
	var parts []string
	known := true
	for _, item := range items {
		if u, ok := item.(Unknown); ok {
			known = false
			parts = append(parts, "${"+u.Expression+"}")
			continue
		}
		parts = append(parts, fmt.Sprint(item))
	}
	out := strings.Join(parts, separator)
	if !known {
		return Unknown{out}
	}
	return out
}

var placeholder = regexp.MustCompile(`\$\{(!?[^}]+)\}`)

func (r *resolver) substitute(arg any) any {
	text, _ := arg.(string)
	own := map[string]any{}
	if a, ok := arg.([]any); ok && len(a) == 2 {
		text, _ = a[0].(string)
		given, _ := a[1].(map[string]any)
		for k, v := range given {
			own[k] = r.value(v)
		}
	}
	known := true
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		v, ok := own[name]
		if !ok {
			if id, attribute, dotted := strings.Cut(name, "."); dotted {
				v = r.attribute(id, attribute)
			} else {
				v = r.ref(name)
			}
		}
		if u, ok := v.(Unknown); ok {
			known = false
			return "${" + u.Expression + "}"
		}
		return fmt.Sprint(v)
	})
	if !known {
		return Unknown{out}
	}
	return out
}

func (r *resolver) ref(id string) any {
	switch id {
	case "AWS::Region":
		return r.stack.Region
	case "AWS::AccountId":
		return r.stack.Account
	case "AWS::Partition":
		return "aws"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	case "AWS::StackName":
		return r.stack.Name
	case "AWS::NoValue":
		return gone{}
	}
	if p, ok := r.raw.Parameters[id]; ok {
		// The value of an SSM parameter is read by CloudFormation; its name is the
		// default.
		if strings.HasPrefix(p.Type, "AWS::SSM::Parameter::Value") {
			return Unknown{fmt.Sprint("ssm:", p.Default)}
		}
		if p.Default != nil {
			return p.Default
		}
		return Unknown{id}
	}
	switch kind := r.raw.Resources[id].Type; kind {
	case "AWS::SNS::Topic":
		return r.attribute(id, "Arn")
	case "AWS::SQS::Queue":
		if name, ok := r.name(id); ok {
			return "https://sqs." + r.stack.Region + ".amazonaws.com/" + r.stack.Account + "/" + name
		}
	default:
		if name, ok := r.name(id); ok {
			return name
		}
	}
	return Unknown{id}
}

// named is the property that gives a resource its name, where Ref answers it.
var named = map[string]string{
	"AWS::CloudWatch::Alarm": "AlarmName", "AWS::IAM::Role": "RoleName", "AWS::KMS::Alias": "AliasName",
	"AWS::Lambda::Function": "FunctionName", "AWS::Logs::LogGroup": "LogGroupName", "AWS::OpenSearchService::Domain": "DomainName",
	"AWS::S3::Bucket": "BucketName", "AWS::SNS::Topic": "TopicName", "AWS::SQS::Queue": "QueueName", "AWS::SSM::Parameter": "Name",
	"AWS::Scheduler::Schedule": "Name", "AWS::Scheduler::ScheduleGroup": "Name",
}

// Named resources, and the property that names them.
func Named(kind string) string { return named[kind] }

func (r *resolver) name(id string) (string, bool) {
	resource := r.raw.Resources[id]
	property := named[resource.Type]
	if property == "" || r.under[id] {
		return "", false
	}
	r.under[id] = true
	defer delete(r.under, id)
	name, ok := r.value(resource.Properties[property]).(string)
	return name, ok
}

// arns of named resources: %r Region, %a account, %n name.
var arns = map[string]string{
	"AWS::CloudWatch::Alarm":         "arn:aws:cloudwatch:%r:%a:alarm:%n",
	"AWS::IAM::Role":                 "arn:aws:iam::%a:role/%n",
	"AWS::Lambda::Function":          "arn:aws:lambda:%r:%a:function:%n",
	"AWS::Logs::LogGroup":            "arn:aws:logs:%r:%a:log-group:%n:*",
	"AWS::OpenSearchService::Domain": "arn:aws:es:%r:%a:domain/%n",
	"AWS::S3::Bucket":                "arn:aws:s3:::%n",
	"AWS::SNS::Topic":                "arn:aws:sns:%r:%a:%n",
	"AWS::SQS::Queue":                "arn:aws:sqs:%r:%a:%n",
	"AWS::Scheduler::ScheduleGroup":  "arn:aws:scheduler:%r:%a:schedule-group/%n",
}

func (r *resolver) attribute(id, attribute string) any {
	kind := r.raw.Resources[id].Type
	form, ok := arns[kind]
	name, known := r.name(id)
	switch {
	case known && ok && slices.Contains([]string{"Arn", "TopicArn"}, attribute):
		return strings.NewReplacer("%r", r.stack.Region, "%a", r.stack.Account, "%n", name).Replace(form)
	case known && slices.Contains([]string{"QueueName", "TopicName"}, attribute):
		return name
	}
	return Unknown{id + "." + attribute}
}
