"""What `osdr drift --ready` and `osdr doctor` ask of an account and ministack 1.5.33 does not know: the quotas of OpenSearch
Service, which are a new account's, and accelerated recovery of a hosted zone, which stands only where somebody turned it on."""
import json
import re
from xml.etree.ElementTree import SubElement

import ministack.app as app
import ministack.services.route53 as route53
from ministack.core import iam_actions
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response

# docs.aws.amazon.com/general/latest/gr/opensearch-service.html
_QUOTAS = {"es": {"Domains per Region": 100.0, "Instances per domain": 80.0}}
_FEATURES = re.compile(r"/hostedzone/([^/]+)/features$")
_accelerated = {}  # zone -> status

_zone_element = route53._build_hosted_zone_el


def install():
    app.SERVICE_HANDLERS["servicequotas"] = quotas
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"  # or IAM is not asked
    route53._build_hosted_zone_el = zone_element
    app.SERVICE_HANDLERS["route53"] = with_features(app.SERVICE_HANDLERS["route53"])


async def quotas(method, path, headers, body, query_params):
    """docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html"""
    asked = json.loads(body or b"{}")
    action, service = headers.get("x-amz-target", "").rsplit(".", 1)[-1], asked.get("ServiceCode", "")
    if action != "ListServiceQuotas" or service not in _QUOTAS:
        return error_response_json("NoSuchResourceException", f"{action} of {service}: the drill has no such quotas", 400)
    return json_response({"Quotas": [{
        "ServiceCode": service, "QuotaName": name, "Value": value, "Unit": "None", "Adjustable": True, "GlobalQuota": False,
        "QuotaArn": f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:{service}/{name}",
    } for name, value in _QUOTAS[service].items()]})


def with_features(handle):
    """docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHostedZoneFeatures.html. It takes no time here."""
    async def handled(method, path, headers, body, query_params):
        named = _FEATURES.search(path)
        if method != "POST" or not named:
            return await handle(method, path, headers, body, query_params)
        if named[1] not in route53._zones:
            return route53._error_response("NoSuchHostedZone", f"No hosted zone found with ID: {named[1]}", 404)
        wanted = b"<EnableAcceleratedRecovery>true</EnableAcceleratedRecovery>" in body
        _accelerated[named[1]] = "ENABLED" if wanted else "DISABLED"
        return route53._xml_response("UpdateHostedZoneFeaturesResponse", lambda root: None)
    return handled


def zone_element(parent, zone):
    _zone_element(parent, zone)
    status = _accelerated.get(zone["id"])
    if status:
        SubElement(SubElement(parent[-1], "Features"), "AcceleratedRecoveryStatus").text = status
