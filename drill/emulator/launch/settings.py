"""Settings that ministack 1.5.33 takes from a template and does not keep, or does not answer as AWS does. `osdr drift`
reads them back, so that each of them would be a finding in a system that is clean."""
from xml.sax.saxutils import escape

import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.lambda_svc as lambda_svc
import ministack.services.s3 as s3
import ministack.services.sns as sns

_code_url = lambda_svc._presigned_code_url
_apply_to_bucket = provisioners._s3_apply_configurations
_LATEST = "$LATEST"


def install(port):
    # A package is fetched by TLS like all else; the link is signed, and goes past the gateway as past any region's door.
    plain = f":{port}/_ministack/"
    lambda_svc._presigned_code_url = lambda name: (
        f"https://127.0.0.1{plain}" + _code_url(name).split(plain, 1)[1])
    provisioners._s3_apply_configurations = apply_to_bucket
    topic = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    topic["create"], topic["update"] = with_key(topic["create"], 1), with_key(topic["update"], 2)
    # How a function is invoked belongs to its newest code when no version is named
    # (docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html).
    for call in ("_get_event_invoke_config", "_put_event_invoke_config", "_delete_event_invoke_config"):
        setattr(lambda_svc, call, of_newest(getattr(lambda_svc, call)))


def of_newest(call):
    return lambda name, qualifier=None, *rest: call(name, qualifier or _LATEST, *rest)


def with_key(make, at):
    """A topic with the key of its template; the properties are the argument number at."""
    def made(*args):
        arn, attributes = make(*args)
        key = args[at].get("KmsMasterKeyId")
        if key:
            sns._topics[arn]["attributes"]["KmsMasterKeyId"] = key
        return arn, attributes
    return made


def apply_to_bucket(name, props, old_props=None):
    _apply_to_bucket(name, props, old_props)
    rules = (props.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        s3._put_bucket_lifecycle(name, lifecycle(rules))
    elif old_props and "LifecycleConfiguration" in old_props:
        s3._delete_bucket_lifecycle(name)


def lifecycle(rules):
    """CloudFormation's rules in S3's words, as far as the product's templates use them."""
    said = "".join(
        "<Rule>" + element("ID", rule.get("Id")) + f"<Filter><Prefix>{escape(rule.get('Prefix', ''))}</Prefix></Filter>"
        + element("Status", rule["Status"])
        + inside("AbortIncompleteMultipartUpload", rule.get("AbortIncompleteMultipartUpload"))
        + inside("NoncurrentVersionExpiration", rule.get("NoncurrentVersionExpiration"))
        + (inside("Expiration", {"ExpiredObjectDeleteMarker": "true"}) if rule.get("ExpiredObjectDeleteMarker") else "")
        + "</Rule>" for rule in rules)
    return f"<LifecycleConfiguration>{said}</LifecycleConfiguration>".encode()


def inside(name, values):
    return f"<{name}>" + "".join(element(k, v) for k, v in values.items()) + f"</{name}>" if values else ""


def element(name, value):
    return f"<{name}>{escape(str(value))}</{name}>" if value is not None else ""
