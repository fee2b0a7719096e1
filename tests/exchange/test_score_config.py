"""Weights come in two spellings, and are answered in their sender's."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.exchange.record import ParametersError
from appliance.exchange.score_config import DEFAULT_SCORE_CONFIG, ScoreConfig, read_score_config

CAMEL = {"cheaterLevel": 80, "extraUserInFrame": 1, "substitutionUser": 1, "noUserInFrame": 2, "avertEyes": 1.5,
         "changeActiveWindowOnComputer": 1, "forbiddenDevice": 1, "voiceDetected": 1, "phone": 1}  # fmt: skip
SNAKE = {"cheater_level": 80, "extra_user": 1, "user_replaced": 1, "absent_user": 2, "look_away": 1.5,
         "active_window_changed": 1, "forbidden_device": 1, "voice": 1, "phone": 1}  # fmt: skip


def values(config: ScoreConfig) -> list[float]:
    """Return level and weights, without how they were spelled."""
    return [getattr(config, name) for name in SNAKE]


@pytest.mark.parametrize("sent", [{}, [], {"cheaterLevel": None}, CAMEL, SNAKE, {"look_away": None}])
def test_nothing_null_and_both_spellings_give_the_defaults(sent: Any) -> None:
    """An empty object, an empty list of PHP and nulls are the defaults of the API."""
    assert values(read_score_config(sent)) == values(DEFAULT_SCORE_CONFIG) == list(SNAKE.values())


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({}, CAMEL),
        ({"phone": 3}, {**CAMEL, "phone": 3}),
        ({"avertEyes": 0}, {**CAMEL, "avertEyes": 0}),
        ({"look_away": 10}, {**SNAKE, "look_away": 10}),
        ({"look_away": None}, SNAKE),
        ({"voice": 2, "later": {"x": None}}, {**SNAKE, "voice": 2, "later": {"x": None}}),
        ({"voice": 2, "voiceDetected": 2}, {**CAMEL, "voice": 2, "voiceDetected": 2}),
        ({"voice": None, "voiceDetected": 4}, {**CAMEL, "voice": 4, "voiceDetected": 4}),
    ],
)
def test_the_answer_has_the_sender_s_spelling(sent: dict[str, Any], answered: dict[str, Any]) -> None:
    """Keys that were sent are answered, the others in their style; unknown ones stay; it reads again as the same."""
    config = read_score_config(sent)
    assert config.as_json() == answered
    assert read_score_config(config.as_json()) == config


@pytest.mark.parametrize(
    ("sent", "paths"),
    [
        ({"cheaterLevel": 101}, ["cheaterLevel"]),
        ({"cheater_level": -1, "phone": 10.1}, ["cheater_level", "phone"]),
        ({"voice": 1, "voiceDetected": 2}, ["voiceDetected"]),
        ({"avertEyes": "1", "absent_user": True, "extra_user": []}, ["extra_user", "absent_user", "avertEyes"]),
        ({"look_away": float("nan")}, ["look_away"]),
    ],
)
def test_every_wrong_weight_is_named(sent: dict[str, Any], paths: list[str]) -> None:
    """Range, type and two spellings that disagree are problems of the key that was sent."""
    with pytest.raises(ParametersError) as refused:
        read_score_config(sent)
    assert [one.path for one in refused.value.fields] == paths
