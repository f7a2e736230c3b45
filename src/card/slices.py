"""slices: quality, exposure and calibration of the models in each group of customers."""

import pyarrow as pa

from src import params
from src.card import figures, paths
from src.card.groups import (
    PARAMS,
    Slices,
    as_table,
    by_group,
    first_offers,
    groups_of,
    largest_gaps,
)
from src.card.outcome import outcome_of
from src.drawing import save
from src.errors import run
from src.evaluation.targeting import Resampling
from src.products import paths as products
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import Models
from src.reporting import write_csv, write_json, write_parquet
from src.tables.months import month_of


def main() -> None:
    """Run the stage as pipelines/card/params.yaml says."""
    settings = params.load("slices", Slices, PARAMS)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    (date,) = dataset.windows.test
    customers = dataset.customers(month_of(date))
    additions = dataset.additions(month_of(date))[dataset.rows(customers)]
    outcome = outcome_of(Models.load(products.MODELS), customers, additions, "test month")
    groups = groups_of(customers, settings.ages)
    resampling = Resampling.of(len(outcome), settings.resamples, settings.seed)
    measured = by_group(outcome, groups, resampling)
    table = as_table(measured, outcome, groups, settings.fewest)
    titles = [title.en for title in schema.products.values()]
    write_parquet(paths.OUTCOME, pa.Table.from_pandas(outcome, preserve_index=False))
    write_csv(paths.SLICES, table)
    write_csv(paths.FIRST_OFFERS, first_offers(outcome, groups, additions, titles))
    write_json(paths.GAPS, largest_gaps(table, measured))
    save(paths.SLICES_PNG, figures.slices(table))


if __name__ == "__main__":
    run(main)
