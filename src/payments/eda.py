"""eda: how clients pay, whom, how often and where; figures, and the tables behind them."""

from src import params
from src.drawing import save
from src.errors import run
from src.payments import paths
from src.payments.analysis import figures, tables
from src.payments.schema import PARAMS, Schema
from src.reporting import write_csv


def main() -> None:
    """Run the stage as params.yaml says."""
    with tables.Stream.open(paths.CLEAN, params.load("schema", Schema, PARAMS)) as stream:
        days = tables.days(stream)
        popularity = tables.popularity(stream)
        gaps = tables.gaps(stream)
        pairs = tables.pairs(stream, days)
        months = tables.months(stream, days)
        clients = tables.clients(stream)
        presence = tables.presence(stream)
    providers = tables.located(presence)
    concentration = tables.concentration(providers)
    places = tables.places(presence, providers)
    write_csv(paths.EDA_DAYS, days)
    write_csv(paths.EDA_POPULARITY, popularity)
    write_csv(paths.EDA_GAPS, gaps)
    write_csv(paths.EDA_PAIRS, pairs)
    write_csv(paths.EDA_MONTHS, months)
    write_csv(paths.EDA_CONCENTRATION, concentration)
    write_csv(paths.EDA_PLACES, places)
    write_csv(paths.EDA_CLIENTS, clients)
    save(paths.EDA_STREAM_PNG, figures.stream(days))
    save(paths.EDA_CALENDAR_PNG, figures.calendar(days))
    save(paths.EDA_POPULARITY_PNG, figures.popularity(popularity))
    save(paths.EDA_GAPS_PNG, figures.gaps(pairs, gaps))
    save(paths.EDA_NOVELTY_PNG, figures.novelty(months))
    save(paths.EDA_CONCENTRATION_PNG, figures.concentration(concentration, places))
    save(paths.EDA_PLACES_PNG, figures.where(places))
    save(paths.EDA_CLIENTS_PNG, figures.clients(clients))


if __name__ == "__main__":
    run(main)
