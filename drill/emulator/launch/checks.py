"""What the service checks before it makes or changes a domain, and ministack 1.5.33 takes as it comes.

Sources, as the service's own pages leave most of it out:
- gp3: the throughput and IOPS that a volume must and may have depend on its size and the instance type.
  github.com/hashicorp/terraform-provider-aws/issues/39136 (3 IOPS a GiB above 1,000 GiB, 250 MiB/s a started 3 TiB),
  github.com/ministryofjustice/cloud-platform-environments/pull/11233 ("Throughput must be between 250 and 593"),
  github.com/aws/aws-cdk/issues/38000 (the largest is 2,000 MiB/s).
- instance types: docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-instance-types.html
- engine versions: docs.aws.amazon.com/opensearch-service/latest/developerguide/what-is.html#choosing-version
CloudFormation shows no limit: github.com/awsdocs/aws-cloudformation-user-guide/issues/1324.
"""
import re
import uuid

VERSIONS = ["OpenSearch_" + v for v in (
    "1.0", "1.1", "1.2", "1.3", "2.3", "2.5", "2.7", "2.9", "2.11", "2.13", "2.15", "2.17", "2.19", "3.1", "3.3")]

_TYPE = re.compile(r"^(?:t3|m5|m6g|m7g|m7i|m8g|c5|c6g|c7g|c7i|c8g|r5|r6g|r7g|r7i|r8g|r6gd|r7gd|i3|i4g|i4i|i8g|im4gn|or1|or2|om2|oi2)"
                   r"\.(?:small|medium|large|xlarge|\d+xlarge)\.search$")
_OLDER = re.compile(r"^[mcr]6g\.(?:large|xlarge|2xlarge)\.")  # 4,750 Mbit/s to their volumes
_OWN_DISKS = re.compile(r"^(?:i3|i4g|i4i|i8g|im4gn|r6gd|r7gd|oi2)\.")


class Invalid(Exception):
    """A request that the service does not take; limit says that CloudFormation hides why."""
    def __init__(self, message, limit=False):
        super().__init__(message)
        self.limit = limit


def check(payload, nodes):
    """Raises Invalid. nodes is the version of the local cloud's nodes, "3.4": what is newer cannot be played."""
    version = payload.get("EngineVersion")
    if version and version not in offered(nodes):
        raise Invalid(f"Invalid engine version: {version}. Choose one of {', '.join(offered(nodes))}")
    cluster = payload.get("ClusterConfig") or {}
    for field in ("InstanceType", "DedicatedMasterType"):
        kind = cluster.get(field)
        if kind and not _TYPE.match(kind):
            raise Invalid(f"Invalid instance type: {kind}")
    if cluster.get("ZoneAwarenessEnabled"):
        zones = int((cluster.get("ZoneAwarenessConfig") or {}).get("AvailabilityZoneCount") or 2)
        count = int(cluster.get("InstanceCount") or 1)
        if count < zones:
            raise Invalid(f"You must choose a minimum of {zones} data nodes for a {zones} Availability Zone deployment.")
    check_volume(payload.get("EBSOptions") or {}, cluster.get("InstanceType") or "")


def offered(nodes):
    at_most = number(nodes)
    return [v for v in VERSIONS if number(v.removeprefix("OpenSearch_")) <= at_most]


def number(version):
    return tuple(int(part) for part in version.split(".")[:2])


def check_volume(volume, kind):
    if str(volume.get("EBSEnabled", False)).lower() != "true":
        return
    if kind and _OWN_DISKS.match(kind):
        raise Invalid(f"EBS volumes are not supported with the instance type {kind}.")
    size = int(volume.get("VolumeSize") or 0)
    if size < 10:
        raise Invalid("Volume size must be at least 10 GiB.", limit=True)
    if volume.get("VolumeType") != "gp3":
        if volume.get("Throughput"):
            raise Invalid(f"Throughput is not valid for the volume type {volume.get('VolumeType')}.")
        return
    started = -(-size // 3072)  # 3 TiB each
    least, most = (125 if size <= 170 else 250 * started), min(2000, 1000 * started)
    if kind and _OLDER.match(kind):
        most = 593
    least = min(least, most)
    within("Throughput", volume.get("Throughput"), least, most)
    within("IOPS", volume.get("Iops"), max(3000, 3 * size if size > 1000 else 0), 16000 * started)


def within(what, value, least, most):
    """Left out: the service chooses."""
    if value is None or least <= int(value) <= most:
        return
    raise Invalid(f"{what} must be set to {least}." if least == most else f"{what} must be between {least} and {most}.", limit=True)


def by_stack(refused):
    """The words of CloudFormation."""
    token = uuid.uuid4()
    if refused.limit:
        return f'Resource handler returned message: "null" (RequestToken: {token}, HandlerErrorCode: InternalFailure)'
    return f'Resource handler returned message: "Invalid request provided: {refused}" (RequestToken: {token}, HandlerErrorCode: InvalidRequest)'
