import numpy as np

from automl.figures.interactive.plotly_tables import (
    interactive_confusion,
    interactive_importances,
    interactive_parallel,
)
from automl.figures.search.importances import Importance
from automl.figures.search.parallel import NOT_LIVE, parallel_axis
from tests.figures.interactive.test_plotly_trials import traces

CATS_DOGS = np.array([[199, 1], [5, 35]])


def test_importances_are_the_shares_given() -> None:
    [bars] = traces(interactive_importances([Importance("learning_rate", 0.7), Importance("depth", 0.3)]))
    assert (bars["x"], bars["y"], bars["text"]) == ([0.7, 0.3], ["learning rate", "depth"], ["70 %", "30 %"])


def test_parallel_axes_have_the_positions_and_ticks_given() -> None:
    axes = [parallel_axis("width", [16, None, 32]), parallel_axis("accuracy", [0.8, 0.7, 0.9])]
    [lines] = traces(interactive_parallel(axes, maximize=True))
    assert [axis["values"] for axis in lines["dimensions"]] == [[0, NOT_LIVE, 1], [0.5, 0, 1]]
    assert lines["dimensions"][0]["ticktext"] == ["none", "16", "32"]
    assert [axis["range"] for axis in lines["dimensions"]] == [[NOT_LIVE, 1], [0, 1]]
    assert lines["line"]["color"] == [0.5, 0, 1]


def test_confusion_has_shares_counts_and_escaped_names() -> None:
    [cells] = traces(interactive_confusion(CATS_DOGS, ["<cat>", "dog"]))
    assert cells["z"] == [[0.995, 0.005], [0.125, 0.875]]
    assert cells["customdata"] == CATS_DOGS.tolist()
    assert cells["text"] == [["100", "<1"], ["12", "88"]]
    assert cells["y"] == ["&lt;cat&gt;", "dog"]


def test_many_classes_have_no_text_in_their_cells() -> None:
    names = [f"class {number}" for number in range(40)]
    [cells] = traces(interactive_confusion(np.eye(40, dtype=np.int64), names))
    assert "texttemplate" not in cells
