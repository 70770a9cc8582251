"""What programs read of an answer: JSON that is JSON, and CSV that a spreadsheet does not run."""

from __future__ import annotations

import json
import math

import pytest

from automl.cli.output import print_json
from automl.cli.printing.model_output import print_prediction_csv
from automl.export.prediction.model import Prediction


def test_json_has_null_where_a_number_is_not_finite_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": math.nan, "b": [{"c": -math.inf}, (1.5, math.inf)], "d": "NaN"})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"a": None, "b": [{"c": None}, [1.5, None]], "d": "NaN"}
    assert printed.err == "null, as JSON has neither NaN nor infinity: a (nan), b[0].c (-inf), b[1][1] (inf)\n"


def test_csv_of_predictions_holds_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    prediction = Prediction("+1", -0.0, {"+1": -0.0, "@x": 1.0})
    print_prediction_csv({"=cmd|' /C calc'!A0.png": prediction, "cat.png": prediction}, ["+1", "@x"])
    assert capsys.readouterr().out.splitlines() == [
        "image,label,probability,probability_+1,probability_@x",
        "'=cmd|' /C calc'!A0.png,'+1,-0.0,-0.0,1.0",
        "cat.png,'+1,-0.0,-0.0,1.0",
    ]
