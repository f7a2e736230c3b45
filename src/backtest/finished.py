"""Finished months on disk: a backtest that was killed goes on as if nothing had happened.

Each has a file of its own, named by its month and a fingerprint of all that the result depends on:
the windows, the data, the code, the parameters of the models and the pinned libraries. After any
change the name is another one, so nothing stale is ever taken, and going back to earlier settings
finds their results again. DVC does not know these files: it removes the outputs of a stage before
it starts it. They may be deleted at any time.
"""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from src.fingerprint import fingerprint
from src.params import read_yaml
from src.products import paths as products
from src.products.windows import Windows

FOLDER = "data/backtest/finished"
_PIPELINE = "pipelines/backtest/dvc.yaml"
_LIBRARIES = "requirements.txt"
_MEASURED = b"measured"  # the key of the metadata


@dataclass(frozen=True)
class Finished:
    """What the results of all months depend on, as it is now.

    Attributes
    ----------
    everything : dict
        Fingerprint of data and code, and the sections of params.yaml.
    """

    everything: dict[str, Any]

    @classmethod
    def now(cls) -> "Finished":
        """Take data, code and params.yaml as the stage in dvc.yaml lists them.

        Which months are predicted, by how many processes, changes no month's result. Of the file
        of windows only those of a month count.
        """
        stage = read_yaml(Path(_PIPELINE).read_text(encoding="utf-8"))["stages"]["predict"]
        files = [file for file in stage["deps"] if file != products.WINDOWS]
        content = read_yaml(Path("params.yaml").read_text(encoding="utf-8"))
        sections = {name: content[name] for name in stage["params"] if isinstance(name, str)}
        return cls({"files": fingerprint({}, [*files, _LIBRARIES]), "params": sections})

    def file(self, windows: Windows, date: datetime.date) -> str:
        """Path of the result of a month."""
        past = windows.before(date)
        dates = {"base": list(map(str, past.base)), "blend": list(map(str, past.blend))}
        learnt_from = {**dates, "lookback_months": past.lookback_months}
        return f"{FOLDER}/{date}-{fingerprint({**self.everything, 'windows': learnt_from})}.parquet"

    @staticmethod
    def with_measured(table: pa.Table, measured: dict[str, Any]) -> pa.Table:
        """A result: the adders, and in its metadata what was measured over all customers."""
        return table.replace_schema_metadata({_MEASURED: json.dumps(measured)})

    @staticmethod
    def is_whole(file: str) -> bool:
        """Whether a result is there and can be read; the loss of power may leave a part of one."""
        try:
            Finished.read(file)
        except (FileNotFoundError, pa.ArrowInvalid):
            return False
        return True

    @staticmethod
    def read(file: str) -> tuple[pa.Table, dict[str, Any]]:
        """The adders of a result, and what was measured."""
        table = pq.read_table(file)
        measured: dict[str, Any] = json.loads(table.schema.metadata[_MEASURED])
        return table.replace_schema_metadata(None), measured
