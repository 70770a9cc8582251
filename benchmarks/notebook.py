"""The way a notebook trains, written anew as a fair peer of the engine: PIL, DataLoader, float32, a wait every step.

The images are decoded once and kept in memory, which most notebooks do not do. Network, loss, optimizer, schedule and
augmentation are those of the recipe; of the augmentation what FER2013's notebooks use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from automl.data.batches.normalization import Normalization, measure_normalization
from automl.data.dataset import DataSet, Split
from automl.models.building import build_model
from automl.models.convolution import Convolution
from automl.recipe import Recipe
from automl.training.optimization import build_optimizer, schedule_factor, set_learning_rate


class PilImages(Dataset[tuple[Tensor, int]]):
    """Images of a split as PIL images, transformed one at a time."""

    def __init__(self, split: Split, transform: transforms.Compose) -> None:
        pixels_NHWC = split.images_MHWC[split.rows_N]
        self.images = [Image.fromarray(pixels.squeeze()) for pixels in pixels_NHWC]
        self.labels = split.labels_N.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


@dataclass(frozen=True)
class NotebookEpoch:
    """What the notebook prints after an epoch."""

    train_loss: float
    train_accuracy: float
    validation_accuracy: float


class NotebookTraining:
    """A recipe, trained the way of a notebook."""

    def __init__(self, recipe: Recipe, data: DataSet, *, device: torch.device, loader_processes: int) -> None:
        """`loader_processes`: the DataLoader's `num_workers`."""
        torch.manual_seed(recipe.seed)
        normalization = measure_normalization(data.splits["train"])
        self.recipe, self.device = recipe, device
        self.model = with_torch_convolutions(build_model(recipe, data.image_shape, len(data.class_names))).to(device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.optimizer = build_optimizer(recipe, list(self.model.parameters()))
        self.train_loader = self._loader(
            PilImages(data.splits["train"], augmentation(recipe, normalization, size=data.image_shape[1:])),
            loader_processes,
            shuffle=True,
        )
        self.validation_loader = self._loader(
            PilImages(data.splits["validation"], as_tensors(normalization)), loader_processes, shuffle=False
        )
        self.random = np.random.RandomState(recipe.seed)
        self.step = 0

    def epochs(self) -> Iterator[NotebookEpoch]:
        """Train and validate, epoch by epoch."""
        for _ in range(self.recipe.epochs):
            loss, accuracy = self._train()
            yield NotebookEpoch(loss, accuracy, self._validate())

    def _loader(self, images: PilImages, processes: int, *, shuffle: bool) -> DataLoader[tuple[Tensor, int]]:
        return DataLoader(
            images,
            batch_size=self.recipe.batch_size,
            shuffle=shuffle,
            num_workers=processes,
            persistent_workers=processes > 0,
            pin_memory=self.device.type == "cuda",
        )

    def _train(self) -> tuple[float, float]:
        self.model.train()
        total_loss, correct, steps = 0.0, 0, self.recipe.epochs * len(self.train_loader)
        for images, labels in self.train_loader:
            images_BCHW, labels_B = images.to(self.device), labels.to(self.device)
            rate = self.recipe.learning_rate * schedule_factor(self.recipe.schedule, self.step, steps=steps)
            set_learning_rate(self.optimizer, rate)
            self.optimizer.zero_grad()
            if self.recipe.mixup:
                share = float(self.random.beta(self.recipe.mixup, self.recipe.mixup))
                partner_B = torch.randperm(len(labels_B))
                images_BCHW = share * images_BCHW + (1 - share) * images_BCHW[partner_B]
                logits_BK = self.model(images_BCHW)
                loss = share * self.criterion(logits_BK, labels_B)
                loss = loss + (1 - share) * self.criterion(logits_BK, labels_B[partner_B])
            else:
                logits_BK = self.model(images_BCHW)
                loss = self.criterion(logits_BK, labels_B)
            loss.backward()
            self.optimizer.step()
            self.step += 1
            total_loss += loss.item() * len(labels)
            correct += (logits_BK.argmax(1) == labels_B).sum().item()
        count = len(self.train_loader.dataset)  # type: ignore[arg-type]
        return total_loss / count, correct / count

    def _validate(self) -> float:
        return accuracy(self.model, self.validation_loader, self.device)


def with_torch_convolutions(model: nn.Module) -> nn.Module:
    """The same network, weights included, as torch alone computes it."""
    for module in model.modules():
        if isinstance(module, Convolution):
            module.__class__ = nn.Conv2d  # type: ignore[assignment]
    return model


@torch.no_grad()
def accuracy(model: nn.Module, loader: DataLoader[tuple[Tensor, int]], device: torch.device) -> float:
    """Share of a loader's images that the network classifies rightly."""
    model.eval()
    correct = 0
    for images, labels in loader:
        logits_BK = model(images.to(device))
        correct += (logits_BK.argmax(1) == labels.to(device)).sum().item()
    return correct / len(loader.dataset)  # type: ignore[arg-type]


def as_tensors(normalization: Normalization) -> transforms.Compose:
    """PIL images to normalized tensors."""
    return transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(list(normalization.mean), list(normalization.std))]
    )


def augmentation(recipe: Recipe, normalization: Normalization, *, size: tuple[int, int]) -> transforms.Compose:
    """The recipe's augmentation by torchvision's transforms of PIL images of `size`, height and width in pixels."""
    steps: list[object] = []
    if recipe.pad_pixels:
        steps.append(transforms.RandomCrop(size, padding=recipe.pad_pixels, padding_mode="edge"))
    if recipe.flip:
        steps.append(transforms.RandomHorizontalFlip(recipe.flip))
    if recipe.rotation_degrees or recipe.zoom or recipe.shift:
        steps.append(
            transforms.RandomAffine(
                recipe.rotation_degrees,
                translate=(recipe.shift, recipe.shift) if recipe.shift else None,
                scale=(1 - recipe.zoom, 1 + recipe.zoom) if recipe.zoom else None,
                interpolation=transforms.InterpolationMode.BILINEAR,
            )
        )
    if recipe.brightness or recipe.contrast:
        steps.append(transforms.ColorJitter(brightness=recipe.brightness, contrast=recipe.contrast))
    steps += as_tensors(normalization).transforms
    if recipe.erasing:
        steps.append(transforms.RandomErasing(recipe.erasing))
    return transforms.Compose(steps)
