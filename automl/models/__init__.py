"""Networks, built from a Recipe.

building     from a recipe to a network: the convolutional family, or a builder of the user's own
family       the convolutional family: stem, stages, head
resizing     images resized in front of a network
blocks       plain and residual blocks, channel attention, stochastic depth
convolution  a convolution that is faster on a CPU for small feature maps
geometry     which networks fit which image sizes; imports no torch
tensor_files a file of torch's, looked at before torch loads it
loaded_state what a file of torch's gave, looked at before a network takes it
work         what a network has to compute, by its geometry; imports no torch
rates        seconds by unit of work, and the forecast of an epoch; imports no torch
"""
