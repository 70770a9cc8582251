from __future__ import annotations

from pathlib import Path

from tests.conftest import Automl

NETWORK = """
from torch import nn
from torchvision.models import resnet18


def build(recipe, image_shape, num_classes):
    network = resnet18(weights=None, num_classes=num_classes)
    network.conv1 = nn.Conv2d(image_shape[0], 64, 3, padding=1, bias=False)
    return network
"""


def test_torchvision_network_is_searched_exported_and_used(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(NETWORK)
    (tmp_path / "space.yaml").write_text("parameters: {learning_rate: {values: [1e-3, 3e-3]}, epochs: {value: 1}}")
    done = automl(
        *("search", "--data", "digits", "--space", "space.yaml", "--model", "mine:build"),
        *("--trials", "1", "--workers", "1", "--export", "mine.pt"),
    )
    assert done.returncode == 0, done.stderr
    used = automl("evaluate", "mine.pt", "--data", "digits", "--model", "mine:build")
    assert used.returncode == 0, used.stderr
    refused = automl("evaluate", "mine.pt", "--data", "digits")
    assert refused.returncode == 2
    assert "mine.pt needs the network mine:build" in refused.stderr
    (tmp_path / "mine.py").write_text(NETWORK.replace("Conv2d(image_shape[0], 64, 3", "Conv2d(image_shape[0], 64, 5"))
    changed = automl("best", "--export", "again.pt")
    assert changed.returncode == 2
    assert "mine:build builds another network than the one that trial 0 trained." in changed.stderr
    carried = automl("create", "ours", "--from", "digits-space-accuracy", "--data", "digits", "--space", "space.yaml")
    assert carried.returncode == 2
    assert "network is mine:build there and automl's own here." in carried.stderr
