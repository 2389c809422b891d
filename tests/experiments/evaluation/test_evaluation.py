"""The settings of an evaluation: what is refused, and how they are stored."""

from dataclasses import dataclass

import pytest

from experiments.evaluation.evaluation import Evaluation
from experiments.method.attacks import METHODS, Attack, make_attack
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent

PGD = ProjectedGradientDescent(epsilon=8.0)
SETTINGS = [
    Evaluation("short", "1", "1d", 10_000, filters=("none",)),
    Evaluation("short", "2d", "2d", 500, PGD, precision="float32"),
    Evaluation("short", "2d", "2d", 500, PGD, "before", "quantization"),
    Evaluation("short", "2d", "2d", 500, PGD, "before", "filter", ("floor",)),
    *(Evaluation("short", "8", "8", 1, make_attack(method, epsilon=0.5)) for method in METHODS),
]


@pytest.mark.parametrize("evaluation", SETTINGS, ids=str)
def test_a_record_gives_the_settings_back(evaluation):
    assert Evaluation.from_record(evaluation.record()) == evaluation


def test_digests_differ_where_settings_do():
    assert len({evaluation.digest for evaluation in SETTINGS}) == len(SETTINGS)


def test_a_later_setting_has_its_default_in_an_older_record():
    @dataclass(frozen=True)
    class Later(Evaluation):
        temperature: float = 1.0

    for evaluation in SETTINGS:
        assert Later.from_record(evaluation.record()).temperature == 1.0


def test_a_later_setting_of_a_method_has_its_default_in_an_older_record(monkeypatch):
    @dataclass(frozen=True)
    class Later(ProjectedGradientDescent):
        restarts: int = 1

    monkeypatch.setitem(METHODS, "projected_gradient_descent", Later)
    read = Evaluation.from_record(SETTINGS[1].record())
    assert isinstance(read.attack, Later) and read.attack.restarts == 1


def test_what_was_not_stored_or_is_not_known_is_named():
    record = SETTINGS[1].record()
    with pytest.raises(
        ValueError, match="temperature is not a setting; accepted are models, model"
    ):
        Evaluation.from_record({**record, "temperature": 2.0})
    with pytest.raises(ValueError, match="restarts is not a setting of projected_gradient_descent"):
        Evaluation.from_record({**record, "attack": {**record["attack"], "restarts": 3}})
    del record["kind"]
    with pytest.raises(ValueError, match="kind"):
        Evaluation.from_record(record)


def test_a_new_method_needs_nothing_here(monkeypatch):
    @dataclass(frozen=True)
    class Nothing(Attack):
        seed: int = 0

        @property
        def method(self) -> str:
            return "nothing"

        def attack(self, network, images, labels):
            return images

    monkeypatch.setitem(METHODS, "nothing", Nothing)
    evaluation = Evaluation("short", "2d", "2d", 5, Nothing(1.0, seed=3))
    assert Evaluation.from_record(evaluation.record()) == evaluation


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "9"}, "model is '9'; accepted are 1, 1d"),
        ({"kind": "0"}, "kind is '0'; accepted are 1, 1d"),
        ({"images": 0}, "images is 0; accepted are whole numbers from 1"),
        ({"attacker": "inside"}, "attacker is 'inside'; accepted are after, before"),
        ({"gradient": "x"}, "gradient is 'x'; accepted are network, quantization, filter"),
        ({"precision": "int8"}, "precision is 'int8'; accepted are bfloat16, float32"),
        ({"filters": ("none", "median")}, "filters is 'median'; accepted are none, floor, nearest"),
        ({"filters": ()}, r"filters is \(\); accepted are some of none, floor, nearest"),
        ({"attack": None, "attacker": "before"}, "attack is None, attacker 'before'"),
        ({"gradient": "quantization"}, "gradient is 'quantization', attacker 'after'"),
        ({"gradient": "filter"}, r"filters is \('none', 'floor', 'nearest'\); accepted with"),
    ],
)
def test_settings_are_refused_by_name(settings, message):
    whole = {"models": "short", "model": "2d", "kind": "2d", "images": 5, "attack": PGD, **settings}
    with pytest.raises(ValueError, match=message):
        Evaluation(**whole)
