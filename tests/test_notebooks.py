"""The notebook is executed on small simulated banks, and what it says is reckoned again here."""

import json
import re
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
import yaml
from nbclient import NotebookClient

from src.simulation.products import ProductsSimulation, simulate

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "notebooks/recommendations_EDA.ipynb"
LONGEST = 300  # seconds; only a hung cell takes as long


@pytest.fixture
def execute(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Execute the notebook in a folder by this interpreter, without the user's Jupyter settings."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        (workspace / "jupyter" / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(workspace / "jupyter" / name))
    monkeypatch.setenv("JUPYTER_NO_CONFIG", "1")
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the workspace has data, but no code

    def run(folder: Path) -> str:
        notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
        client = NotebookClient(
            notebook,
            timeout=LONGEST,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.output_type == "stream"]
        data = [output.data for output in outputs]
        assert sum("image/png" in output for output in data) == 8
        return "\n".join(output["text/markdown"] for output in data if "text/markdown" in output)

    return run


def prepare(**changes: Any) -> dict[str, Any]:
    """Write params.yaml and run the stages that the notebook reads."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content |= changes
    content["ingest"]["path"] = "bank.csv"
    Path("params.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    for stage in ("ingest", "clean", "split"):
        import_module(f"src.products.{stage}").main()
    return content


def month_name(text: Any) -> str:
    return f"{pd.Timestamp(text):%B %Y}"


def cells(kind: str) -> list[dict[str, Any]]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def test_is_committed_without_outputs() -> None:
    executed = [cell for cell in cells("code") if cell["outputs"] or cell["execution_count"]]
    assert executed == []


def test_no_number_is_typed_in_its_text() -> None:
    """Numbers of a text could be those of other data; headings are numbered."""
    texts = ["".join(cell["source"]) for cell in cells("markdown")]
    assert texts
    for text in texts:
        plain = re.sub(r"^## \d\. |`[^`]*`|\([^)]*\)", "", text, flags=re.MULTILINE)
        assert re.findall(r"\d+", plain) in ([], ["1"]), text  # "1 is an ordinary month"


def test_conclusions_are_those_of_the_data(workspace: Path, execute: Callable[[Path], str]) -> None:
    simulate(
        ProductsSimulation(customers=500, months=17, seed=3),
        Path("bank.csv"),
        Path("truth.parquet"),
    )
    params = prepare()
    schema, ranges = params["schema"], params["clean"]["ranges"]
    said = execute(workspace)

    raw = pd.read_csv("bank.csv", dtype=str, keep_default_na=False)
    raw.columns = raw.columns.str.strip()
    products = list(schema["products"])
    titles = {name: title["en"] for name, title in schema["products"].items()}
    held = raw[products].apply(lambda cells: cells.str.strip().isin(["1", "1.0"])).astype(int)
    held.index = pd.MultiIndex.from_arrays([raw["fecha_dato"], raw["ncodpers"].str.strip()])
    months = sorted(raw["fecha_dato"].unique())
    added = pd.DataFrame(
        {
            month: ((now - before).loc[now.index.intersection(before.index)] > 0).sum()
            for earlier, month in pairwise(months)
            for before, now in [(held.loc[earlier], held.loc[month])]
        }
    )
    asked = adders = 0
    for earlier, month in pairwise(months[:-1]):  # the test month left out
        before, now = held.loc[earlier], held.loc[month]
        both = now.index.intersection(before.index)
        asked += len(both)
        adders += int(((now.loc[both] - before.loc[both]) > 0).any(axis=1).sum())

    last = held.loc[months[-1]]
    most = last.sum().idxmax()
    assert f"{len(raw):,} rows: 500 customers in 17 months, 2015-01-28 to 2016-05-28" in said
    assert f"{titles[most]} is held by {last[most].mean():.0%} of the customers" in said
    share = added.sum(axis=1).max() / added.to_numpy().sum()
    assert f"{titles[added.sum(axis=1).idxmax()]} is added most: {share:.0%}" in said
    assert f"most is added in {month_name(added.sum().idxmax())}" in said
    assert f"{adders / asked:.1%} of the customers add something in a month" in said
    assert f"{(last.sum(axis=1) == 0).mean():.0%} of the customers hold nothing" in said
    ages = pd.to_numeric(raw["age"], errors="coerce").dropna()
    beyond = ~ages.between(ranges["age"]["least"], ranges["age"]["most"])
    assert f"Out of range, so replaced: age ({beyond.sum():,})" in said
    assert "nan" not in said


def test_another_bank_and_another_folder(workspace: Path, execute: Callable[[Path], str]) -> None:
    """Four months, few columns, ids that are text; started where the notebook lies."""
    simulate(
        ProductsSimulation(customers=500, months=4, seed=1), Path("all.csv"), Path("truth.parquet")
    )
    products = {"ind_cco_fin_ult1": "conto", "ind_tjcr_fin_ult1": "carta", "ind_recibo_ult1": "rid"}
    columns = {"fecha_dato": "mese", "ncodpers": "cliente", "segmento": "fascia", **products}
    rows = pd.read_csv("all.csv", dtype=str, keep_default_na=False, usecols=list(columns))
    rows = rows.rename(columns=columns).assign(cliente=lambda table: "IT" + table["cliente"])
    rows.to_csv("bank.csv", index=False)
    prepare(
        schema={
            "id": "cliente",
            "id_type": "string",
            "month": "mese",
            "numeric": {},
            "categorical": {"segment": "fascia"},
            "products": {name: {"en": name.title(), "ru": name} for name in products.values()},
        }
    )
    (workspace / "notebooks").mkdir()
    said = execute(workspace / "notebooks")
    assert f"{rows['cliente'].nunique()} customers in 4 months" in said
    assert "Conto is held by" in said
    assert "Medians: none" in said
    assert "nan" not in said
