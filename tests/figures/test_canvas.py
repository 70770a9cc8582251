import subprocess
import sys
from pathlib import Path

from PIL import Image

from automl.figures.canvas import new_figure, png_bytes, save_png, style
from automl.figures.search.learning_curves import LearningCurve, learning_curves


def test_png_is_sharp_at_the_width_of_a_readme(tmp_path: Path) -> None:
    save_png(new_figure(height_inches=3), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert (image.format, image.size) == ("PNG", (1660, 600))
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]


def test_same_data_give_the_same_bytes() -> None:
    curve = LearningCurve("trial 0", range(3), [0.1, 0.2, 0.3], [0.1, 0.15, 0.2])
    first, second = (png_bytes(learning_curves([curve], value_label="accuracy")) for _ in range(2))
    assert first == second


def test_axes_carry_their_labels() -> None:
    axes = new_figure(height_inches=3).add_subplot()
    style(axes, x_label="epoch", y_label="loss (nats)")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "loss (nats)")


def test_figures_load_neither_torch_nor_optuna_nor_pyplot() -> None:
    program = (
        "import sys\n"
        "import automl.figures.search.history, automl.figures.search.learning_curves, automl.figures.images.confusion\n"
        "print([name for name in ('torch', 'optuna', 'wandb', 'matplotlib.pyplot') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
