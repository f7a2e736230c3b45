"""The service scores without an engine: it starts without what it does not need."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_NEEDED = ["duckdb", "ibis", "sklearn", "matplotlib", "mlflow", "dvc", "optuna"]


def test_the_service_imports_no_engine() -> None:
    code = f"import sys, src.service.app; print([n for n in {NOT_NEEDED} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
