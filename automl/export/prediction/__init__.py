"""Predictions of exported models.

model         the model: networks with all that they need to classify images
classifier    from pixels to probabilities in one module
image_inputs  paths, PIL images and arrays as pixels of one shape
image_files   the image files that a command line names
predicting    many image files through a model
"""
