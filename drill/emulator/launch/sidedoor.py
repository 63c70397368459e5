"""The side door: what IAM and STS in this process know, for the gateway and the drill. JSON over HTTP on loopback.

    POST /identify {accessKeyId}                     whose key it is, with its secret
    POST /assume   {roleArn, sessionName, service?, sourceArn?, sourceAccount?}
                                                     a session of the role; by a service only if the trust says so
    POST /allowed  {principalArn|roleArn, action, resource, context}
    POST /user     {name, policy}                    an IAM user with a key; policy may be null
    POST /role     {name, trust, policy}             an IAM role
    POST /domain   {account, region, name, state}    a domain in a state that only the service brings about
Errors are {error} with 404 for what is not there and 403 for what is refused.
"""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import domains

from ministack.core import iam_evaluator as iam_rules
from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import iam, lambda_svc, opensearch, sts

_functions = {}  # access key -> (function name, Region)
_sessions = {}  # (role, session name, source ARN) -> access key
_lock = threading.Lock()
_SESSION_SECONDS = 3600
_credentials = lambda_runtime.execution_credentials


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def start(port):
    # Both modules look the name up in their own globals at each start of a function.
    lambda_runtime.execution_credentials = execution_credentials
    lambda_svc.execution_credentials = execution_credentials
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="drill-sidedoor").start()


def execution_credentials(config):
    """Remembers which function a session is of: it is in no store."""
    given = _credentials(config)
    _, region = lambda_runtime._account_region_from_function_config(config)
    _functions[given["AWS_ACCESS_KEY_ID"]] = (config.get("FunctionName", ""), region)
    return given


def role_of(name, account):
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        raise Refused(404, f"no role {name} in {account}")
    return role


def identity(key):
    account = get_account_id()
    if iam_rules.is_root_access_key(key):
        raise Refused(404, "the root key is nobody's: it serves bootstrap only")
    session = sts._sessions.get(key)
    if session is not None:
        account = session.get("AccountId") or iam_rules._account_from_arn(session.get("Arn", "")) or account
    found = iam_rules.resolve_credential(key, account)
    if isinstance(found, iam_rules.CredentialResolutionError):
        raise Refused(404, found.message)
    role = ""
    if found.principal_type == "AssumedRole":
        role = role_of(iam_rules._role_name_from_assumed_arn(found.principal_arn), found.account_id)["Arn"]
    function, region = origin(key)
    return {
        "accessKeyId": key, "secret": found.secret_access_key, "token": found.session_token or "",
        "principalArn": found.principal_arn, "roleArn": role, "account": found.account_id,
        "region": region, "function": function,
    }


def origin(key):
    """The function a session is of, also by way of the roles it assumed."""
    for _ in range(16):
        if key in _functions:
            return _functions[key]
        session = sts._sessions.get(key)
        if not session or not session.get("SourceAccessKeyId"):
            break
        key = session["SourceAccessKeyId"]
    return "", ""


def identify(asked):
    return identity(asked["accessKeyId"])


def assume(asked):
    arn, name = asked["roleArn"], asked["sessionName"]
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    role = role_of(arn.rsplit("/", 1)[-1], account)
    if role["Arn"] != arn:
        raise Refused(404, f"no role {arn}")
    if asked.get("service"):
        trusted(role, asked["service"], asked.get("sourceArn", ""), asked.get("sourceAccount", ""))
    with _lock:
        key = _sessions.get((arn, name))
        session = sts._sessions.get(key) if key else None
        if session is None or session["Expiration"] < time.time() + _SESSION_SECONDS / 2:
            key = iam._gen_session_access_key()
            sts.register_session(key, {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{name}",
                "UserId": f"{role['RoleId']}:{name}",
                "SecretAccessKey": iam._gen_secret(), "SessionToken": iam._gen_session_token(),
                "Expiration": time.time() + _SESSION_SECONDS, "AccountId": account, "PrincipalType": "AssumedRole",
            })
            _sessions[arn, name] = key
    return identity(key)


def trusted(role, service, source_arn, source_account):
    """Whether the role's trust policy lets the service assume it for that resource: the emulator's own evaluator
    lets a Service principal match nothing but root."""
    document = role.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    context = iam_rules.EvalContext(
        principal_arn=service, principal_type="Service", principal_account=source_account, action="sts:AssumeRole",
        resource_arn=role["Arn"], region="",
        service_context={"aws:sourcearn": source_arn or None, "aws:sourceaccount": source_account or None},
    )
    effects = set()
    for statement in statements:
        principal = statement.get("Principal", {})
        actions = statement.get("Action", [])
        actions = [actions] if isinstance(actions, str) else actions
        if (iam_rules._action_matches("sts:AssumeRole", actions, [])
                and (principal == "*" or iam_rules._service_principal_matches(principal, service))
                and iam_rules._conditions_met(statement.get("Condition", {}), context)):
            effects.add(statement.get("Effect"))
    if effects != {"Allow"}:
        raise Refused(403, f"the trust policy of {role['Arn']} does not let {service} assume it for {source_arn}")


def principal_of(arn):
    """(ARN, kind, account, policies, limits) of a user, a role or a session of a role."""
    parts = arn.split(":")
    account, resource = (parts[4], parts[5]) if len(parts) > 5 else ("", "")
    kind, _, rest = resource.partition("/")
    if kind in ("role", "assumed-role"):
        name = rest.split("/")[0] if kind == "assumed-role" else rest.rsplit("/", 1)[-1]
        role_of(name, account)
        return ("AssumedRole", account, iam_rules._gather_role_policies(name, account),
                iam_rules._permissions_boundary(iam._roles, name, account))
    if kind == "user":
        name = rest.rsplit("/", 1)[-1]
        if iam._users.get_scoped(account, None, name) is None:
            raise Refused(404, f"no user {name} in {account}")
        return ("User", account, iam_rules._gather_user_policies(name, account),
                iam_rules._permissions_boundary(iam._users, name, account))
    raise Refused(404, f"no principal {arn!r}")


def resource_policy(action, arn):
    """(policy, owner account) of the resource, None where its kind has none."""
    service, _, operation = action.partition(":")
    parts = arn.split(":")
    if service == "es" and operation.startswith("ESHttp") and len(parts) > 5:
        name = parts[5].split("/")[1] if "/" in parts[5] else ""
        domain = opensearch._domains.get_scoped(parts[4], parts[3], name)
        return (domain.get("AccessPolicies") or None, parts[4]) if domain else None
    return iam_rules._resource_policy(service, arn)


def allowed(asked):
    arn = asked.get("principalArn") or asked.get("roleArn") or ""
    kind, account, policies, limits = principal_of(arn)
    resource = asked.get("resource") or "*"
    parts = resource.split(":")
    context = iam_rules.EvalContext(
        principal_arn=arn, principal_type=kind, principal_account=account, action=asked["action"],
        resource_arn=resource, region=parts[3] if len(parts) > 5 else "", source_ip="127.0.0.1", secure_transport=True,
        service_context={key.lower(): value for key, value in (asked.get("context") or {}).items()},
    )
    result = iam_rules.evaluate(context, policies, *limits)
    own = resource_policy(asked["action"], resource)
    if own is not None:
        result = iam_rules.combine_resource_policy(result, context, *own, limits=limits)
    reason = result.reason + (f" ({result.matched_sid})" if result.matched_sid else "")
    return {"allowed": result.decision == "Allow", "reason": f"{reason}: {arn} {asked['action']} on {resource}"}


def done(answer):
    """The body of one of ministack's own IAM calls, which answer XML."""
    status, _, body = answer
    if status >= 300:
        text = body.decode() if isinstance(body, bytes) else str(body)
        raise Refused(400, text)


def user(asked):
    name = asked["name"]
    if name not in iam._users:
        done(iam._create_user({"UserName": [name]}))
    if asked.get("policy"):
        done(iam._put_user_policy({
            "UserName": [name], "PolicyName": ["drill"], "PolicyDocument": [json.dumps(asked["policy"])]}))
    with _lock:
        before = set(iam._access_keys)
        done(iam._create_access_key({"UserName": [name]}))
        key, = set(iam._access_keys) - before
    return identity(key)


def role(asked):
    name = asked["name"]
    if name not in iam._roles:
        done(iam._create_role({"RoleName": [name], "AssumeRolePolicyDocument": [json.dumps(asked["trust"])]}))
    if asked.get("policy"):
        done(iam._put_role_policy({
            "RoleName": [name], "PolicyName": ["drill"], "PolicyDocument": [json.dumps(asked["policy"])]}))
    return {"roleArn": iam._roles[name]["Arn"]}


def domain(asked):
    if asked["state"] not in domains._STATES:
        raise Refused(400, f"state {asked['state']!r} is none of {', '.join(domains._STATES)}")
    try:
        domains.set_state(asked["account"], asked["region"], asked["name"], asked["state"])
    except LookupError as missing:
        raise Refused(404, str(missing)) from missing
    return {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    actions = {"/identify": identify, "/assume": assume, "/allowed": allowed, "/user": user, "/role": role, "/domain": domain}

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = 200, None
        try:
            action = self.actions.get(self.path)
            if action is None:
                raise Refused(404, f"no such question: {self.path}")
            answer = action(json.loads(body))
        except Refused as refused:
            status, answer = refused.status, {"error": str(refused)}
        except Exception as failed:  # the caller must hear of it, whatever it is
            status, answer = 500, {"error": f"{type(failed).__name__}: {failed}"}
        sent = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_):
        pass
