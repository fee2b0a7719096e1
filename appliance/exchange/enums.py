"""The words of the proctoring JWT API, spelled as they are sent."""

from __future__ import annotations

from enum import StrEnum


class Proctoring(StrEnum):
    """How an exam is watched."""

    ONLINE = "online"
    """Live."""
    OFFLINE = "offline"
    """Reviewed afterwards."""
    AUTO = "auto"
    IDENTIFICATION = "identification"
    """Who sits there is established, nothing else."""


class Identification(StrEnum):
    """What a candidate shows before the start."""

    PASSPORT = "passport"
    FACE = "face"
    FACE_AND_PASSPORT = "face_and_passport"
    SKIP = "skip"


class AuxiliaryCameraMode(StrEnum):
    """What a second camera records."""

    PHOTO = "photo"
    """One picture about every 30 s."""
    VIDEO = "video"


class CameraView(StrEnum):
    """From where the main camera looks."""

    FRONT = "front"
    SIDE = "side"


class SecureBrowserLevel(StrEnum):
    """How much a secure browser takes away."""

    BASIC = "basic"
    MEDIUM = "medium"
    HIGH = "high"


class Calculator(StrEnum):
    """What the exam page offers for reckoning."""

    OFF = "off"
    SIMPLE = "simple"
    SCIENTIFIC = "scientific"


class StreamsPreset(StrEnum):
    """Which streams are made; ``no_webcam`` is in no guide, but shipped clients offer it."""

    DEFAULT = "default"
    NO_VIDEO = "no_video"
    NO_AI_DETECTION = "no_ai_detection"
    NO_WEBCAM = "no_webcam"


class WarningType(StrEnum):
    """What software warns of."""

    EXTRA_USER_IN_FRAME = "WARNING_EXTRA_USER_IN_FRAME"
    SUBSTITUTION_USER = "WARNING_SUBSTITUTION_USER"
    NO_USER_IN_FRAME = "WARNING_NO_USER_IN_FRAME"
    AVERT_EYES = "WARNING_AVERT_EYES"
    CHANGE_ACTIVE_WINDOW_ON_COMPUTER = "WARNING_CHANGE_ACTIVE_WINDOW_ON_COMPUTER"
    VOICE_DETECTED = "WARNING_VOICE_DETECTED"
    PHONE = "WARNING_PHONE"
    FORBIDDEN_DEVICE = "WARNING_FORBIDDEN_DEVICE"
    TIMEOUT = "WARNING_TIMEOUT"


class Conclusion(StrEnum):
    """What a person concluded about a session."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class SessionStatus(StrEnum):
    """Where a session stands, to the LMS."""

    NOT_SCHEDULED = "not_scheduled"
    EARLY_TO_START = "early_to_start"
    READY_TO_START = "ready_to_start"
    LATE_TO_START = "late_to_start"
    STARTED = "started"
    FINISHED = "finished"


class ScheduleEvent(StrEnum):
    """What happened to a candidate's slot; ``canceled`` is spelled as clients read it."""

    SCHEDULED = "scheduled"
    CANCELED = "canceled"
