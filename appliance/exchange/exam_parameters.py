"""The parameters of an exam, as the LMS sends and is answered them (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.exchange import fields
from appliance.exchange.enums import (
    AuxiliaryCameraMode,
    Calculator,
    CameraView,
    Identification,
    Proctoring,
    SecureBrowserLevel,
    StreamsPreset,
)
from appliance.exchange.fields import NO_IDENTIFIER, Identifier, WrongValueError, flag, identifier, one_of, text, texts
from appliance.exchange.photo_checks import (
    BiometricIdentification,
    PreliminaryCheck,
    read_biometric_identification,
    read_preliminary_check,
)
from appliance.exchange.record import (
    FieldProblem,
    ParametersError,
    Reading,
    needed,
    object_of,
    read_fields,
    schema_of,
    settled,
    wire,
    written,
)
from appliance.exchange.rules import DEFAULT_RULES, Rules, read_rules
from appliance.exchange.score_config import DEFAULT_SCORE_CONFIG, ScoreConfig, read_score_config
from appliance.exchange.visible_warnings import DEFAULT_VISIBLE_WARNINGS, VisibleWarnings, read_visible_warnings

if TYPE_CHECKING:
    from appliance.exchange.json_edge import Json, JsonObject
    from appliance.exchange.moment import Moment

MAX_DURATION_MINUTES: Final = 31 * 24 * 60
_MAX_ID: Final = 255
_MAX_COURSE: Final = 450
_MAX_EXAM_NAME: Final = 500
_MAX_ACCOMMODATIONS: Final = 10_000
_MAX_PROCESS: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamParameters:
    """An exam as its LMS defines it; (account_id.text, exam_id.text) is its key within an integration.

    What is None was not said, and has no default in the API: the box decides by its own settings.

    Attributes:
        duration_minutes: 0 where the LMS sets no limit but the window, as a shipped client sends it.
        extra: keys that are not known here; they are kept and answered.
    """

    account_id: Identifier = wire("accountId", identifier(_MAX_ID, empty=True), NO_IDENTIFIER)
    account_name: str = wire("accountName", text(_MAX_ID), "")
    course_name: str = wire("courseName", text(_MAX_COURSE), "")
    course_code: str = wire("courseCode", text(_MAX_COURSE), "")
    exam_id: Identifier = needed("examId", identifier(_MAX_ID))
    exam_name: str = wire("examName", text(_MAX_EXAM_NAME), "")
    user_agreement_url: str | None = wire("userAgreementUrl", fields.url)
    duration_minutes: int = needed("duration", fields.whole(0, MAX_DURATION_MINUTES))
    schedule: bool = needed("schedule", flag)
    proctoring: Proctoring = needed("proctoring", one_of(Proctoring))
    identification: Identification | None = wire("identification", one_of(Identification), empty=True)
    start: Moment = needed("startDate", fields.moment)
    end: Moment = needed("endDate", fields.moment)
    trial: bool = wire("trial", flag, default=False)
    auxiliary_camera: bool = wire("auxiliaryCamera", flag, default=False)
    auxiliary_camera_mode: AuxiliaryCameraMode = wire(
        "auxiliaryCameraMode", one_of(AuxiliaryCameraMode), AuxiliaryCameraMode.VIDEO, empty=True
    )
    allow_room_scan_aux_camera: bool = wire("allowRoomScanAuxCamera", flag, default=False)
    web_camera_main_view: CameraView = wire("webCameraMainView", one_of(CameraView), CameraView.FRONT, empty=True)
    secure_browser: bool = wire("secureBrowser", flag, default=False)
    secure_browser_level: SecureBrowserLevel = wire(
        "secureBrowserLevel", one_of(SecureBrowserLevel), SecureBrowserLevel.BASIC, empty=True
    )
    ldb: bool = wire("ldb", flag, default=False)
    allow_multiple_displays: bool = wire("allowMultipleDisplays", flag, default=False)
    allow_virtual_environment: bool = wire("allowVirtualEnvironment", flag, default=False)
    check_id_photo_quality: bool = wire("checkIdPhotoQuality", flag, default=False)
    allow_mobile_devices: bool = wire("allowMobileDevices", flag, default=False)
    face_hunting_enabled: bool = wire("faceHuntingEnabled", flag, default=False)
    calculator: Calculator = wire("calculator", one_of(Calculator), Calculator.OFF, empty=True)
    forbidden_processes: tuple[str, ...] | None = wire("desktopAppForbiddenProcesses", texts(_MAX_PROCESS))
    allowed_processes: tuple[str, ...] | None = wire("desktopAppAllowedProcesses", texts(_MAX_PROCESS))
    streams_preset: StreamsPreset = wire("streamsPreset", one_of(StreamsPreset), StreamsPreset.DEFAULT, empty=True)
    send_manual_warnings_to_learner: bool = wire("sendManualWarningsToLearner", flag, default=True)
    special_accommodations: str | None = wire("specialAccommodationsInfo", text(_MAX_ACCOMMODATIONS))
    preliminary_check: PreliminaryCheck | None = wire("preliminaryCheck", read_preliminary_check)
    biometric_identification: BiometricIdentification | None = wire(
        "biometricIdentification", read_biometric_identification
    )
    rules: Rules = wire("rules", read_rules, DEFAULT_RULES)
    score_config: ScoreConfig = wire("scoreConfig", read_score_config, DEFAULT_SCORE_CONFIG)
    visible_warnings: VisibleWarnings = wire("visibleWarnings", read_visible_warnings, DEFAULT_VISIBLE_WARNINGS)
    extra: JsonObject

    @property
    def key(self) -> tuple[str, str]:
        """Account and exam, as texts: what an update is told from a new exam by."""
        return self.account_id.text, self.exam_id.text


def parse_exam(body: Json) -> ExamParameters:
    """Return the exam that a body describes.

    Raises:
        ParametersError: names every field that is wrong.
    """
    reading = reading_of(body)
    values = read_exam_fields(reading)
    return settled(ExamParameters, {**values, "extra": reading.left}, reading)


def actual(parameters: ExamParameters) -> JsonObject:
    """Return the exam after defaults, as it is answered: every key, its sender's spelling, unknown keys too."""
    return written(parameters)


def exam_schema() -> JsonObject:
    """Return the JSON Schema of an exam's parameters, as they are taken."""
    return schema_of(ExamParameters)


def reading_of(body: Json) -> Reading:
    """Begin to read a body.

    Raises:
        ParametersError: it is no object.
    """
    try:
        return Reading(object_of(body), [])
    except WrongValueError as problem:
        raise ParametersError((FieldProblem("body", problem.reason),)) from problem


def read_exam_fields(reading: Reading) -> dict[str, object]:
    """Take the fields of an exam out of what is being read, noting what is wrong with them or between them."""
    values = read_fields(ExamParameters, reading)
    start, end = values["start"], values["end"]
    if start is not None and end is not None and end.us < start.us:
        reading.note("endDate", "lies before startDate.")
    return values
