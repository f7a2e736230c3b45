"""Stage: simulate monthly snapshots of a bank's customers, with the truth about the last month."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from src.engine import connect
from src.errors import run
from src.params import Section, load
from src.reporting import atomic, write_parquet
from src.simulation import calibration, holdings, population, raw_text

PARAMS = "pipelines/simulation/params.yaml"
SNAPSHOTS = Path("data/simulation/train_ver2.csv")
TRUTH = Path("data/simulation/truth.parquet")


class ProductsSimulation(Section):
    """Size and seed of the simulation.

    Attributes
    ----------
    customers : int
        Customers who are ever seen; the real data has 956,645, the most is three times as many.
    months : int
        Snapshots written; the last is always 2016-05-28. Whatever the number, history begins in
        2015-01, and the truth may depend on months that are not written.
    seed : int
        The same parameters give the same bytes.
    """

    customers: int = Field(ge=500, le=3 * calibration.TOTAL_CUSTOMERS)
    months: int = Field(ge=4, le=17)
    seed: int = Field(ge=0)


def simulate(params: ProductsSimulation, snapshots: Path, truth: Path) -> None:
    """Write the snapshots as raw text and the true chances of the last month.

    Parameters
    ----------
    params : ProductsSimulation
        Size and seed.
    snapshots : Path
        CSV file with the 48 columns of train_ver2.csv, by month, then customer.
    truth : Path
        Parquet file: ``customer``, then one float32 column per product with the chance that the
        customer adds it in the last month; 0 for what they held in the month before.
    """
    facts = calibration.load()
    random = np.random.default_rng(params.seed)
    people = population.draw(facts, params.customers, random)
    texts = raw_text.unchanging(facts, people, random)
    snapshots.parent.mkdir(parents=True, exist_ok=True)
    written = facts.months[-params.months :]
    engine = connect()
    months = holdings.simulate(facts, people, random)
    with atomic(snapshots) as csv, TemporaryDirectory(dir=snapshots.parent) as folder:
        part = Path(folder) / "month.csv"
        for month in tqdm(months, "simulated", len(facts.months), unit="month", disable=None):
            if facts.months[month.index] in written:
                # Its own stream: what is written of a month must not depend on the others.
                noise = np.random.default_rng([params.seed, month.index])
                rows = raw_text.snapshot(facts, people, texts, month, noise)
                engine.write_csv(rows, part, header=facts.months[month.index] == written[0])
                with part.open("rb") as text, csv.open("ab") as whole:
                    shutil.copyfileobj(text, whole, 1 << 20)
    columns = [people.customer[month.stayers], *month.chances]
    write_parquet(truth, pa.table(columns, names=["customer", *facts.products]))


if __name__ == "__main__":
    run(lambda: simulate(load("products", ProductsSimulation, PARAMS), SNAPSHOTS, TRUTH))
