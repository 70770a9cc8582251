"""Exported models: written, read, evaluated, used.

trial_model       from a stored trial or an ensemble to a model that was evaluated once on the test split
single_run        one recipe trained without a search
ensemble          chooses the members of an ensemble among a study's best trials
ensemble_members  what is stored of a member, and the model of several
size_limits       whether a model is within the limits of its study
export_result     what an export reports
formats           the formats by suffix
writing           a model as a file, compared with the model in memory
model_file        the `.pt` file
programs          the `.pt2` and `.onnx` files
card              what a model file says of its model
description       the model card for people, `model.md`
provenance        how a model was found, for its card
test_evaluation   metrics of a model on a split
prediction/       predictions of a model
"""
