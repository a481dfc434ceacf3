"""Where the real customer histories lie that some tests measure themselves against."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_data_directory() -> Path | None:
    """The folder of real histories beside the checkout, or None where there is none (a plain clone)."""
    directory = REPOSITORY.parent / "shared" / "data"
    return directory if directory.is_dir() else None


needs_shared_data = pytest.mark.skipif(
    shared_data_directory() is None,
    reason="the real histories (../shared/data beside the checkout) are not on this machine",
)


def shared_data_file(name: str) -> Path:
    """One file of the real histories; only for tests marked with ``needs_shared_data``."""
    directory = shared_data_directory()
    if directory is None or not (directory / name).is_file():
        raise FileNotFoundError(f"{name} is not in ../shared/data: mark the test with needs_shared_data")
    return directory / name
