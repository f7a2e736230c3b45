"""backcheck: what the campaign and simpler policies would have found in the test month."""

import pyarrow as pa

from src import params
from src.campaign import figures, paths
from src.campaign.audience import read_chances
from src.campaign.outcome import outcomes
from src.campaign.policies import CAMPAIGN, HIGHEST_CHANCE, contacts_table, simpler
from src.campaign.settings import PARAMS, BackCheck
from src.campaign.tried import Tried, check_ids
from src.drawing import save
from src.errors import run
from src.models.popularity import Popularity
from src.products import paths as products_paths
from src.reporting import write_json, write_parquet


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("backcheck", BackCheck, PARAMS)
    tried = Tried.read()
    customers, products = tried.people.customers, tried.products
    scored, conditional = read_chances(products_paths.TEST_SCORES, products)
    check_ids(products_paths.TEST_SCORES, scored, customers)
    popularity = Popularity.load(products_paths.POPULARITY).shares
    results, gaps, parts = {}, {}, []
    for kind, problem in tried.problems(settings.share).items():
        found = tried.best(kind, problem)
        gaps[kind] = found.gap
        policies = {CAMPAIGN: found.contacts} | simpler(
            problem, popularity, conditional, len(found.contacts), tried.settings.seed
        )
        if kind == "plain":
            del policies[HIGHEST_CHANCE]  # is the campaign where only additions count
        results[kind] = outcomes(
            problem, policies, tried.additions, settings.resamples, settings.seed
        )
        for name, contacts in policies.items():
            columns = contacts_table(customers, contacts, products, tried.channels(kind))
            labels = {"kind": [kind] * len(contacts), "policy": [name] * len(contacts)}
            parts.append(pa.table(labels | columns))
    write_parquet(paths.TRIED, pa.concat_tables(parts))
    write_json(
        paths.FOUND,
        {
            "month": str(tried.month),
            "customers": len(customers),
            "additions": int(tried.additions.sum()),
            "gap": gaps,
            **results,
        },
    )
    save(paths.FOUND_PNG, figures.found(results, str(tried.month)))


if __name__ == "__main__":
    run(main)
