from pathlib import Path

import pytest

RAW = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def raw():
    """The folder of raw result tables, which is no part of the repository."""
    if not RAW.is_dir():
        pytest.skip(f"the studies' raw files are not here ({RAW})")
    return RAW
