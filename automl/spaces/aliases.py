"""What other people call our fields, choices and metrics, and what they write that means nothing here."""

from __future__ import annotations

import re

from automl.metrics import METRICS
from automl.recipe import FIELDS, Field

_FIELD_NAMES: dict[str, str] = {
    "resolution": "input_resolution, image_resolution, image_size, img_size, input_size, im_size, imgsz",
    "block": "block_type",
    "depth": "stages, n_stages, num_stages, layers, n_layers, num_layers, conv_layers, num_conv_layers",
    "blocks_per_stage": "blocks, n_blocks, num_blocks, blocks_per_layer",
    "width": "channels, base_channels, base_width, initial_channels, filters, num_filters, base_filters",
    "stem_width": "stem_channels",
    "pooling": "global_pooling, head_pooling",
    "hidden_dim": "hidden, hidden_size, hidden_units, hidden_layer_size, fc_layer_size, fc_size, fc_units, dense_units",
    "squeeze_excitation": "se, use_se, squeeze_excite, channel_attention",
    "dropout": "dropout_rate, dropout_prob, dropout_p, drop_rate, p_dropout, head_dropout, fc_dropout",
    "block_dropout": "conv_dropout, dropout_conv, dropout2d, spatial_dropout",
    "weight_decay": "wd, l2, l2_reg, l2_regularization, l2_penalty",
    "label_smoothing": "smoothing, label_smooth, ls",
    "stochastic_depth": "drop_path, drop_path_rate, stochastic_depth_rate, droppath",
    "mixup": "mixup_alpha",
    "class_weights": "class_weight, class_weighting",
    "augmentation_strength": "aug, augment, augmentation, aug_strength, augment_strength",
    "flip": "flip_prob, flip_p, hflip, hflip_prob, horizontal_flip, horizontal_flip_prob, random_flip",
    "vertical_flip": "vflip, vflip_prob, vflip_p, vertical_flip_prob, random_vertical_flip, flip_ud, flipud",
    "quarter_turns": "quarter_turn, rot90, rotate90, random_rotate90, rot90_prob",
    "rotation_degrees": "rotation, rotate, degrees, rotation_range, rotation_angle, max_rotation, random_rotation",
    "shift": "translate, translation, shift_range, width_shift_range",
    "zoom": "zoom_range",
    "pad_pixels": "pad_and_crop, pad_crop, crop_padding, random_crop_padding",
    "brightness": "brightness_jitter",
    "contrast": "contrast_jitter",
    "saturation": "saturation_jitter, color_saturation",
    "hue": "hue_jitter, color_hue",
    "erasing": "random_erasing, erasing_prob, random_erasing_prob, cutout_prob",
    "blur": "gaussian_blur, blur_prob",
    "optimizer": "optim, opt, optimiser, optimizer_name, optimizer_type",
    "learning_rate": "lr, learn_rate, initial_lr, init_lr, base_lr, max_lr, lr_max, peak_lr, learning_rate_init",
    "momentum": "sgd_momentum",
    "batch_size": "batch, bs, train_batch_size, batch_sz, mini_batch_size, minibatch_size",
    "epochs": "epoch, num_epochs, n_epochs, max_epochs, nb_epochs, total_epochs, train_epochs",
    "schedule": "scheduler, lr_scheduler, lr_schedule, scheduler_type, learning_rate_schedule",
    "ema": "ema_decay",
    "seed": "random_seed, random_state, manual_seed",
}

_CHOICE_NAMES: dict[str, str] = {
    "residual": "resnet, res, basic_block",
    "plain": "vgg, conv",
    "average": "avg, avgpool, gap, global_average, global_avg",
    "sgd": "nesterov, sgd_nesterov, momentum",
    "cosine": "cosine_annealing, cosine_annealing_lr",
    "one_cycle": "one_cycle_lr",
    "plateau": "reduce_on_plateau, reduce_lr_on_plateau",
    "square_root": "sqrt",
}

WITHOUT_EFFECT: dict[str, str] = {
    "patience": "the pruner replaces it: it stops what is worse than the median of the other trials",
    "earlystoppingpatience": "the pruner replaces it: it stops what is worse than the median of the other trials",
    "numworkers": "images stay on the device, and no loader processes are needed",
    "pinmemory": "images stay on the device, and no loader processes are needed",
    "device": "each worker chooses its own device",
    "amp": "the precision follows the hardware",
    "precision": "the precision follows the hardware",
}
"""Known parameters that decide nothing here, and why."""

_METRIC_NAMES: dict[str, str] = {
    "accuracy": "acc, top1, top1_acc, top1_accuracy, categorical_accuracy",
    "macro_f1": "f1, f1_macro, f1_score, f1_score_macro, macro_f1_score",
    "balanced_accuracy": "balanced_acc, bal_acc, mean_class_accuracy, uar",
    "loss": "cross_entropy, cross_entropy_loss, ce_loss, nll, nll_loss",
}

_VALIDATION = frozenset({"best", "val", "valid", "validation", "dev", "eval", "max", "min", "epoch", "final"})


def normal(name: str) -> str:
    """`name` without case and separators: `LearningRate`, `learning-rate` and `learning_rate` are one."""
    return re.sub(r"[\W_]", "", name).lower()


def _by_alias(names: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    return known | {normal(alias): name for name, aliases in names.items() for alias in aliases.split(", ")}


_FIELDS = _by_alias(_FIELD_NAMES, {normal(name): name for name in FIELDS})
_CHOICES = _by_alias(_CHOICE_NAMES, {})
_METRICS = _by_alias(_METRIC_NAMES, {normal(name): name for name in METRICS})


def field_of(name: str) -> Field | None:
    """The field of Recipe that a file calls so, or None."""
    found = _FIELDS.get(normal(name))
    return FIELDS[found] if found else None


def known_names() -> tuple[str, ...]:
    """Every field and every alias, without separators, for suggestions."""
    return tuple(_FIELDS)


def choice_of(field: Field, value: object) -> object:
    """The field's choice that a file writes so; `value` itself where there is none."""
    if field.kind != "choice" or not isinstance(value, str):
        return value
    own = {normal(choice): choice for choice in field.choices}
    written = normal(value)
    return own.get(written) or own.get(normal(_CHOICES.get(written, "")), value)


def metric_of(name: str) -> str | None:
    """Our metric for a metric's name as `best_val_accuracy` or `val/loss`, measured on validation; None if unknown."""
    words = re.split(r"[\W_]+", name.lower())
    return _METRICS.get("".join(word for word in words if word not in _VALIDATION))
