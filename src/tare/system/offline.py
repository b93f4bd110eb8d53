"""No library that tare loads asks a network by itself: usage statistics, update checks and crash reports are off.

What a command is asked for still happens: weights that are named are downloaded, and ``--tracker`` reaches the server it is told.
"""

from __future__ import annotations

import os

#: Settings of the libraries, each read when the library is imported or begins; what the user has set stays.
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # transformers asks a service to convert weights
    "DISABLE_TELEMETRY": "1",  # Hugging Face libraries
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NO_ALBUMENTATIONS_UPDATE": "1",  # asks a package index for a newer version when it is imported
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime, read when it is loaded
    "RAY_USAGE_STATS_ENABLED": "0",
    "SCARF_NO_ANALYTICS": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "WANDB_ERROR_REPORTING": "false",
}


def ask_no_network() -> None:
    """Set what keeps libraries from asking a network by themselves; called before any of them is imported."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def import_nothing_from_here() -> None:
    """Let processes that this one starts look for modules where Python is installed, not in the working directory.

    Data lie there: a file that is called ``numpy.py`` is not to be run. Processes of Ray and of ``multiprocessing`` inherit it.
    """
    os.environ.setdefault("PYTHONSAFEPATH", "1")
