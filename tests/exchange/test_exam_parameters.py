"""Exams are read as shipped clients send them, whole or not at all, and answered with every key."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.exchange.enums import Identification, Proctoring, StreamsPreset
from appliance.exchange.exam_parameters import ExamParameters, actual, parse_exam
from appliance.exchange.fields import Identifier
from appliance.exchange.record import ParametersError
from appliance.exchange.session_parameters import actual_start, parse_archive, parse_finish, parse_start
from tests.exchange.values import EXAMPLE, JSON_VALUES, SESSION, TEXTS, changed

MINIMUM = {
    "examId": 7,
    "duration": 60,
    "schedule": False,
    "proctoring": "offline",
    "startDate": "2018-03-27T00:00:00+0000",
    "endDate": "2018-03-27T00:00:00+0000",
}
KEYS = sorted({*actual(parse_exam(EXAMPLE)), *SESSION, "email", "thirdName", "language", "sessionFinishUrl"})
EXAM_KEYS = sorted(actual(parse_exam(EXAMPLE)))
NESTED = ("rules", "scoreConfig", "visibleWarnings", "preliminaryCheck", "biometricIdentification")


def problems(body: Any) -> dict[str, str]:
    """Return what is wrong with a body: reasons by path."""
    with pytest.raises(ParametersError) as refused:
        parse_exam(body)
    assert refused.value.status == 400
    found = {one.path: one.reason for one in refused.value.fields}
    assert len(found) == len(refused.value.fields)
    return found


def test_the_example_is_answered_with_all_defaults() -> None:
    """The exam that was asked for comes back as it was sent, with every other parameter at its default."""
    answer = actual(parse_exam(EXAMPLE))
    for name, value in EXAMPLE.items():
        if name not in ("rules", "visibleWarnings"):
            assert answer[name] == value, name
    assert answer["accountId"] == 123
    assert answer["rules"] == {
        "allow_to_use_paper": True, "allow_to_use_calculator": False, "allow_to_use_websites": False,
        "allow_to_use_books": False, "allow_to_use_messengers": False, "allow_to_use_excel": False,
        "allow_to_use_human_assistant": False, "allow_absence_in_frame": False, "allow_voices": False,
        "allow_wrong_gaze_direction": False, "custom_rules": "",
    }  # fmt: skip
    assert answer["visibleWarnings"] == {
        "warning_extra_user_in_frame": False, "warning_substitution_user": True, "warning_no_user_in_frame": True,
        "warning_avert_eyes": True, "warning_change_active_window_on_computer": True, "warning_voice_detected": True,
        "warning_phone": True, "warning_forbidden_device": True, "warning_timeout": False,
    }  # fmt: skip
    assert {name: answer[name] for name in answer.keys() - EXAMPLE.keys()} == {
        "accountName": "", "courseName": "", "courseCode": "", "examName": "", "userAgreementUrl": None,
        "trial": False, "auxiliaryCameraMode": "video", "allowRoomScanAuxCamera": False,
        "webCameraMainView": "front", "secureBrowser": False, "secureBrowserLevel": "basic", "ldb": False,
        "allowMultipleDisplays": False, "allowVirtualEnvironment": False, "checkIdPhotoQuality": False,
        "allowMobileDevices": False, "faceHuntingEnabled": False, "calculator": "off",
        "desktopAppForbiddenProcesses": None, "desktopAppAllowedProcesses": None, "streamsPreset": "default",
        "sendManualWarningsToLearner": True, "specialAccommodationsInfo": None, "preliminaryCheck": None,
        "biometricIdentification": None,
    }  # fmt: skip


def test_the_example_is_typed() -> None:
    """Values are what their names say, in their units."""
    exam = parse_exam(EXAMPLE)
    assert exam.key == ("123", "a3875623")
    assert (exam.duration_minutes, exam.schedule) == (120, True)
    assert (exam.proctoring, exam.identification) == (Proctoring.ONLINE, Identification.PASSPORT)
    assert exam.end.us - exam.start.us == (3 * 24 * 60 + 12 * 60 + 55) * 60_000_000
    assert (exam.score_config.cheater_level, exam.score_config.look_away) == (80, 1.0)
    assert exam.rules.allow_to_use_paper
    assert not exam.rules.allow_to_use_calculator
    assert not exam.visible_warnings.shows("WARNING_TIMEOUT")
    assert exam.visible_warnings.shows("WARNING_PHONE")
    assert exam.visible_warnings.shows("WARNING_OF_LATER_DAYS")


def test_a_moodle_plugin_s_exam_is_taken() -> None:
    """Integers as names, offsets without colon, nulls, empty texts, lists for empty objects, presets of no guide."""
    sent = {
        **MINIMUM,
        "accountId": 1,
        "accountName": "Universität",
        "examName": "",
        "courseName": "Öffentliches Recht 🏛",
        "userAgreementUrl": "",
        "identification": None,
        "trial": False,
        "auxiliaryCameraMode": "",
        "webCameraMainView": None,
        "secureBrowserLevel": "",
        "streamsPreset": "no_webcam",
        "scoreConfig": [],
        "visibleWarnings": [],
        "rules": {"allow_to_use_books": True, "custom_rules": "Eine Seite\nNotizen", "allow_pets": True},
        "preliminaryCheck": {},
        "biometricIdentification": {"enabled": False, "skip_fail": None, "flow": None, "theme": "", "photo_url": None},
        "desktopAppForbiddenProcesses": ["discord.exe"],
        "desktopAppAllowedProcesses": None,
        "specialAccommodationsInfo": None,
        "proctorEmails": ["x@example.org"],
    }
    exam = parse_exam(sent)
    assert exam.exam_id == Identifier("7", 7)
    assert exam.streams_preset is StreamsPreset.NO_WEBCAM
    assert exam.biometric_identification is not None
    assert exam.forbidden_processes == ("discord.exe",)
    answer = actual(exam)
    assert answer["startDate"] == "2018-03-27T00:00:00+00:00"
    assert answer["proctorEmails"] == ["x@example.org"]
    assert isinstance(answer["rules"], dict)
    assert answer["rules"]["allow_pets"] is True
    assert (answer["userAgreementUrl"], answer["identification"], answer["preliminaryCheck"]) == (None, None, None)
    assert parse_exam(answer) == exam


def test_an_exam_without_account_has_a_key_of_its_own() -> None:
    """Account and names may be absent; the key is then the exam in no account."""
    assert parse_exam(MINIMUM).key == ("", "7")
    assert parse_exam({**MINIMUM, "accountId": "", "examId": "7"}).key == ("", "7")


@pytest.mark.parametrize("name", [name for name in EXAM_KEYS if name not in MINIMUM])
@pytest.mark.parametrize("sent", [None, "absent"])
def test_null_and_absent_are_the_default(name: str, sent: str | None) -> None:
    """Each parameter that is not needed reads the same whether it is null or missing."""
    body = changed(EXAMPLE, lambda copy: copy.pop(name, None) if sent else copy.update({name: None}))
    assert actual(parse_exam(body))[name] == actual(parse_exam(MINIMUM))[name]


@pytest.mark.parametrize("name", list(MINIMUM))
@pytest.mark.parametrize("sent", [None, "absent"])
def test_what_is_needed_is_missed_by_name(name: str, sent: str | None) -> None:
    """Null does not stand in for a parameter that has no default."""
    body = changed(MINIMUM, lambda copy: copy.pop(name) if sent else copy.update({name: None}))
    assert problems(body) == {name: "is missing."}


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"examId": ""}, "examId", "is empty."),
        ({"examId": "x" * 256}, "examId", "is longer than 255 characters."),
        ({"examId": True}, "examId", "has to be a text or a whole number, not true or false."),
        ({"examId": 1.5}, "examId", "has to be a text or a whole number, not a number."),
        ({"examName": "x" * 501}, "examName", "is longer than 500 characters."),
        ({"courseName": "x" * 451}, "courseName", "is longer than 450 characters."),
        ({"accountName": 5}, "accountName", "has to be a text, not a whole number."),
        ({"duration": "120"}, "duration", "has to be a whole number, not a text."),
        ({"duration": -1}, "duration", "has to lie in 0 to 44640."),
        ({"duration": 1.5}, "duration", "has to be a whole number, not a number."),
        ({"duration": True}, "duration", "has to be a whole number, not true or false."),
        ({"schedule": "true"}, "schedule", "has to be true or false, not a text."),
        ({"schedule": 1}, "schedule", "has to be true or false, not a whole number."),
        ({"proctoring": "Online"}, "proctoring", "has to be one of online, offline, auto, identification."),
        ({"proctoring": ["online"]}, "proctoring",
         "has to be one of online, offline, auto, identification, not a list."),
        ({"identification": "id"}, "identification", "has to be one of passport, face, face_and_passport, skip."),
        ({"startDate": 1522108800}, "startDate", "has to be a date and time as text, not a whole number."),
        ({"endDate": "2018-03-26T23:59:59Z"}, "endDate", "lies before startDate."),
        ({"endDate": "2018-03-27T01:00:00+02:00"}, "endDate", "lies before startDate."),
        ({"userAgreementUrl": "javascript:alert(1)"}, "userAgreementUrl",
         "has to be an address that begins with http:// or https://."),
        ({"desktopAppAllowedProcesses": ["a", None]}, "desktopAppAllowedProcesses[1]",
         "has to be a text, not null."),
        ({"rules": "none"}, "rules", "has to be an object, not a text."),
        ({"rules": [1]}, "rules", "has to be an object, not a list."),
        ({"rules": {"allow_voices": 0}}, "rules.allow_voices", "has to be true or false, not a whole number."),
        ({"scoreConfig": {"cheaterLevel": 101}}, "scoreConfig.cheaterLevel", "has to lie in 0 to 100."),
        ({"scoreConfig": {"look_away": 10.5}}, "scoreConfig.look_away", "has to lie in 0 to 10."),
        ({"scoreConfig": {"phone": -0.1}}, "scoreConfig.phone", "has to lie in 0 to 10."),
        ({"scoreConfig": 5}, "scoreConfig", "has to be an object, not a whole number."),
        ({"visibleWarnings": {"warning_phone": "no"}}, "visibleWarnings.warning_phone",
         "has to be true or false, not a text."),
        ({"preliminaryCheck": {"enabled": True}}, "preliminaryCheck.photo_url", "is missing."),
        ({"preliminaryCheck": {"photo_url": "https://x/p.jpg"}}, "preliminaryCheck.enabled", "is missing."),
        ({"biometricIdentification": {"photo_url": "ftp://x"}}, "biometricIdentification.photo_url",
         "has to be an address that begins with http:// or https://."),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_reason(change: dict[str, Any], path: str, reason: str) -> None:
    """Each wrong value is the one problem of its body."""
    assert problems({**MINIMUM, **change}) == {path: reason}


def test_all_wrong_fields_are_named_at_once() -> None:
    """One answer lists everything that has to be corrected, in nested objects too."""
    found = problems(
        {
            **EXAMPLE,
            "duration": "two hours",
            "proctoring": "maybe",
            "endDate": "tomorrow",
            "rules": {"allow_voices": "x", "allow_to_use_books": "y"},
            "scoreConfig": {"cheaterLevel": 1000, "avertEyes": -1},
        }
    )
    assert set(found) == {
        "duration", "proctoring", "endDate", "rules.allow_voices", "rules.allow_to_use_books",
        "scoreConfig.cheaterLevel", "scoreConfig.avertEyes",
    }  # fmt: skip


@pytest.mark.parametrize("body", [None, 5, "x", True, [1], 1.5])
def test_what_is_no_object_is_refused_as_a_whole(body: Any) -> None:
    """A body of another type is a problem of the body."""
    assert list(problems(body)) == ["body"]


def is_whole(exam: object) -> bool:
    """Whether an object has all its fields, and those that are records have theirs."""
    return dataclasses.is_dataclass(exam) and all(
        hasattr(exam, one.name)
        and (not dataclasses.is_dataclass(getattr(exam, one.name)) or is_whole(getattr(exam, one.name)))
        for one in dataclasses.fields(exam)
    )


@given(st.dictionaries(st.sampled_from(EXAM_KEYS), JSON_VALUES, max_size=4), st.dictionaries(TEXTS, JSON_VALUES))
def test_any_json_in_any_field_is_a_whole_exam_or_named(wrong: dict[str, Any], unknown: dict[str, Any]) -> None:
    """Anything anywhere is an exam that reads back as itself, or problems of just the fields that were changed."""
    unknown = {name: value for name, value in unknown.items() if name not in EXAM_KEYS}
    try:
        exam = parse_exam({**EXAMPLE, **unknown, **wrong})
    except ParametersError as problem:
        named = {one.path.partition(".")[0].partition("[")[0] for one in problem.fields}
        assert named <= {*wrong, "endDate"}
        return
    assert is_whole(exam)
    answer = actual(exam)
    assert parse_exam(answer) == exam
    assert all(answer[name] == value for name, value in unknown.items())


@given(
    st.sampled_from(NESTED),
    st.dictionaries(
        st.sampled_from(["allow_voices", "custom_rules", "phone", "voice", "voiceDetected", "cheaterLevel",
                         "warning_phone", "enabled", "photo_url", "theme"]) | TEXTS,
        JSON_VALUES, max_size=5,
    ),
)  # fmt: skip
def test_any_json_inside_objects_is_kept_or_named(name: str, inner: dict[str, Any]) -> None:
    """Inside nested objects known keys are checked, unknown ones kept and answered."""
    try:
        exam = parse_exam({**EXAMPLE, name: inner})
    except ParametersError as problem:
        assert all(one.path.startswith(f"{name}.") for one in problem.fields)  # noqa: PT017
        return
    answer: Any = actual(exam)[name]
    if inner:
        assert set(inner) <= set(answer)
        assert all(answer[key] == value for key, value in inner.items() if value not in (None, ""))
    assert parse_exam(actual(exam)) == exam


def test_a_start_token_holds_person_session_and_exam() -> None:
    """All three are read of one object; what is unknown stays with the exam; reading the answer again is the same."""
    start = parse_start({**EXAMPLE, **SESSION, "email": None, "thirdName": None, "language": "zh-cn", "session_id": 9})
    assert start.person.user_id == Identifier("5", 5)
    assert (start.person.last_name, start.person.first_name, start.person.third_name) == ("Ñandú", "", "")
    assert (start.person.email, start.person.language) == (None, "zh-cn")
    assert start.session.session_id.text == "828331bda025"
    assert start.session.session_finish_url is None
    assert start.exam == dataclasses.replace(parse_exam(EXAMPLE), extra={"session_id": 9})
    assert parse_start(actual_start(start)) == start


@pytest.mark.parametrize(
    "token",
    [
        # A course platform: no account's name for itself, numbers as names, microseconds, rules of no guide.
        {"userId": 42, "lastName": "Ә. Нұрлан", "firstName": "", "thirdName": "n", "language": "ru",
         "accountName": "open", "examId": 12345678, "examName": "Экзамен", "duration": 30, "schedule": False,
         "proctoring": "online", "examDesc": "<b>Éxámen</b>", "rules": {"websites": True, "look_away": True},
         "startDate": "2026-04-01T09:30:00.123456Z", "endDate": "2026-04-01T11:30:00.123456Z",
         "sessionId": 12345678901, "sessionUrl": "https://open.example/unit/1", "redirectUrl": "/unit/1"},
        # An assessment platform: no limit but the window, a token in the address of its test page.
        {"userId": "7", "lastName": "A", "firstName": "B", "thirdName": "", "language": "ar", "accountId": 9,
         "accountName": "P", "examId": "3", "courseName": "", "examName": "C", "duration": 0, "schedule": False,
         "proctoring": "offline", "identification": None, "rules": None, "startDate": "2026-04-01T09:30:00+03:00",
         "endDate": "2026-04-01T10:31:00+03:00", "sessionId": "s-1", "ldb": False, "trial": True,
         "sessionUrl": "https://p.example/a?id=1&jwt=" + "x" * 700, "sessionFinishUrl": "https://p.example/c?jwt=y"},
        # A vendor's own sample page: milliseconds, values of empty selections.
        {"userId": "ab12cd3", "lastName": "l", "firstName": "f", "thirdName": "t", "language": "en",
         "accountId": "123", "accountName": "D", "duration": 120, "startDate": "2026-04-01T09:30:00.000Z",
         "endDate": "2026-04-02T09:30:00.000Z", "examId": "ab12cd34", "examName": "test", "identification": "",
         "proctoring": "auto", "auxiliaryCamera": True, "auxiliaryCameraMode": "photo", "secureBrowser": False,
         "secureBrowserLevel": "", "schedule": False, "allowMultipleDisplays": False,
         "sessionId": "0b0f4ab4-3b9c-4a41-9f5e-6f0a8d1f0a11", "sessionUrl": "https://d.example/v"},
    ],
)  # fmt: skip
def test_start_tokens_as_shipped_clients_send_them(token: dict[str, Any]) -> None:
    """What was seen of real clients is taken whole, and every key of theirs is answered as it was sent."""
    start = parse_start(token)
    answer = actual_start(start)
    sent = {name: value for name, value in token.items() if value not in (None, "") and name != "rules"}
    assert {name: answer[name] for name in sent} == sent
    assert parse_start(answer) == start


def test_a_start_token_names_all_that_is_wrong() -> None:
    """Problems of person, session and exam come together."""
    with pytest.raises(ParametersError) as refused:
        parse_start({"sessionUrl": "javascript:x", "lastName": 5, "userId": ["x"], "language": "??"})
    assert {one.path for one in refused.value.fields} == {
        "userId", "lastName", "language", "sessionId", "sessionUrl", *MINIMUM,
    }  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=4))
def test_any_json_in_a_start_token_is_whole_or_named(wrong: dict[str, Any]) -> None:
    """A hand-over is read whole, or names what was changed."""
    try:
        start = parse_start({**EXAMPLE, **SESSION, **wrong})
    except ParametersError as problem:
        named = {one.path.partition(".")[0].partition("[")[0] for one in problem.fields}
        assert named <= {*wrong, "endDate"}
        return
    assert parse_start(actual_start(start)) == start


def test_an_exam_post_keeps_what_belongs_to_a_session_unread() -> None:
    """Fields of persons in an exam are as unknown ones: kept, answered, no reason to refuse."""
    assert parse_exam({**MINIMUM, "userId": [1]}).extra == {"userId": [1]}


def test_an_archive_token_names_reviewer_and_session() -> None:
    """A reviewer needs a name and a session; where to return to is optional."""
    archive = parse_archive({"userId": "r1", "sessionId": 5, "returnUrl": "https://lms/x", "firstName": "Ada", "y": 1})
    assert (archive.person.user_id.text, archive.session_id.text) == ("r1", "5")
    assert (archive.return_url, archive.extra) == ("https://lms/x", {"y": 1})
    with pytest.raises(ParametersError) as refused:
        parse_archive({"returnUrl": "x"})
    assert [one.path for one in refused.value.fields] == ["userId", "sessionId", "returnUrl"]


@pytest.mark.parametrize("body", [None, {}, [], {"sessionFinishUrl": None}, {"sessionFinishUrl": ""}])
def test_a_finish_may_say_nothing(body: Any) -> None:
    """An empty body, null and PHP's empty list finish without a new address."""
    assert parse_finish(body).session_finish_url is None


def test_a_finish_may_name_where_to_go() -> None:
    """The address is taken or named as wrong."""
    assert parse_finish({"sessionFinishUrl": "https://lms/done"}).session_finish_url == "https://lms/done"
    with pytest.raises(ParametersError):
        parse_finish({"sessionFinishUrl": "javascript:x"})


def test_no_two_parameters_share_a_key() -> None:
    """Person, session and exam have keys of their own, so that one object can hold them all."""
    start = parse_start({**EXAMPLE, **SESSION})
    assert len(actual_start(start)) == len(EXAM_KEYS) + 6 + 3
    assert isinstance(start.exam, ExamParameters)
