"""recommend: refit everything on all months and rank for the month after the last.

The served models, their lists, the reasons for the blend's products and the profiles of the last
month: what the service reads.
"""

from dataclasses import replace
from functools import partial

import pyarrow as pa
from pydantic import Field

from src import params
from src.errors import run
from src.lists import lists_of
from src.models.customers import Customers
from src.models.history import Ids
from src.models.pool import Pool
from src.models.propensity import Propensity, PropensitySettings
from src.models.registry import FIRST_STAGE
from src.products import manifest, paths
from src.products.dataset import Dataset
from src.products.explain import Explained, anything_table, reasons_table
from src.products.fitting import refit
from src.products.propensity import calibrate, chances_table
from src.products.schema import Schema
from src.products.scoring import Models
from src.ranking import top_k
from src.reporting import atomic, write_parquet


class Recommend(params.Section):
    """Parameters of the stage: length of a list, and whether to write Kaggle's submission form."""

    k: int = Field(ge=1)
    submission: bool


def calibrated(models: Models, known: Dataset) -> Models:
    """Refitted models with what cannot be learnt from the months that they have learnt from.

    The models of the train stages have not learnt from the test month: it calibrates the chance of
    anything. The weights of the pool are those that blend found.
    """
    settings = params.load("train_propensity", PropensitySettings)
    earlier = Propensity.load(paths.PROPENSITY)
    return replace(
        models,
        propensity=calibrate(models.propensity, earlier, known, settings.calibration_rows),
        pool=Pool.load(paths.POOL),
    )


def write_submission(path: str, lists: pa.Table, customers: Ids, identity: str) -> None:
    """Write Kaggle's form: one row per customer, the products of the list separated by blanks."""
    joined = lists.to_pandas().groupby("customer", sort=True)["product"].agg(" ".join)
    joined = joined.reindex(customers, fill_value="")  # some hold everything
    frame = joined.rename_axis(identity).rename("added_products").reset_index()
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False)


def rank(
    explained: Explained, customers: Customers, products: list[str], k: int
) -> dict[str, pa.Table]:
    """Lists of the blend and of the first-stage models by name, and ``reasons`` for the blend's.

    Also ``chances`` of propensity, and ``who_reasons`` for the chance of anything.
    """
    models = explained.models
    ids, held = customers.history.customers, customers.history.holdings()
    scores = models.score_first_stage(customers)
    names, matrix = models.ranker.features(customers, scores)
    _, about = models.propensity.features(customers)
    chances = models.propensity.score_features(customers, about)
    shares = models.ranker.score_features(customers, matrix)
    scores["blend"] = models.pool.share(shares, chances)
    tables = {name: lists_of(ids, own, held, products, k) for name, own in scores.items()}
    items = top_k(scores["blend"], min(k, len(products)), held)
    tables["reasons"] = reasons_table(models.ranker, explained.shap, ids, names, matrix, items)
    tables["chances"] = chances_table(models.propensity, ids, chances)
    tables["who_reasons"] = anything_table(
        models.propensity, explained.who_shap, ids, about, chances
    )
    return tables


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("recommend", Recommend)
    schema = params.load("schema", Schema)
    known = Dataset.open(schema)
    dataset = known.rolled()
    models = calibrated(refit(dataset), known)
    explained = Explained.of(models)
    customers = dataset.customers(dataset.windows.next)
    ids = customers.history.customers
    work = partial(rank, products=dataset.products, k=settings.k)
    parts = list(dataset.engine.by_parts(work, explained, customers, "recommendations"))
    tables = {name: pa.concat_tables([part[name] for part in parts]) for name in parts[0]}
    # All that is served is written here, when all of it is at hand.
    models.save(paths.SERVING)
    write_parquet(paths.RECOMMENDATIONS, tables["blend"])
    for name in FIRST_STAGE:
        write_parquet(f"{paths.SERVING_LISTS}/{name}.parquet", tables[name])
    write_parquet(paths.REASONS, tables["reasons"])
    write_parquet(paths.CHANCES, tables["chances"])
    write_parquet(paths.WHO_REASONS, tables["who_reasons"])
    profiles = pa.Table.from_pandas(customers.profile, preserve_index=False)
    columns = [pa.array(ids), *profiles.columns]
    write_parquet(paths.PROFILES, pa.table(columns, ["customer", *profiles.column_names]))
    if settings.submission:
        write_submission(paths.SUBMISSION, tables["blend"], ids, schema.id)
    manifest.write()  # last: what it names is all there


if __name__ == "__main__":
    run(main)
