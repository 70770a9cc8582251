"""A model as a program without our code: a `.pt2` for torch alone, an `.onnx` for onnxruntime and others.

Both take uint8 images B × C × H × W of any B, and give calibrated probabilities, B × K float32. Both also hold the
model's card as plain JSON, and nothing of the machine that they were written on. The card's `deep_images` says how
images of more than 8 bits become uint8.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from automl.errors import ModelFileError
from automl.export.prediction.classifier import Classifier
from automl.export.prediction.model import Model
from automl.own_files import CARD_NAME

Run: TypeAlias = Callable[[Tensor], Tensor]
"""Function from uint8 images on the CPU to probabilities."""
CARD = CARD_NAME
"""Name of the card: `.onnx` metadata of this name, `.pt2` extra file `automl.json`. Its `classes` are in the
order of the outputs."""
INPUT, OUTPUT = "images", "probabilities"
"""Names of input and output in an `.onnx`."""


def on_cpu(model: Model) -> Classifier:
    """The module of a file: a copy on the CPU, each weight in memory of its own, as torch.export.save needs it."""
    classifier = copy.deepcopy(model.classifier).to("cpu")
    own = {
        name: weight.clone(memory_format=torch.contiguous_format) for name, weight in classifier.state_dict().items()
    }
    classifier.load_state_dict(own, assign=True)
    return classifier


def torch_bytes(model: Model) -> bytes:
    """The content of a `.pt2`.

    Raises: ModelFileError if torch.export cannot follow a network of the user's own.
    """
    content = BytesIO()
    torch.export.save(_program(model), content, extra_files={f"{CARD}.json": _card(model)})
    return content.getvalue()


def onnx_bytes(model: Model) -> bytes:
    """The content of an `.onnx`.

    Raises: ModelFileError if torch.export cannot follow a network of the user's own, or ONNX lacks what it does.
    """
    program = _program(model)
    with _expressing(model, "ONNX cannot express"):
        made = torch.onnx.export(program, input_names=[INPUT], output_names=[OUTPUT], dynamo=True, verbose=False)
    assert made is not None  # as it is given no file to write
    for node in made.model.graph:
        node.metadata_props.clear()  # source lines of this machine
    made.model.metadata_props[CARD] = _card(model)
    content: bytes = made.model_proto.SerializeToString()
    return content


def open_torch(path: Path) -> Run:
    """Load a `.pt2` of our own making."""
    run: Run = torch.export.load(path).module()
    return run


def open_onnx(path: Path) -> Run:
    """Load an `.onnx` into onnxruntime."""
    from onnxruntime import InferenceSession  # of the extra `onnx`

    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images_BCHW: torch.from_numpy(session.run([OUTPUT], {INPUT: images_BCHW.numpy()})[0])


def _card(model: Model) -> str:
    return json.dumps(model.card.as_document(), allow_nan=False)


def _program(model: Model) -> torch.export.ExportedProgram:
    images_BCHW = torch.zeros(2, *model.card.image_shape, dtype=torch.uint8)  # of 1 torch would make a constant
    batch = torch.export.Dim("batch", min=1)
    with _expressing(model, "torch.export cannot follow"):
        program = torch.export.export(on_cpu(model), (images_BCHW,), dynamic_shapes=({0: batch},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # source lines of this machine
    return program


@contextmanager
def _expressing(model: Model, failure: str) -> Iterator[None]:
    """Turn any error of a network of the user's own into a sentence. automl's own networks have to work."""
    try:
        yield
    except Exception as error:
        if model.card.provenance.builder is None:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFileError(
            f"{failure} the network {model.card.provenance.builder} ({type(error).__name__}: {reason}). "
            "Export a .pt, which is loaded together with its code."
        ) from error
