"""A stack that is being changed takes no other change, which ministack 1.5.33 does not know: AWS refuses a change set
while an operation is under way, so a command that is run again after a cut is refused until what the first one began
has ended (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events-by-operation.html)."""
import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.handlers as handlers


def install():
    for action in ("CreateChangeSet", "ExecuteChangeSet"):
        handlers._ACTION_HANDLERS[action] = at_rest(handlers._ACTION_HANDLERS[action])


def at_rest(action):
    def only_at_rest(params):
        stack = handlers._resolve_stack(changesets._p(params, "StackName"))
        status = stack["StackStatus"] if stack else ""
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            return changesets._error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
        return action(params)
    return only_at_rest
