"""A classifier of images by scikit-learn's conventions.

image_classifier  the estimator: fit, predict, predict_proba, score, export
fitted_model      the model that a fitted classifier carries
"""
