"""Printed figures of images and classes, drawn with matplotlib.

classes        number of images of each class and split
samples        sample images of each class
confusion      confusion matrix
reliability    reliability diagram
misclassified  misclassified images with their true and predicted classes
"""
