"""automl: an Optuna-driven search for the network and the regularization that classify your images best.

import automl

result = automl.search("photos/", space="default", trials=30, export="model.pt")
model = automl.load_model("model.pt")
model.predict(images)

classifier = automl.ImageClassifier(timeout=600).fit(images, labels)  # as scikit-learn's
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["ImageClassifier", "__version__", "load_model", "search"]

_HOMES = {
    "search": "automl.api",
    "load_model": "automl.export.model_file",
    "ImageClassifier": "automl.estimator.image_classifier",
}
"""Where each public function is defined. It is imported at its first use, because torch takes seconds."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
