"""One training run: a Recipe and a DataSet in, one EpochResult after another out.

loop              the training loop, epoch by epoch
learner           one training step: network, loss, optimizer, average of the weights
objective         the loss: cross entropy, label smoothing, class weights
optimization      the optimizer, the learning rate schedules, the average of the weights
randomness        the random streams of a run, by seed and epoch
device_name       names of devices, told apart without torch
device            the device and the precision
allocation        glibc options that keep freed memory for the next step
checkpoint_state  a run's state as a file
durable_files     renames that survive a power failure
overfit_check     whether a network overfits a few images
pace              seconds an epoch and memory, measured from real steps
latency           the time of one image
cost/             how fast a device trains, for forecasts of any recipe
threads           the number of CPU threads that is fastest, and the pace of a training
evaluation/       metrics, calibration and ensembles from logits
"""
