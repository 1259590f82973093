"""What the tests of faults share: a job over fakes."""

from __future__ import annotations

from tests.flows.bench import bench

__all__ = ["bench"]  # a fixture
