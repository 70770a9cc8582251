"""A classifier as scikit-learn's, for arrays: python classifier.py."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import automl

digits = load_digits()
images, test_images, labels, test_labels = train_test_split(digits.images, digits.target, test_size=0.2, random_state=0)

classifier = automl.ImageClassifier(trials=1, space="quick", epochs=3, workers=1, study="classifier")
classifier.fit(images, labels)
print(f"accuracy on other digits {classifier.score(test_images, test_labels):.3f}")
print(classifier.predict(test_images[:5]), classifier.predict_proba(test_images[:5]).max(axis=1).round(2))

print("written:", classifier.export("classifier.pt"))
