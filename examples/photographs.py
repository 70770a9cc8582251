"""A folder of photographs, one folder a class: python photographs.py [FOLDER].

Without FOLDER it draws some pictures of shapes, so that it runs without a download.
"""

import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

import automl

SHAPES = ("circle", "cross", "square")


def draw_photographs(folder: Path, *, each: int = 60, seed: int = 0) -> Path:
    """Write JPEGs of many sizes, as FOLDER/<class>/<number>.jpg."""
    generator = random.Random(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            image = Image.new("RGB", (generator.randint(24, 48), generator.randint(24, 48)), "seashell")
            _draw_shape(ImageDraw.Draw(image), shape, image.size, generator)
            image.save(folder / shape / f"{number}.jpg")
    return folder


def _draw_shape(draw: ImageDraw.ImageDraw, shape: str, size: tuple[int, int], generator: random.Random) -> None:
    radius = min(size) // 2 - generator.randint(3, 7)
    x, y = size[0] // 2, size[1] // 2
    box = (x - radius, y - radius, x + radius, y + radius)
    colour = generator.choice(("navy", "darkgreen", "maroon"))
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.line(box, fill=colour, width=4)
        draw.line((box[0], box[3], box[2], box[1]), fill=colour, width=4)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else draw_photographs(Path("photographs"))
    result = automl.search(
        folder,
        space="quick",
        image_size=24,  # left out: their median size
        fit="pad",  # or crop, or stretch
        trials=2,
        epochs=4,
        workers=1,
        study="photographs",
        export="photographs.pt",
    )
    print(f"best validation accuracy {result.best.value:.3f}, on the test split {result.exported.test.accuracy:.3f}")

    model = automl.load_model("photographs.pt")
    some = sorted(folder.glob("*/*"))[::20]
    for path, prediction in zip(some, model.predict(some), strict=True):
        print(path, prediction.label, f"{prediction.probability:.2f}")
