"""Domains as the service makes them: slowly, at AWS-shaped endpoints, and with a node behind.

The drill's control address starts and stops the node. While it works the domain is there, Created false or Deleted
true, and Processing. The API's calls return at once, CloudFormation's wait, both off the event loop: functions and
schedules go on meanwhile.
"""
import contextvars
import copy
import hashlib
import json
import logging
import urllib.error
import urllib.request

import checks

import ministack.services.cloudformation.stacks as stacks
import ministack.services.opensearch as opensearch
from ministack.core.concurrency import spawn_background
from ministack.core.responses import get_account_id, get_region

log = logging.getLogger("drill.domains")

# The control address is on loopback: never through the proxy that functions use.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_create = opensearch.create_domain_record
_delete = opensearch.delete_domain_record
_update_by_stack = opensearch.update_domain_from_cloudformation
_update_by_api = opensearch._update_domain_config
_on_worker = stacks._runs_on_worker_thread
_control = ""
_nodes = ""  # the version of the nodes, where requests are checked

# A node takes seconds, a set time of creation may be an hour.
_PATIENCE = 2 * 3600


def install(control, nodes):
    global _control, _nodes
    _control, _nodes = control, nodes
    if nodes:
        opensearch._SUPPORTED_VERSIONS = tuple(reversed(checks.offered(nodes)))
    opensearch.create_domain_record = create
    opensearch.delete_domain_record = delete
    opensearch.update_domain_from_cloudformation = update_by_stack
    opensearch._update_domain_config = update_by_api
    stacks._runs_on_worker_thread = lambda kind: kind == "AWS::OpenSearchService::Domain" or _on_worker(kind)


def endpoint(name, region, account):
    """search-<domain>-<26 letters and digits>.<region>.es.amazonaws.com, as the service forms it."""
    digest = hashlib.sha256(f"{account}/{region}/{name}".encode()).hexdigest()[:26]
    return f"search-{name}-{digest}.{region}.es.amazonaws.com"


def ask(path, record):
    """Posts the domain to the drill and waits for its answer."""
    security = record.get("AdvancedSecurityOptions") or {}
    options = record.get("DomainEndpointOptions") or {}
    region, account, name = get_region(), get_account_id(), record["DomainName"]
    body = {
        "name": name, "region": region, "account": account, "arn": record["ARN"],
        "endpoint": endpoint(name, region, account),
        "masterUserArn": (security.get("MasterUserOptions") or {}).get("MasterUserARN", ""),
        "customEndpoint": options.get("CustomEndpoint", "") if options.get("CustomEndpointEnabled") else "",
        "engineVersion": record["EngineVersion"] if record.get("_AskedVersion") else "",
    }
    request = urllib.request.Request(_control + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with _direct.open(request, timeout=_PATIENCE) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        raise opensearch.OpenSearchServiceError(
            500, "InternalException", f"the drill: {refused.read().decode(errors='replace').strip()}") from refused


def background(what, work):
    def run():
        try:
            work()
        except Exception:  # nobody waits for it: the log is all there is
            log.exception("%s failed", what)
    spawn_background(contextvars.copy_context().run, run, thread_name=f"drill-{what}")


# What ministack takes and forgets: a drift of it would be seen in every domain.
_FORGOTTEN = ("LogPublishingOptions",)


def remember(record, payload):
    if (payload or {}).get("EngineVersion"):
        record["_AskedVersion"] = True
    for option in _FORGOTTEN:
        if option in (payload or {}):
            record[option] = copy.deepcopy(payload[option])


def check(payload, by_stack):
    """Refuses as the service does, and as CloudFormation shows it."""
    if not _nodes:
        return
    try:
        checks.check(payload or {}, _nodes)
    except checks.Invalid as refused:
        if by_stack:
            raise opensearch.OpenSearchServiceError(400, "ValidationException", checks.by_stack(refused)) from refused
        code = "LimitExceededException" if refused.limit else "ValidationException"
        raise opensearch.OpenSearchServiceError(409 if refused.limit else 400, code, str(refused)) from refused


# States of a domain that is well for nobody, by the API's fields
# (docs.aws.amazon.com/opensearch-service/latest/APIReference/API_DomainStatus.html). Whether Processing is true in the
# last three is not documented: here it is not.
_STATES = {
    "active": {},
    "processing": {"Processing": True, "DomainProcessingStatus": "Modifying"},
    "upgrading": {"Processing": True, "UpgradeProcessing": True, "DomainProcessingStatus": "UpgradingEngineVersion"},
    "isolated": {"DomainProcessingStatus": "Isolated"},
    "updating": {"DomainProcessingStatus": "UpdatingServiceSoftware"},
    "update-required": {},
}
_SOFTWARE = {
    "updating": {"UpdateStatus": "IN_PROGRESS", "UpdateAvailable": True, "OptionalDeployment": False},
    "update-required": {"UpdateStatus": "PENDING_UPDATE", "UpdateAvailable": True, "OptionalDeployment": False,
                        "Description": "This update is required and will be installed automatically."},
}
_CALM = {"UpdateStatus": "COMPLETED", "UpdateAvailable": False, "OptionalDeployment": True, "Description": ""}


def set_state(account, region, name, state):
    """A state that nothing here leads to; active ends it."""
    record = opensearch._domains.get_scoped(account, region, name)
    if record is None:
        raise LookupError(f"no domain {name} in {region}")
    record.update({"Processing": False, "UpgradeProcessing": False, "DomainProcessingStatus": "Active"} | _STATES[state])
    record["ServiceSoftwareOptions"].update(_SOFTWARE.get(state, _CALM))


def create(payload, compatibility_properties=None):
    check(payload, by_stack=compatibility_properties is not None)
    record = _create(payload, compatibility_properties)
    remember(record, payload)
    name = record["DomainName"]
    record.pop("Endpoint", None)
    record.pop("_Endpoint", None)
    record.update(Created=False, Processing=True, DomainProcessingStatus="Creating")

    def finish():
        try:
            ask("/domains", record)
        except Exception:
            if opensearch._domains.get(name) is record:
                _delete(name, missing_ok=True)
            raise
        if opensearch._domains.get(name) is not record or record["Deleted"]:
            raise opensearch.OpenSearchServiceError(409, "ConflictException", f"Domain {name} was deleted meanwhile")
        where = endpoint(name, get_region(), get_account_id())
        record.update(Endpoint=where, _Endpoint=where, Created=True, Processing=False, DomainProcessingStatus="Active")

    if compatibility_properties is None:  # the API
        background(f"create-{name}", finish)
    else:  # CloudFormation, on a thread of its own
        finish()
    return record


def delete(name, missing_ok=False):
    record = opensearch._domains.get(name)
    if record is None:
        return _delete(name, missing_ok)
    already = record["Deleted"]
    record.update(Deleted=True, Processing=True, DomainProcessingStatus="Deleting")

    def finish():
        ask("/domains/delete", record)
        if opensearch._domains.get(name) is record:
            _delete(name, missing_ok=True)

    if missing_ok:  # CloudFormation
        finish()
    elif not already:
        background(f"delete-{name}", finish)
    return record


def update_by_stack(name, payload, compatibility_properties):
    check(payload, by_stack=True)
    record = _update_by_stack(name, payload, compatibility_properties)
    remember(record, payload)
    ask("/domains/update", record)
    return record


def update_by_api(name, payload):
    """An update names what shall change; ministack takes it for all of the option."""
    record = opensearch._domains.get(name)
    if record is not None:
        payload = {option: {**record[option], **value} if isinstance(value, dict) and isinstance(record.get(option), dict)
                   else value for option, value in payload.items()}
        check({"ClusterConfig": record.get("ClusterConfig"), **payload}, by_stack=False)
    answer = _update_by_api(name, payload)
    if record is not None:
        remember(record, payload)
        ask("/domains/update", record)
    return answer
