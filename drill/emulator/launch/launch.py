"""Starts ministack with what the drill adds, all of it inside its process: nothing on disk is patched.

The environment (from emulator.go): OSDR_DRILL_CONTROL, the drill's control address that domains are made by;
OSDR_DRILL_NODES, the version of its nodes, where requests for domains are checked as the service checks them;
OSDR_DRILL_SIDEDOOR, the port of the side door; standard input, a pipe that closes when the drill is gone.
"""
import os
import signal
import sys
import threading


def end_with_the_drill():
    """Functions are children of this process: when the drill is gone, the whole process group goes."""
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_the_drill, daemon=True).start()

import account  # noqa: E402
import busy  # noqa: E402
import domains  # noqa: E402
import mend  # noqa: E402
import revert  # noqa: E402
import settings  # noqa: E402
import sidedoor  # noqa: E402

import ministack.app  # noqa: E402

domains.install(os.environ["OSDR_DRILL_CONTROL"], os.environ.get("OSDR_DRILL_NODES", ""))
mend.install()
account.install()
settings.install(os.environ["GATEWAY_PORT"])
revert.install()
busy.install()
sidedoor.start(int(os.environ["OSDR_DRILL_SIDEDOOR"]))
sys.argv = sys.argv[:1]  # ministack reads arguments of its own
ministack.app.main()
