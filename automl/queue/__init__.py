"""The queue of a study: which trials wait, which worker holds which, and what the budget allows.

budget          a study's trials and time against its budget
phase           first models, search, final training: a function of the study's clock
fitting         which training fits into the time that is left
enqueuing       trials that are enqueued, as many as the budget has
final_training  the best recipes, enqueued again with new seeds
claims          who holds which trial, and the fence around what a worker writes
recovery        trials that are requeued, and those whose worker is lost
lost_time       seconds of the workers that left nothing
heartbeat       a worker's sign of life, and what it learns from the database
gpu_slots       which worker computes on which GPU
gpus            GPUs of this machine
study_end       the end of a search, as its last worker sees it
"""
