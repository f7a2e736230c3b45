"""eda: who the customers are, what they hold, add and drop; figures, and the tables behind them.

`notebooks/recommendations_EDA.ipynb` is written on the same functions of src/eda.
"""

from src import params
from src.drawing import save
from src.eda import dynamics, figures, portrait
from src.eda.tables import EdaTables
from src.errors import run
from src.products import paths
from src.products.schema import Schema
from src.reporting import write_csv


def main() -> None:
    """Run the stage as params.yaml says."""
    tables = EdaTables.open(params.load("schema", Schema))
    shared = dynamics.patterns(tables)
    products = dynamics.by_product(tables, shared)
    months = dynamics.by_month(tables, products)
    people = portrait.portrait(tables)
    lengths = dynamics.length_of_use(tables, shared)
    adders = portrait.who_adds(tables)
    after = portrait.added_after(tables)
    write_csv(paths.EDA_MONTHS, months)
    write_csv(paths.EDA_PRODUCTS, products)
    write_csv(paths.EDA_CUSTOMERS, people)
    write_csv(paths.EDA_LENGTHS, lengths)
    write_csv(paths.EDA_WHO_ADDS, adders)
    write_csv(paths.EDA_ADDED_AFTER, after)
    titles = {name: title.en for name, title in tables.schema.products.items()}
    save(paths.EDA_MONTHS_PNG, figures.months(months))
    save(paths.EDA_POPULARITY_PNG, figures.popularity(products, months, titles))
    save(paths.EDA_AGE_SEX_PNG, figures.age_and_sex(people))
    save(paths.EDA_ACTIVITY_PNG, figures.activity(people))
    save(paths.EDA_LENGTHS_PNG, figures.length_of_use(lengths, titles))
    save(paths.EDA_SHARES_PNG, figures.usage_shares(products, months, titles))
    save(paths.EDA_WHO_ADDS_PNG, figures.who_adds(adders))
    save(paths.EDA_ADDED_AFTER_PNG, figures.added_after(after, titles))


if __name__ == "__main__":
    run(main)
