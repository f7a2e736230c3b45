"""What stages write: atomically, and in one form for the same content."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on failure.

    The folder is made if it is missing. Readers see the old file or the new one, never half. What
    is written may be a folder, too (`src.parts`). Systems do not put one in the place of another in
    one step: who comes between two renames sees neither.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        yield temporary
        if target.is_dir() or (temporary.is_dir() and target.exists()):
            target.rename(old)
        temporary.replace(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        remove(temporary)
        remove(old)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON with floats rounded to 6 decimals; NaN and infinity are errors.

    Raises
    ------
    ValueError
        `content` holds a NaN or an infinity.
    """
    write_exact(path, _rounded(content))


def write_exact(path: str | Path, content: Any) -> None:
    """Write JSON whose floats come back as they were, as `write_json` does not."""
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _rounded(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _rounded(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_rounded(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    return round(content, 6) if isinstance(content, float) else content


def write_parquet(path: str | Path, table: pa.Table) -> None:
    """Write an Arrow table as one parquet file (zstd), rows in the order given."""
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a small table as CSV, floats rounded to 6 decimals."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def write_arrays(path: str | Path, **arrays: Any) -> None:
    """Write arrays as .npz, as `numpy.savez` does but with the same bytes from every Python.

    `numpy.savez` asks for 64-bit sizes, which Python writes differently from 3.11.4 on.
    """
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())


def write_curve(path: str | Path, step: str, value: str, values: Sequence[float]) -> None:
    """Write a training curve: columns `step` (1, 2, …) and `value`."""
    write_csv(path, pd.DataFrame({step: range(1, len(values) + 1), value: values}))
