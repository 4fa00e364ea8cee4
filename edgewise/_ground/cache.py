"""The folder for what is fetched or built once and kept."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The environment variable ``EDGEWISE_CACHE``, or ``~/.cache/edgewise``."""
    return Path(os.environ.get("EDGEWISE_CACHE") or "~/.cache/edgewise").expanduser()
