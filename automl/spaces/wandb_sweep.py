"""The settings of a W&B sweep file beside its parameters: sampler, metric, pruner, budget, program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from automl.metrics import METRICS
from automl.spaces.aliases import metric_of
from automl.spaces.entry import is_finite_number, short, suggestion
from automl.spaces.space import PrunerSetting
from automl.spaces.yaml_with_lines import Document

SAMPLERS = {
    "bayes": ("tpe", "W&B's is a Gaussian process: --sampler gp"),
    "random": ("random", ""),
    "grid": ("grid", ""),
    "tpe": ("tpe", ""),
    "gp": ("gp", ""),
    "qmc": ("qmc", ""),
    "custom": (None, "its scheduler cannot run here, so the sampler is the default one"),
}
"""Our sampler and a remark, by `method`."""

WITHOUT_EFFECT: dict[str, str] = {
    "program": "the service trains by itself",
    "command": "the service trains by itself",
    "job": "the service trains by itself",
    "image_uri": "the service trains by itself",
    "project": "set WANDB_PROJECT",
    "entity": "set WANDB_ENTITY",
    "controller": "workers pull their trials from the database",
    "scheduler": "workers pull their trials from the database",
}
SILENT = ("description", "apiVersion", "kind")
READ = ("name", "parameters", "first", "method", "metric", "metrics", "early_terminate", "run_cap")
KEYS = (*READ, *SILENT, *WITHOUT_EFFECT)

MOST_BANDS = 100
EARLY_TERMINATE_KEYS = ("type", "min_iter", "max_iter", "s", "eta", "strict")
METRIC_KEYS = ("name", "goal", "target", "impute", "impute_while_running")


@dataclass
class SweepReader:
    """The settings of a document; mistakes go to the document, every mapping is a note."""

    document: Document
    spec: Mapping[str, object]
    notes: list[str] = field(default_factory=list)

    def read_keys(self) -> None:
        """Refuse unknown keys and note those without effect."""
        for key in self.spec:
            if key in WITHOUT_EFFECT:
                self.notes.append(f"{key}: without effect here: {WITHOUT_EFFECT[key]}")
            elif key not in KEYS:
                self._wrong(f"unknown key {key!r}.{suggestion(key, KEYS)}", key)

    def read_name(self, default: str) -> str:
        """The name of the space."""
        name = self.spec.get("name") or default
        if isinstance(name, str):
            return name
        self._wrong(f"name: {short(name)} is not text", "name")
        return default

    def read_sampler(self) -> str | None:
        """`method` as our sampler."""
        if "method" not in self.spec:
            return None
        method = self.spec["method"]
        if not isinstance(method, str) or method not in SAMPLERS:
            self._wrong(f"method: unknown {short(method)}.{suggestion(str(method), tuple(SAMPLERS))}", "method")
            return None
        sampler, remark = SAMPLERS[method]
        self.notes.append(f"method: {method} → sampler {sampler or 'default'}" + (f" ({remark})" if remark else ""))
        return sampler

    def read_metric(self) -> str | None:
        """`metric` as ours, if its goal is the metric's own."""
        if "metrics" in self.spec:
            self._wrong("metrics: one metric decides here. Give one as `metric`.", "metrics")
        spec = self.spec.get("metric")
        if spec is None:
            return None
        if not isinstance(spec, Mapping) or not isinstance(spec.get("name"), str):
            self._wrong(f"metric: {short(spec)} is not a mapping with a `name`", "metric")
            return None
        self._check_keys("metric", spec, METRIC_KEYS)
        name = str(spec["name"])
        metric = metric_of(name)
        if metric is None:
            self._wrong(
                f"metric: {name!r} is not known. The validation split decides, by one of: {', '.join(METRICS)}.",
                "metric",
            )
            return None
        return self._with_goal(metric, name, spec)

    def _with_goal(self, metric: str, name: str, spec: Mapping[str, object]) -> str | None:
        own = "maximize" if METRICS[metric].maximize else "minimize"
        goal = spec.get("goal")
        if goal not in (own, None):
            self._wrong(f"metric: {name} with goal {short(goal)}, but {metric} is one to {own}", "metric")
            return None
        unsaid = ", as the file does not say (W&B would minimize)" if goal is None and own == "maximize" else ""
        self.notes.append(f"metric: {name} → {metric} of the validation split, to {own}{unsaid}")
        self.notes += [f"metric: {key} is without effect here" for key in METRIC_KEYS[2:] if key in spec]
        return metric

    def read_budget(self) -> int | None:
        """`run_cap` as trials."""
        cap = self.spec.get("run_cap")
        if cap is None:
            return None
        if isinstance(cap, bool) or not isinstance(cap, int) or not 0 < cap < 2**31:
            self._wrong(f"run_cap: {short(cap)} is not a whole number above 0", "run_cap")
            return None
        self.notes.append(f"run_cap: {cap} → --trials {cap}")
        return cap

    def read_pruner(self) -> PrunerSetting | None:
        """`early_terminate` as successive halving, whose comparisons stand where W&B's bands do."""
        spec = self.spec.get("early_terminate")
        if spec is None:
            return None
        if not isinstance(spec, Mapping) or spec.get("type") != "hyperband":
            self._wrong(f"early_terminate: {short(spec)} is not a mapping with `type: hyperband`", "early_terminate")
            return None
        self._check_keys("early_terminate", spec, EARLY_TERMINATE_KEYS)
        eta = self._number(spec, "eta", default=3)
        if eta is not None and eta <= 1:
            self._wrong(f"early_terminate: eta = {eta:g} has to be above 1", "early_terminate")
            return None
        first = None if eta is None else self._first_band(spec, eta)
        return None if eta is None or first is None else self._halving(first, eta)

    def _halving(self, first: int, eta: float) -> PrunerSetting:
        factor = max(2, round(eta))
        rounded = f"; eta {eta:g} is rounded" if factor != eta else ""
        bands = ", ".join(str(first * factor**power) for power in range(3))
        self.notes.append(
            f"early_terminate: hyperband → pruner successive-halving with the same bands, at epochs {bands}, …: "
            f"one of {factor} goes on{rounded}"
        )
        return PrunerSetting("successive-halving", first, factor)

    def _first_band(self, spec: Mapping[str, object], eta: float) -> int | None:
        """Epochs before the first band: `min_iter`, or the last of `s` divisions of `max_iter` that is at least 1."""
        if "min_iter" in spec:
            least = self._number(spec, "min_iter")
            return None if least is None else max(1, int(least))
        if "max_iter" not in spec or "s" not in spec:
            self._wrong("early_terminate: it needs min_iter, or max_iter and s", "early_terminate")
            return None
        most, divisions = self._number(spec, "max_iter"), self._number(spec, "s")
        if most is None or divisions is None:
            return None
        bands = (most / eta**power for power in range(1, min(int(divisions), MOST_BANDS) + 1))
        return int(min((band for band in bands if band >= 1), default=1))

    def _number(self, spec: Mapping[str, object], key: str, default: float | None = None) -> float | None:
        value = spec.get(key, default)
        if is_finite_number(value) and 0 < value < 2**31:
            return float(value)
        self._wrong(f"early_terminate: {key} = {short(value)} is not a number above 0", "early_terminate")
        return None

    def _check_keys(self, name: str, spec: Mapping[str, object], known: tuple[str, ...]) -> None:
        for key in spec:
            if key not in known:
                self._wrong(f"{name}: unknown key {short(key)}.{suggestion(str(key), known)}", name)

    def _wrong(self, sentence: str, key: str) -> None:
        self.document.add(sentence, at=(key,))
