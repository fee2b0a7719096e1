"""Keeping private keys out of core dumps and out of other processes' sight."""

from __future__ import annotations

import ctypes
import resource

from appliance import log

_LOG = log.get(__name__)
_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def harden() -> None:
    """Forbid core dumps and, below root, ptrace and /proc/PID/mem of this process; what fails is logged.

    Swap is the unit's matter (``MemorySwapMax=0``).
    """
    try:
        if resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):  # the unit's LimitCORE=0 did it, and forbids the call
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as problem:
        _LOG.warning("core dumps could not be forbidden", reason=str(problem))
    try:
        failed = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        failed = -1
    if failed:
        _LOG.warning("this process may be dumped: prctl is not available")
