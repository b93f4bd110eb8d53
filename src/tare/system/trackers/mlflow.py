"""MLflow: the server that ``MLFLOW_TRACKING_URI`` names, else files in the run's folder."""

from __future__ import annotations

import importlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare._version import __version__
from tare.system.local.opened import text_of
from tare.system.quiet import quietly
from tare.system.trackers.tracker import TrackedModel, Tracker

_LONGEST = 5000
_RUN = "mlflow-run"


class MlflowTracker(Tracker):
    """A run of the experiment ``tare``; its id is kept in the folder, so that a run that is resumed goes on."""

    name = "mlflow"

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports to its makers from version 3.2 on
        library: Any = importlib.import_module("mlflow")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # newer versions prefer a database, which a folder is not
        place = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlruns").absolute().as_uri()
        self._client = library.MlflowClient(tracking_uri=place)
        kept = folder / _RUN
        known = text_of(kept).strip() if kept.is_file() else ""
        self._run = known or self._new(folder.name)
        self._client.update_run(self._run, status="RUNNING")
        kept.write_text(self._run + "\n", encoding="utf-8")

    def _new(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name("tare")
        made = experiment.experiment_id if experiment is not None else self._client.create_experiment("tare")
        return str(self._client.create_run(made, run_name=name).info.run_id)

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log parameters; MLflow refuses one that changes, so that those of a resumed run stay."""
        known = self._client.get_run(self._run).data.params
        for name, value in values.items():
            if _key(name) not in known:
                self._client.log_param(self._run, _key(name), str(value)[:_LONGEST])

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics."""
        for name, value in values.items():
            self._client.log_metric(self._run, _key(name), value, step=step)

    def file(self, path: Path) -> None:
        """Log an artifact."""
        self._client.log_artifact(self._run, str(path))

    def model(self, folder: Path, model: TrackedModel) -> None:
        """Log the directory as the artifact ``model`` for ``mlflow.pyfunc.load_model``; nothing is pickled."""
        pyfunc: Any = importlib.import_module("mlflow.pyfunc")
        kinds: Any = importlib.import_module("mlflow.models")
        schemas = {name: json.dumps(columns) for name, columns in model.signature.items()}
        with tempfile.TemporaryDirectory() as scratch, quietly():
            pyfunc.save_model(
                path=f"{scratch}/model",
                loader_module=model.loader,
                data_path=str(folder),
                signature=kinds.ModelSignature.from_dict(schemas),
                pip_requirements=[f"tare=={__version__}"],
                metadata={"tare.spec": dict(model.spec)},
            )
            self._client.log_artifacts(self._run, f"{scratch}/model", "model")

    def end(self, *, failed: bool) -> None:
        """Set the run's status."""
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


def _key(name: str) -> str:
    """A name of letters that MLflow allows."""
    return re.sub(r"[^\w\-./ ]", "_", name)[:200]
