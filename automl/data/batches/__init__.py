"""Batches of a split on the device, normalized and augmented.

batching       pixels on the host or on the device, and the batches of an epoch
resized_images images at the size of a network's input
normalization  mean and standard deviation of the training pixels
augmentation   random changes to a whole batch
orientation    flips and quarter turns
colours        changes of saturation and hue
random_params  random parameters of a batch, sampled on the host
transfer       from the host to the device without waiting
"""
