"""What is to be delivered outside the box: written with its cause, read by the sync process.

with write(db):
    ...                       # the cause
    put(db, target=lms_target(integration), stream=session, kind="review", body=review.body(), clock=clock)
"""

from appliance.outbox.acts import discard, retry_now, unpark
from appliance.outbox.epochs import Identity, begin_epoch, identity, present_epoch, remember_box
from appliance.outbox.putting import put
from appliance.outbox.rows import (
    CENTRE,
    Attempt,
    Delivery,
    attempts,
    get_delivery,
    list_deliveries,
    lms_target,
    of_stream,
    waiting,
)
from appliance.outbox.status import OutboxStatus, TargetStatus, status

__all__ = [
    "CENTRE",
    "Attempt",
    "Delivery",
    "Identity",
    "OutboxStatus",
    "TargetStatus",
    "attempts",
    "begin_epoch",
    "discard",
    "get_delivery",
    "identity",
    "list_deliveries",
    "lms_target",
    "of_stream",
    "present_epoch",
    "put",
    "remember_box",
    "retry_now",
    "status",
    "unpark",
    "waiting",
]
