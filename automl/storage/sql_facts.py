"""What the tables mean, as SQL that every query shares: which trial is the best."""

from __future__ import annotations

BEST_FIRST = """
FROM trials JOIN trial_values USING (trial_id) WHERE study_id = :study AND state = 'COMPLETE'
ORDER BY CASE value_type WHEN 'INF_NEG' THEN '-Infinity' WHEN 'INF_POS' THEN 'Infinity' ELSE value END {order}, number
"""
"""The one rule for the best trial, in SQL: by value, and the oldest one of those that are equal."""
