import json
from pathlib import Path

import pytest

from src.errors import InputError
from src.products import paths, report
from tests.evaluation.test_report import TABLE, metrics


@pytest.mark.usefixtures("workspace")
def test_main_prints_the_table_and_where_the_plots_are(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(paths.METRICS)
    path.parent.mkdir()
    odd = {"warnings": ["2016-03 is missing"]}
    path.write_text(json.dumps(metrics() | odd), encoding="utf-8")
    report.main()
    shown = capsys.readouterr().out
    assert shown.startswith(TABLE + "\n\nWarning: 2016-03 is missing.\n")
    assert "plots/products/*.png" in shown


@pytest.mark.usefixtures("workspace")
def test_main_says_what_to_run_first() -> None:
    with pytest.raises(InputError, match=r"^metrics/products\.json is missing: run 'dvc repro'"):
        report.main()
