"""Lets pytest explain the asserts of the suites, which are no test modules of their own."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "tests.contracts.source",
    "tests.contracts.incremental",
    "tests.contracts.divisible_source",
    "tests.contracts.target",
    "tests.contracts.difference",
    "tests.contracts.wire",
    "tests.contracts.id_target",
    "tests.contracts.sending",
)
