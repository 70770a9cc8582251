"""A network of your own on the same service: python own_network.py.

`build` may return any module from normalized images B × C × H × W to logits B × K. The recipe still brings augmentation
and optimization, and whatever of its fields `build` reads.
"""

from torch import nn

import automl
from automl.recipe import Recipe


def build(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Two convolutions, of which the recipe says how wide they are."""
    channels, _, _ = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, recipe.width, 3, padding=1),
        nn.BatchNorm2d(recipe.width),
        nn.GELU(),
        nn.Conv2d(recipe.width, 2 * recipe.width, 3, stride=2, padding=1),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(recipe.dropout),
        nn.Linear(2 * recipe.width, num_classes),
    )


SPACE = {
    "parameters": {
        "width": {"values": [16, 32]},
        "dropout": {"min": 0.0, "max": 0.3},
        "learning_rate": {"distribution": "log_uniform_values", "min": 2e-3, "max": 2e-2},
        "epochs": {"value": 4},
    }
}

if __name__ == "__main__":
    result = automl.search(
        "digits", space=SPACE, model="own_network:build", trials=2, workers=1, study="own-network", export="own.pt"
    )
    print(f"best validation accuracy {result.best.value:.3f}")
    model = automl.load_model("own.pt", model="own_network:build")
    print(model.classes)
