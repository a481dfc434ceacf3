"""Rejects files go where the test looks, and nowhere else."""

from pathlib import Path

import pytest
from django.conf import LazySettings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: LazySettings) -> Path:
    settings.WINBACK_HOME = tmp_path / "home"
    return tmp_path / "home"
