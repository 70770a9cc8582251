"""Evaluation of trained networks on a split, from their logits.

forward             logits of all images, for validation and for exported models
scoring             loss and confusion matrix of logits
confusion_scores    accuracy, F1 and balanced accuracy from a confusion matrix
class_report        scikit-learn's classification report
predictions         stored probabilities of the validation split
calibration         temperature scaling, expected calibration error, reliability bins
ensemble_selection  greedy choice of an ensemble's members
ensemble_gain       whether an ensemble beats the best network by more than noise
"""
