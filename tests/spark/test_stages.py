"""Stages on both engines: the same files, byte for byte, and the same figures."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src import lists
from src.eda import dynamics, portrait
from src.eda.tables import EdaTables
from src.engine import SETTINGS, Engine, SparkSettings
from src.errors import InputError
from src.models.als import FIRST_STAGE as ALS
from src.models.als import Als
from src.models.registry import FIRST_STAGE
from src.params import load
from src.parts import files, read_table, verify
from src.payments import clean as payments_clean
from src.payments import ingest as payments_ingest
from src.payments import paths as payments_paths
from src.payments.analysis import tables as payments_tables
from src.payments.providers.evaluation import learn
from src.payments.providers.known import Known
from src.payments.providers.offering import Clients, Offering, offers
from src.payments.schema import PARAMS as PAYMENTS_PARAMS
from src.payments.schema import Schema as PaymentsSchema
from src.products import (
    blend,
    clean,
    evaluate,
    ingest,
    paths,
    recommend,
    split,
    train_als,
    train_kmeans,
    train_mlc,
    train_propensity,
)
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.simulation.payments import PaymentsSimulation
from src.simulation.payments import simulate as simulate_payments
from src.simulation.products import ProductsSimulation
from src.simulation.products import simulate as simulate_products
from tests.payments.providers import toy
from tests.spark.conftest import ROOT, choose

Both = dict[str, Path]
FILES = [
    paths.SNAPSHOTS, paths.REJECTED, paths.CLEAN, paths.MEDIANS, paths.HISTORY, paths.WINDOWS,
    paths.QUALITY, paths.REPAIRS,
]  # fmt: skip
PAYMENT_FILES = [
    payments_paths.PAYMENTS, payments_paths.REJECTED, payments_paths.CLEAN,
    payments_paths.QUALITY, payments_paths.REPAIRS,
]  # fmt: skip


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def workspaces(folder: Path, settings: SparkSettings) -> Both:
    """A working folder for each engine, with the parameters of the repository."""
    both = {name: folder / name for name in ("duckdb", "spark")}
    for name, workspace in both.items():
        (workspace / PAYMENTS_PARAMS).parent.mkdir(parents=True)
        for file in ("params.yaml", PAYMENTS_PARAMS):
            shutil.copy(ROOT / file, workspace / file)
        choose(name, settings, workspace)
    return both


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots of 2,000 customers and payments of 300 clients."""
    folder = tmp_path_factory.mktemp("raw")
    with inside(folder):
        people = ProductsSimulation(customers=2000, months=6, seed=1)
        simulate_products(people, folder / "train.csv", folder / "truth.parquet")
        stream = PaymentsSimulation(clients=300, providers=100, days=120, seed=1)
        simulate_payments(stream, folder / "payments.csv", folder / "payments_truth.parquet")
    return folder


def hostile(text: str) -> str:
    """Snapshots with cells that engines read differently, and some that nobody can read."""
    lines = text.splitlines(keepends=True)
    names = lines[0].strip().replace('"', "").split(",")
    age, *others = (names.index(name) for name in ("age", "renta", "ind_cco_fin_ult1"))
    income, product = (place - len(names) for place in others)  # a province may hold a comma
    cells = {
        10: (age, "1d"), 20: (age, "0x10"), 30: (income, "1_000"), 40: (income, "1e5"),
        50: (age, "nan"), 60: (income, "inf"), 70: (age, " 35\xa0"), 80: (income, ".5"),
        90: (product, "1.0"), 100: (product, "TRUE"), 110: (product, "nan"), 120: (1, "12.0"),
    }  # fmt: skip
    for line, (place, cell) in cells.items():
        parts = lines[line].split(",")
        parts[place] = cell if place != 1 else parts[1] + ".0"
        lines[line] = ",".join(parts)
    return "".join(lines)


STAGES = (ingest, clean, split)


def run_products(
    folder: Path, text: str, settings: SparkSettings, stages: tuple[ModuleType, ...] = STAGES
) -> Both:
    """Run stages of products on both engines."""
    source = folder / "train.csv"
    source.write_text(text, encoding="utf-8")
    both = workspaces(folder, settings)
    for workspace in both.values():
        change(workspace / "params.yaml", {"ingest": {"path": str(source)}})
        with inside(workspace):
            for stage in stages:
                stage.main()
    return both


@pytest.fixture(scope="module")
def products(
    tmp_path_factory: pytest.TempPathFactory,
    raw: Path,
    settings: SparkSettings,
    spark: Engine,  # noqa: ARG001
) -> Both:
    text = (raw / "train.csv").read_text(encoding="utf-8")
    return run_products(tmp_path_factory.mktemp("clean"), text, settings)


def change(file: Path, sections: dict[str, dict[str, object]]) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for section, values in sections.items():
        content[section] |= values
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.mark.parametrize("file", FILES)
def test_files_of_products(products: Both, file: str) -> None:
    assert (products["spark"] / file).read_bytes() == (products["duckdb"] / file).read_bytes()


@pytest.mark.usefixtures("spark")
def test_folders_of_products(products: Both, tmp_path: Path, settings: SparkSettings) -> None:
    """Tables that are too large for a file are the same tables to whoever reads them."""
    workspace = tmp_path / "folders"
    workspace.mkdir()
    shutil.copy(products["spark"] / "params.yaml", workspace)
    choose("spark", settings.model_copy(update={"rows_in_one_file": 1500}), workspace)
    with inside(workspace):
        for stage in STAGES:
            stage.main()
        choose("duckdb", settings)
        data = Dataset.open(load("schema", Schema))
        last = data.customers(data.windows.last + 1)
    for file in (paths.SNAPSHOTS, paths.CLEAN, paths.HISTORY):
        verify(workspace / file)
        assert len(files(workspace / file)) > 1
        assert read_table(workspace / file).equals(pq.read_table(products["duckdb"] / file))
    for file in (paths.QUALITY, paths.REPAIRS, paths.MEDIANS, paths.WINDOWS):
        assert (workspace / file).read_bytes() == (products["duckdb"] / file).read_bytes()
    with inside(products["duckdb"]):
        whole = Dataset.open(load("schema", Schema))
        expected = whole.customers(whole.windows.last + 1)
    pd.testing.assert_frame_equal(last.profile, expected.profile)


SCORED = ("data/products", "models", "metrics", "plots/products")


@pytest.fixture(scope="module")
def scored(products: Both) -> dict[str, dict[str, bytes]]:
    """Files of workspaces in which models of few trees have scored all customers, in five parts."""
    few: dict[str, dict[str, object]] = {"train_als": {"iterations": 2}}
    few |= {name: {"iterations": 5} for name in ("train_mlc", "train_propensity", "blend")}
    for workspace in products.values():
        change(workspace / "params.yaml", few)
    with inside(products["duckdb"]):
        for stage in (train_als, train_kmeans, train_mlc, train_propensity, blend):
            stage.main()
    shutil.copytree(products["duckdb"] / paths.MODELS, products["spark"] / paths.MODELS)
    found = {}
    for name, workspace in products.items():
        with inside(workspace), pytest.MonkeyPatch.context() as patch:
            patch.setattr(lists, "_AT_ONCE", 400)
            evaluate.main()
            recommend.main()
        files = [file for folder in SCORED for file in (workspace / folder).rglob("*.*")]
        found[name] = {str(file.relative_to(workspace)): file.read_bytes() for file in files}
    return found


def test_files_of_scored_products(scored: dict[str, dict[str, bytes]]) -> None:
    ours, theirs = scored["spark"], scored["duckdb"]
    assert [name for name, content in ours.items() if content != theirs[name]] == []
    tables = (paths.RECOMMENDATIONS, paths.REASONS, paths.CHANCES, paths.WHO_REASONS)
    lists_of = {f"{paths.SERVING_LISTS}/{name}.parquet" for name in FIRST_STAGE}
    assert {*tables, *lists_of, paths.TEST_SCORES, paths.METRICS, paths.GAINS_PNG} <= set(ours)
    assert len(pq.read_table(io.BytesIO(ours[paths.CHANCES]))) > 4 * 400


def test_als_of_the_cluster(products: Both, tmp_path: Path) -> None:
    sections: dict[str, dict[str, object]] = {"train_als": {"trainer": "cluster", "iterations": 2}}
    for name, source in products.items():
        for file in (*FILES, "params.yaml", SETTINGS):
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / file, tmp_path / name / file)
        change(tmp_path / name / "params.yaml", sections)
    with inside(tmp_path / "spark"):
        train_als.main()
        model = Als.load(f"{paths.MODELS}/{ALS.file}")
        assert np.isfinite(model.item_factors).all()
        assert model.item_factors.any(axis=1).sum() > 10  # of products that somebody holds
        assert len(pq.read_table(f"{paths.TABLES}/{ALS.offline_lists}")) > 2000
    sentence = "there is no cluster to factorise on"
    with inside(tmp_path / "duckdb"), pytest.raises(InputError, match=sentence):
        train_als.main()


@pytest.mark.usefixtures("spark")
def test_files_of_hostile_products(raw: Path, tmp_path: Path, settings: SparkSettings) -> None:
    text = (raw / "train.csv").read_text(encoding="utf-8")
    both = run_products(tmp_path, hostile(text), settings, (ingest,))
    files = (paths.SNAPSHOTS, paths.REJECTED, paths.QUALITY)
    ours, theirs = (
        {file: (both[name] / file).read_bytes() for file in files} for name in ("spark", "duckdb")
    )
    assert [file for file in files if ours[file] != theirs[file]] == []
    assert json.loads(ours[paths.QUALITY])["rejected"] == 4  # 1d, 0x10, 1_000 and inf


Count = Callable[[EdaTables], pd.DataFrame]
COUNTS: dict[str, Count] = {
    "patterns": lambda tables: by_all(dynamics.patterns(tables)),
    "by_month": lambda tables: dynamics.by_month(
        tables, dynamics.by_product(tables, dynamics.patterns(tables))
    ),
    "portrait": portrait.portrait,
    "who_adds": portrait.who_adds,
    "added_after": portrait.added_after,
}


def by_all(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(list(table.columns), ignore_index=True)


@pytest.mark.parametrize("count", COUNTS)
def test_eda_of_products(products: Both, count: str) -> None:
    found = {}
    for name, workspace in products.items():
        with inside(workspace):
            found[name] = COUNTS[count](EdaTables.open(load("schema", Schema)))
    assert len(found["spark"])
    pd.testing.assert_frame_equal(found["spark"], found["duckdb"])


def test_customers_are_described_alike(products: Both) -> None:
    found = {}
    for name, workspace in products.items():
        with inside(workspace):
            data = Dataset.open(load("schema", Schema))
            last = data.customers(data.windows.last + 1)  # one month
            sample, held = data.sample(500, seed=1)  # of several
            found[name] = (last.profile, sample.profile, held)
    for ours, theirs in zip(found["spark"][:2], found["duckdb"][:2], strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    assert (found["spark"][2] == found["duckdb"][2]).all()


BROKEN = {
    "a date that is none": ("2015-12-28", "2015-12"),
    "bytes that are not UTF-8": ("MADRID", "MADR\udcd1D"),
}


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_refused_is_said_alike(
    raw: Path, tmp_path: Path, settings: SparkSettings, fault: str
) -> None:
    text = (raw / "train.csv").read_text(encoding="utf-8")
    head, whole = text[:40_000].rpartition("\n")[0], BROKEN[fault]
    source = tmp_path / "train.csv"
    last = head.rindex(whole[0])
    broken = head[:last] + whole[1] + head[last + len(whole[0]) :] + "\n"
    source.write_bytes(broken.encode("utf-8", "surrogateescape"))
    said = []
    for workspace in workspaces(tmp_path, settings).values():
        with inside(workspace):
            schema, own = load("schema", Schema), load("ingest", ingest.Ingest)
            with pytest.raises(InputError) as caught:
                ingest.ingest(str(source), schema, own)
            said.append(str(caught.value))
            assert not Path(paths.SNAPSHOTS).exists()
    assert said[0] == said[1]


# payments


@pytest.fixture(scope="module")
def payments(
    tmp_path_factory: pytest.TempPathFactory,
    raw: Path,
    settings: SparkSettings,
    spark: Engine,  # noqa: ARG001
) -> Both:
    """ingest and clean of payments have run on both engines, on times, refunds and rejects."""
    folder = tmp_path_factory.mktemp("payments")
    lines = (raw / "payments.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].replace('"', "").split(",")
    day, amount = names.index("date"), names.index("amount")
    stamps = ["{} 12:33:10", "{}T12:33:10Z", "{} 1:2", "{} 23:59:59.5 +03", "{}", "{} 25:00", "{}x"]
    for line in range(1, 200):
        parts = lines[line].split(",")
        parts[day] = stamps[line % len(stamps)].format(parts[day].strip('"'))
        lines[line] = ",".join(parts)
        if line % 10 == 0:  # a refund of it, an equal row, and a payment of nothing
            for other in (f"-{parts[amount]}", parts[amount], "0"):
                parts[amount] = other
                lines.append(",".join(parts))
    source = folder / "payments.csv"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    both = workspaces(folder, settings)
    for workspace in both.values():
        own = {"ingest": {"path": str(source), "max_rejected_share": 0.1}}
        change(workspace / PAYMENTS_PARAMS, own)
        with inside(workspace):
            payments_ingest.main()
            payments_clean.main()
    return both


@pytest.mark.parametrize("file", PAYMENT_FILES)
def test_files_of_payments(payments: Both, file: str) -> None:
    assert (payments["spark"] / file).read_bytes() == (payments["duckdb"] / file).read_bytes()


def test_payments_were_refunded_and_rejected(payments: Both) -> None:
    def read(file: str) -> str:
        return (payments["spark"] / file).read_text(encoding="utf-8")

    assert json.loads(read(payments_paths.QUALITY))["rejected"] > 0
    repairs = json.loads(read(payments_paths.REPAIRS))
    assert repairs["equal_rows"]["dropped"] > 0, repairs
    assert repairs["refunded"] > 0, repairs


def test_eda_of_payments(payments: Both) -> None:
    found = {}
    for name, workspace in payments.items():
        with inside(workspace):
            schema = load("schema", PaymentsSchema, PAYMENTS_PARAMS)
            with payments_tables.Stream.open(payments_paths.CLEAN, schema) as stream:
                days = payments_tables.days(stream)
                presence = payments_tables.presence(stream)
                found[name] = [
                    days,
                    payments_tables.popularity(stream),
                    payments_tables.gaps(stream),
                    payments_tables.pairs(stream, days),
                    payments_tables.months(stream, days),
                    payments_tables.clients(stream),
                    presence,
                ]
    for ours, theirs in zip(found["spark"], found["duckdb"], strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


def test_new_providers_are_ranked_in_tasks(
    spark: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = Known.before(toy.STREAM, 180)
    offering = Offering.of(known, learn(toy.STREAM, 180, toy.SETTINGS), toy.SETTINGS)
    clients = Clients(np.unique(known.pairs.client))
    expected = offers(offering, clients)["offers"]
    monkeypatch.setattr(lists, "_AT_ONCE", 1 + len(clients) // 3)
    parts = [part["offers"] for part in spark.by_parts(offers, offering, clients, "offers")]
    assert len(parts) == 3
    assert pa.concat_tables(parts).combine_chunks().equals(expected.combine_chunks())
