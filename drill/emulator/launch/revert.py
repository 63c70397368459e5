"""Drift-aware change sets, which ministack 1.5.33 does not know: a change set with DeploymentMode REVERT_DRIFT brings
the resources of a stack back to its template, those too that the template does not change
(docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html). It is what `cdk deploy
--revert-drift` asks for."""
import json

import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.drift as drift
import ministack.services.cloudformation.handlers as handlers
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudformation.stacks as stacks
import ministack.services.opensearch as opensearch
from ministack.core.responses import now_iso

_create = handlers._ACTION_HANDLERS["CreateChangeSet"]
_execute = handlers._ACTION_HANDLERS["ExecuteChangeSet"]

# They go with the resource that they belong to, and come back with it.
_BELONGING = ("AWS::IAM::Policy", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Alias", "AWS::Lambda::Permission",
              "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription")


def install():
    handlers._ACTION_HANDLERS["CreateChangeSet"] = create
    handlers._ACTION_HANDLERS["ExecuteChangeSet"] = execute
    drift._DRIFT_READERS.setdefault("AWS::OpenSearchService::Domain", (
        lambda name, _: {} if name in opensearch._domains else None, frozenset()))


def said(params, name):
    value = params.get(name, "")
    return value[0] if isinstance(value, list) and value else value


def create(params):
    answer = _create(params)
    if said(params, "DeploymentMode") != "REVERT_DRIFT" or answer[0] != 200:
        return answer
    _, change_set = changesets._find_change_set(said(params, "ChangeSetName"), said(params, "StackName"))
    stack = stacks_of()[change_set["StackName"]]
    drifted = found(stack)
    if drifted and change_set["Status"] == "FAILED":
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="", _reverts=drifted, Changes=[
            {"Type": "Resource", "ResourceChange": {
                "Action": "Add" if gone else "Modify", "LogicalResourceId": logical, "Replacement": "False", "Scope": [], "Details": [],
                "PhysicalResourceId": record.get("PhysicalResourceId", ""), "ResourceType": record["ResourceType"]}}
            for logical, gone in drifted.items() for record in [stack["_resources"][logical]]])
    return answer


def stacks_of():
    from ministack.services.cloudformation import _stacks
    return _stacks


def found(stack):
    """Logical ids that drifted, and whether the resource is gone."""
    out = {}
    for logical, record in stack["_resources"].items():
        if drift.supports_drift(record["ResourceType"]):
            status = drift.detect_resource_drift(stack, logical, record, now_iso())["StackResourceDriftStatus"]
            if status in ("DELETED", "MODIFIED"):
                out[logical] = status == "DELETED"
    gone = [json.dumps(stack["_resources"][logical]["PhysicalResourceId"]) for logical, missing in out.items() if missing]
    for logical, record in stack["_resources"].items():
        if record["ResourceType"] in _BELONGING and any(name in json.dumps(record.get("Properties")) for name in gone):
            out[logical] = True
    return out


def execute(params):
    _, change_set = changesets._find_change_set(said(params, "ChangeSetName"), said(params, "StackName"))
    if not change_set or not change_set.get("_reverts"):
        return _execute(params)
    stack = stacks_of()[change_set["StackName"]]
    name, identity = stack["StackName"], stack["StackId"]

    def event(logical, kind, status, physical):
        stacks._add_event(identity, name, logical, kind, status, physical_id=physical)
    event(name, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", identity)
    # First what others belong to, as the template's order has it.
    for logical, gone in sorted(change_set["_reverts"].items(), key=lambda item: stack["_resources"][item[0]]["ResourceType"] in _BELONGING):
        record = stack["_resources"][logical]
        kind, props = record["ResourceType"], record.get("Properties") or {}
        if gone:
            record["PhysicalResourceId"], attributes = provisioners._provision_resource(kind, logical, props, name)
        else:
            record["PhysicalResourceId"], attributes = provisioners._update_resource(
                kind, record["PhysicalResourceId"], {**props, "_drifted": True}, props, name, logical, record.get("Attributes"))
        record["Attributes"] = attributes or record.get("Attributes")
        event(logical, kind, "UPDATE_COMPLETE", record["PhysicalResourceId"])
    stack.update(StackStatus="UPDATE_COMPLETE", LastUpdatedTime=now_iso())
    change_set["ExecutionStatus"] = "EXECUTE_COMPLETE"
    event(name, "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", identity)
    return changesets._xml(200, "ExecuteChangeSetResponse", "<ExecuteChangeSetResult></ExecuteChangeSetResult>")
