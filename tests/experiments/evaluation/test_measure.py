"""What an evaluation measures, on a tiny trained model."""

from dataclasses import replace

import numpy
import pytest
import torch

from experiments.evaluation.evaluation import Evaluation
from experiments.evaluation.measure import Evaluator, measure, passes_per_image
from experiments.evaluation.subset import subset
from experiments.method.attacks import make_attack
from experiments.method.attacks.projected_gradient_descent import ProjectedGradientDescent
from experiments.support.data_sets import load_split
from experiments.training.model_files import load_model, model_path

CPU = torch.device("cpu")


def attacked(sweep, epsilon=16.0, steps=10, images=60, **settings):
    attack = ProjectedGradientDescent(epsilon, steps)
    return outcome_of(sweep, Evaluation(sweep.set_name, "2d", "2d", images, attack, **settings))


def outcome_of(sweep, evaluation):
    model = load_model(model_path(evaluation.model, sweep.models), CPU)
    return measure(evaluation, model, load_split(sweep.data, "test"))


def test_attack_works_and_the_filter_undoes_it(sweep):
    outcome = attacked(sweep)
    assert outcome.accuracy("clean", "none") > 0.8
    assert outcome.accuracy("attacked", "none") < 0.4
    for name in ("floor", "nearest"):
        assert outcome.correct("attacked", name) == outcome.correct("clean", name)
        assert outcome.certificate[name].identical and outcome.certificate[name].inside
    assert not outcome.certificate["none"].inside
    assert outcome.off_grid == {"clean": 0, "attacked": 60}


def test_outside_the_certificate_the_filter_fails(sweep):
    certificate = attacked(sweep, epsilon=24.0).certificate
    assert not certificate["floor"].inside and certificate["floor"].epsilon == 21
    assert certificate["nearest"].inside and certificate["nearest"].identical
    certificate = attacked(sweep, epsilon=64.0, steps=20).certificate
    for name in ("floor", "nearest"):
        assert not certificate[name].inside and not certificate[name].identical


@pytest.mark.parametrize("gradient", ["network", "quantization"])
def test_attack_before_dithering_is_not_undone(gradient, sweep):
    outcome = attacked(sweep, attacker="before", gradient=gradient)
    assert outcome.accuracy("attacked", "floor") < outcome.accuracy("clean", "floor")
    # What arrives is a dithered image like any other.
    assert outcome.off_grid == {"clean": 0, "attacked": 0}
    assert outcome.certificate == {}


def test_an_attack_through_the_filter_gains_nothing_inside_the_certificate(sweep):
    outcome = attacked(sweep, gradient="filter", filters=("floor",))
    assert outcome.certificate["floor"].inside and outcome.certificate["floor"].identical
    outcome = attacked(sweep, epsilon=64.0, steps=20, gradient="filter", filters=("floor",))
    assert not outcome.certificate["floor"].inside and not outcome.certificate["floor"].identical


def test_what_the_gradient_passes_through_changes_the_attack(sweep):
    model, split = load_model(model_path("2d", sweep.models), CPU), load_split(sweep.data, "test")
    found = []
    for gradient in ("network", "quantization", "filter"):
        attack = ProjectedGradientDescent(8.0, steps=3)
        evaluation = Evaluation("tiny", "2d", "2d", 9, attack, "before", gradient, ("floor",))
        evaluator = Evaluator(model, evaluation)
        found.append(evaluator.images(split.images[:9], split.labels[:9])[1])
    assert not torch.equal(found[0], found[1])
    # The floor filter leaves dithered images as they are: it adds nothing to the quantization.
    assert torch.equal(found[1], found[2])


def test_predictions_are_of_the_images_of_the_subset(sweep):
    outcome, split = attacked(sweep, images=25), load_split(sweep.data, "test")
    chosen = subset(60, 25)
    assert outcome.labels.tolist() == split.labels[chosen].tolist()
    model = load_model(model_path("2d", sweep.models), CPU)
    evaluator = Evaluator(model, outcome.evaluation)
    clean, changed = evaluator.images(split.images[chosen], split.labels[chosen])
    for state, images in (("clean", clean), ("attacked", changed)):
        for name, classes in outcome.predictions[state].items():
            assert classes.tolist() == evaluator.classify(images, name).tolist()
            right = int((classes == outcome.labels).sum())
            assert (outcome.correct(state, name), outcome.accuracy(state, name)) == (
                right,
                right / 25,
            )


def test_without_an_attack_there_are_clean_predictions_alone(sweep):
    outcome = outcome_of(sweep, Evaluation("tiny", "8", "3", 7, filters=("none",)))
    assert {state: list(found) for state, found in outcome.predictions.items()} == {
        "clean": ["none"]
    }
    assert outcome.off_grid == {"clean": 0} and outcome.certificate == {}


def test_an_outcome_is_a_function_of_its_settings(sweep):
    first, second = attacked(sweep, images=20), attacked(sweep, images=20)
    for state, found in first.predictions.items():
        for name, classes in found.items():
            assert numpy.array_equal(classes, second.predictions[state][name])


def test_more_images_than_there_are_is_refused(sweep):
    with pytest.raises(ValueError, match="images is 61; accepted are whole numbers from 1 to 60"):
        attacked(sweep, images=61)


def test_a_smaller_subset_is_part_of_a_larger_one():
    small, large = subset(10_000, 500), subset(10_000, 2000)
    assert torch.equal(small, large[:500])
    assert len(set(large.tolist())) == 2000
    # It must never change: committed results rely on it.
    assert small[:4].tolist() == FIRST_OF_THE_SUBSET


#: Computed once, when the first results were made.
FIRST_OF_THE_SUBSET = [8213, 6061, 176, 1923]


def test_one_recording_serves_evaluations_with_the_same_settings(sweep):
    model = load_model(model_path("2d", sweep.models), CPU)
    evaluation = Evaluation("tiny", "2d", "2d", 4, ProjectedGradientDescent(8.0))
    attack = Evaluator(model, evaluation).attack
    assert Evaluator(model, replace(evaluation, kind="3", images=9)).attack is attack
    other = replace(evaluation, attack=ProjectedGradientDescent(4.0))
    assert Evaluator(model, other).attack is not attack


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({"filters": ("none",)}, 1),
        ({}, 3),
        ({"attack": ProjectedGradientDescent(8.0)}, 2 * 3 + 3 * 20),
        ({"attack": ProjectedGradientDescent(0.0)}, 2 * 3),
        ({"attack": make_attack("fast_gradient_sign", epsilon=8.0)}, 2 * 3 + 3),
        ({"attack": make_attack("basic_iterative", epsilon=8.0)}, 2 * 3 + 3 * 10),
    ],
)
def test_work_of_an_evaluation(settings, passes):
    assert passes_per_image(Evaluation("short", "2d", "2d", 100, **settings)) == passes
