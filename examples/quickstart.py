"""Search on the digits, export the best model, use it: python quickstart.py."""

from sklearn.datasets import load_digits

import automl

result = automl.search(
    "digits",  # or a folder, a .zip, a .csv, an .npz
    space="quick",
    study="quickstart",
    trials=2,
    epochs=4,
    workers=1,
    export="digits.pt",
)
print(f"best validation accuracy {result.best.value:.3f}, on the test split {result.exported.test.accuracy:.3f}")

model = automl.load_model("digits.pt")
images = (load_digits().images[:5] * 255 / 16).astype("uint8")
for prediction in model.predict(images):
    print(prediction.label, f"{prediction.probability:.2f}")
