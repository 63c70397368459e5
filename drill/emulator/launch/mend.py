"""Where ministack 1.5.33 says other than AWS and the drill's truth depends on it. Never mended in the product."""
import json
import re

import ministack.app
from ministack.core import iam_actions

_resource_arn = iam_actions.extract_resource_arn
_DOMAIN = re.compile(r"^/2021-01-01/(?:opensearch/)?domain/([^/]+)")


def install():
    iam_actions.extract_resource_arn = resource_arn
    # It would also listen on port 443 where it may, as root.
    ministack.app._port_is_bindable = lambda *_: False


def resource_arn(service, method, path, headers, body, query_params, region, account_id):
    """es: calls name their domain in the path or as a tagged ARN, where ministack sees `*`, so that every policy
    scoped to a domain's ARN denies."""
    if service == "opensearch":
        named = _DOMAIN.match(path)
        if named:
            return f"arn:aws:es:{region}:{account_id}:domain/{named[1]}"
        if "/tags" in path:
            arn = (query_params or {}).get("arn")
            arn = arn[0] if isinstance(arn, list) and arn else arn
            arn = arn or fields(body).get("ARN")
            if arn:
                return arn
        names = fields(body).get("DomainNames")
        if isinstance(names, list) and len(names) == 1:
            return f"arn:aws:es:{region}:{account_id}:domain/{names[0]}"
    return _resource_arn(service, method, path, headers, body, query_params, region, account_id)


def fields(body):
    try:
        decoded = json.loads(body or b"{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
