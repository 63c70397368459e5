"""Where ministack 1.5.33 says other than AWS and the drill's truth depends on it. Never mended in the product."""
import json
import re

import ministack.app
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.route53 as route53
import ministack.services.kms as kms
from ministack.core import iam_actions, iam_evaluator

_resource_arn = iam_actions.extract_resource_arn
_condition_key = iam_evaluator._resolve_condition_key
_ASSUMED = re.compile(r"^arn:aws:sts::(\d+):assumed-role/([^/]+)/")
_record_set = provisioners._r53_record_set_create
_DOMAIN = re.compile(r"^/2021-01-01/(?:opensearch/)?domain/([^/]+)")
_NO_KEY = re.compile(r"^arn:aws:kms:[^:]*:\d+:key/(alias/.+)$")
_SCHEDULE = re.compile(r"^/schedules/([^/]+)$")


def install():
    iam_actions.extract_resource_arn = resource_arn
    iam_evaluator._resolve_condition_key = condition_key
    provisioners._RESOURCE_HANDLERS["AWS::Route53::RecordSet"]["create"] = record_set
    # It would also listen on port 443 where it may, as root.
    ministack.app._port_is_bindable = lambda *_: False


def condition_key(key, ctx):
    """aws:PrincipalArn of a role session is the role's ARN on AWS
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html), not the session's."""
    if key.lower() == "aws:principalarn":
        session = _ASSUMED.match(ctx.principal_arn or "")
        if session:
            return f"arn:aws:iam::{session[1]}:role/{session[2]}"
    if key.lower() == "kms:resourcealiases" and key.lower() not in ctx.service_context:
        missing = _NO_KEY.match(ctx.resource_arn)
        return [missing[1]] if missing else key_aliases(ctx.resource_arn) or None
    return _condition_key(key, ctx)


def key_aliases(arn):
    """The aliases of a key (docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html)."""
    return [alias.split(":", 5)[5] for alias, key in kms._aliases.items() if arn.endswith(f":key/{key}")]


def record_set(logical_id, props, stack_name):
    """CloudFormation adopts a record that is identical to what it would make (github.com/aws-cloudformation/
    cloudformation-coverage-roadmap/issues/560), which is what a promotion leaves to the traffic stack."""
    wanted = provisioners._r53_record_set_build_rs(props)
    zone = provisioners._r53_resolve_hosted_zone_id(props)
    for there in route53._records.get(zone, []):
        if same(there) == same(wanted):
            return wanted["Name"], {"Name": wanted["Name"]}
    return _record_set(logical_id, props, stack_name)


def same(record):
    values = sorted(v.rstrip(".") for v in record.get("ResourceRecords", []))
    return record["Name"], record["Type"], str(record.get("TTL", "")), values


def resource_arn(service, method, path, headers, body, query_params, region, account_id):
    """es: calls name their domain in the path or as a tagged ARN, where ministack sees `*`, so that every policy
    scoped to a domain's ARN denies. So it is with a role that is simulated; a schedule's group is always the default
    one to it, and a key that is called by its alias is no key."""
    if service == "opensearch":
        named = _DOMAIN.match(path)
        if named:
            return f"arn:aws:es:{region}:{account_id}:domain/{named[1]}"
        if "/tags" in path:
            arn = one(query_params, "arn") or fields(body).get("ARN")
            if arn:
                return arn
        names = fields(body).get("DomainNames")
        if isinstance(names, list) and len(names) == 1:
            return f"arn:aws:es:{region}:{account_id}:domain/{names[0]}"
    if service == "scheduler" and _SCHEDULE.match(path):
        group = one(query_params, "groupName") or fields(body).get("GroupName") or "default"
        return f"arn:aws:scheduler:{region}:{account_id}:schedule/{group}/{_SCHEDULE.match(path)[1]}"
    if service == "iam" and one(query_params, "PolicySourceArn"):
        return one(query_params, "PolicySourceArn")
    if service == "kms":
        named = fields(body).get("KeyId")
        key = kms._resolve_key(named)
        if key:
            return key["Arn"]
        if str(named).startswith("alias/"):
            # KMS looks for the key before it asks who may read it: an alias of no key is not found, and not refused.
            return f"arn:aws:kms:{region}:{account_id}:key/{named}"
    return _resource_arn(service, method, path, headers, body, query_params, region, account_id)


def one(query_params, name):
    value = (query_params or {}).get(name)
    return value[0] if isinstance(value, list) and value else value


def fields(body):
    try:
        decoded = json.loads(body or b"{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
