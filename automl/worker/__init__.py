"""A worker: it claims trials of a study, trains them, records how they end and publishes them.

background      jobs behind the training, in a thread of their own
epoch_reports   an epoch or an end in one SQL statement, fenced by the lease
model_cost      the size and time of a trial's network
outcomes        how an attempt at a trial ended
publisher       notes, pictures and wandb runs of a worker's trials
publishing      the publication of one finished trial
pull_loop       the loop that claims and runs trials until the budget is used
recorder        what one attempt writes to the database
strategies      what proposes the next recipe, and what prunes
trial           the training loop of one attempt
trial_plan      what a trial can be in the time that is left
trial_pictures  a trial's learning curve and confusion matrix
watchdog        ends an attempt whose training no longer answers
worker_context  what all trials of one worker share
"""
