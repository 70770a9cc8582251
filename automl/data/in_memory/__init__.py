"""Images and labels that a Python program holds, checked, and stored as a file that every worker can read.

image_batches   images as one batch, read in blocks: arrays, tensors, lists
picture_lists   lists of PIL images or paths as such a batch
batch_shapes    the meaning of an array's dimensions
given_labels    labels of any type as indices of their classes
array_store     images, labels and splits as one file, named by its content
"""
