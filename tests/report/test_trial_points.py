from __future__ import annotations

from automl.figures.search.parallel import NOT_LIVE
from automl.recipe import Recipe
from automl.report.trial_points import MOST_AXES, architectures, baseline_points, curves, parallel_axes, points
from automl.spaces.file import load_space
from tests.report.conftest import TRIALS, MakeFacts, trial

SPACE = load_space(
    {
        "parameters": {
            "depth": {"min": 0, "max": 3},
            "width": {"values": [16, 32], "when": {"depth": [1, 2, 3]}},
            "epochs": {"value": 4},
        }
    }
)


def test_every_finished_trial_has_its_point(make_facts: MakeFacts) -> None:
    assert [(point.number, point.state, point.value) for point in points(make_facts())] == [
        (0, "complete", 0.7),
        (1, "pruned", 0.4),
        (2, "failed", None),
        (3, "complete", 0.9),
    ]


def test_curve_has_training_and_validation_of_every_epoch() -> None:
    [curve] = curves([TRIALS[0]], what="loss")
    assert list(curve.epochs) == [0, 1, 2, 3]
    assert curve.validation == [result.validation_loss for result in TRIALS[0].epochs]
    assert curve.train == [result.train_loss for result in TRIALS[0].epochs]


def test_perceptron_has_no_width_and_a_trial_without_an_epoch_no_point(make_facts: MakeFacts) -> None:
    found = {one.number: one for one in architectures(make_facts())}
    assert set(found) == {0, 1, 3}
    assert (found[0].kind, found[0].depth, found[0].width) == ("perceptron", 0, None)
    assert (found[1].kind, found[1].depth, found[1].width, found[1].complete) == ("plain", 1, 32, False)


def test_fixed_parameters_have_no_axis_and_dead_ones_are_passed_by(make_facts: MakeFacts) -> None:
    trials = [
        trial(number, "complete", 0.5 + number / 10, recipe=Recipe(depth=depth, width=width, epochs=4).as_dict())
        for number, (depth, width) in enumerate([(0, 32), (1, 16), (2, 32)])
    ]
    depth, width, value = parallel_axes(make_facts(trials, space=SPACE), [])
    assert (depth.name, width.name, value.name) == ("depth", "width", "validation accuracy")
    assert list(width.positions) == [NOT_LIVE, 0, 1]
    assert list(value.positions) == [0, 0.5, 1]


def test_too_many_axes_leave_the_least_important_out(make_facts: MakeFacts) -> None:
    names = [name for name, value in Recipe().as_dict().items() if isinstance(value, float)]
    assert len(names) > MOST_AXES
    space = load_space({"parameters": {name: {"values": [0.1, 0.2]} for name in names}})
    trials = [
        trial(number, "complete", 0.5, recipe=Recipe().as_dict() | dict.fromkeys(names, value))
        for number, value in enumerate([0.1, 0.2])
    ]
    axes = parallel_axes(make_facts(trials, space=space), names[-2:])
    assert len(axes) == MOST_AXES + 1
    assert [axis.name for axis in axes[-3:-1]] == [name.replace("_", " ") for name in names[-2:]]


def test_winner_comes_after_the_baselines_unless_it_is_one(make_facts: MakeFacts) -> None:
    first = ({"depth": 0}, {"depth": 1})
    space = load_space({"parameters": {"depth": {"min": 0, "max": 3}}, "first": list(first)})
    tried = [trial(number, "complete", 0.5 + number / 10, recipe=Recipe(depth=number).as_dict()) for number in range(3)]
    shown = baseline_points(make_facts(tried, space=space))
    assert [(baseline.value, baseline.is_winner) for baseline in shown] == [(0.5, False), (0.6, False), (0.7, True)]
    assert shown[2].label.startswith("winner, trial 2: 2 stages")
    assert [baseline.is_winner for baseline in baseline_points(make_facts(tried[:2], space=space))] == [False, True]
