"""What is another ranking worth? ``python -m src.feedback --feedback FILE --ranking FILE``.

From answers that the service logged with their chances, and what customers said to them.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from src.errors import InputError, run
from src.feedback.history import ENABLE, Answer, accepted, read_answers, read_feedback
from src.feedback.off_policy import Estimate, Evaluation, Floats, Logged, evaluate

LOG = Path("data/service/rec_history.log")


def logged(
    answers: list[Answer], accepted_offers: set[tuple[str, str]], products: list[str]
) -> Logged:
    """Answers as arrays.

    Raises
    ------
    InputError
        Nothing was left to chance in any of them.
    """
    if all(answer.share == 0 for answer in answers):
        raise InputError(
            f"nothing was left to chance in any of {len(answers):,} answers, so they say nothing "
            f"about another ranking; {ENABLE}"
        )
    item = {product: number for number, product in enumerate(products)}
    chances = np.zeros((len(answers), len(products)))
    for row, answer in enumerate(answers):
        for product in answer.ranked:
            chances[row, item[product]] = answer.chance(product)
    first = [answer.products[0] for answer in answers]
    rewards = [
        (answer.answer, shown) in accepted_offers
        for answer, shown in zip(answers, first, strict=True)
    ]
    return Logged(
        pd.factorize(pd.Series([str(answer.customer) for answer in answers]))[0].astype(np.intp),
        chances,
        np.array([item[product] for product in first], dtype=np.intp),
        np.array(rewards, dtype=np.float64),
    )


def read_ranking(path: Path) -> dict[str, list[str]]:
    """Products of each customer, best first, from a table with customer, rank and product.

    Raises
    ------
    InputError
        The file is missing, or lacks a column.
    """
    if not path.exists():
        raise InputError(f"{path} is missing: name lists as recommend writes them")
    needed = ["customer", "rank", "product"]
    has = pq.read_schema(path).names
    if missing := [name for name in needed if name not in has]:
        raise InputError(f"{path} has no column {missing[0]}: it needs {', '.join(needed)}")
    table = pq.read_table(path, columns=needed).to_pandas().sort_values("rank", kind="stable")
    lists: dict[str, list[str]] = {}
    for customer, product in zip(
        table["customer"].astype(str), table["product"].astype(str), strict=True
    ):
        lists.setdefault(customer, []).append(product)
    return lists


def first_allowed(answer: Answer, ranking: list[str]) -> str | None:
    """The first product of a ranking that the customer could be offered then."""
    return next((product for product in ranking if product not in answer.barred), None)


def target(firsts: list[str | None], products: list[str]) -> Floats:
    """Probability 1 for the product that is first; none where a ranking has nothing to show.

    There `products` has one more column than products: it never had a chance.
    """
    item = {product: number for number, product in enumerate(products)}
    chosen = np.zeros((len(firsts), len(products)))
    for row, first in enumerate(firsts):
        chosen[row, item[first if first is not None else NOTHING]] = 1
    return chosen


NOTHING = ""  # shown first where a ranking knows of no product


def markdown(title: str, instead_of: str, found: Evaluation) -> str:
    """An evaluation as a table, with what speaks for and against it.

    Parameters
    ----------
    title : str
    instead_of : str
        From what the change is measured.
    found : Evaluation
    """

    def line(name: str, one: Estimate) -> str:
        return (
            f"| {name} | {1000 * one.value:.1f} | {1000 * one.low:.1f} … {1000 * one.high:.1f} "
            f"| {1000 * one.change:+.1f} | {1000 * one.change_low:+.1f} … "
            f"{1000 * one.change_high:+.1f} |"
        )

    evidence = found.evidence
    rows = [
        f"{title}: of 1,000 answers, so many first offers would be accepted.",
        "",
        f"| estimator | accepted | 95 % interval | more than {instead_of} | 95 % interval |",
        "| --- | --: | :-: | --: | :-: |",
        line("IPS", found.ips),
        line("SNIPS", found.snips),
        line("DR", found.dr),
        "",
        f"{found.answers:,} answers, which say as much as {evidence.effective:,.0f}; largest "
        f"weight {evidence.largest_weight:.1f} ({evidence.largest_share:.2%} of all); mean weight "
        f"{evidence.mean_weight:.3f}; without a chance {evidence.without_chance:.1%}.",
        "",
    ]
    if doubts := evidence.doubts:
        return "\n".join([*rows, "**Do not believe it.** " + " ".join(doubts)])
    return "\n".join([*rows, verdict(found.dr, instead_of)])


def verdict(change: Estimate, instead_of: str) -> str:
    """What the doubly robust estimate says, in a sentence."""
    if change.change_low <= 0 <= change.change_high:
        return f"**No detectable difference** from {instead_of}: the interval of DR contains 0."
    direction = "better" if change.change > 0 else "worse"
    return f"**It is {direction}** than {instead_of}: the interval of DR does not contain 0."


def main() -> None:
    """Print what another ranking is worth, and the service's own without any chance."""
    parser = argparse.ArgumentParser(prog="python -m src.feedback", description=__doc__)
    parser.add_argument("--log", type=Path, nargs="+", default=[LOG], help=f"instead of {LOG}")
    parser.add_argument("--feedback", type=Path, required=True, help="from GET /feedback/export")
    parser.add_argument(
        "--ranking",
        type=Path,
        required=True,
        help="lists of the other ranking, as data/products/recommendations.parquet",
    )
    arguments = parser.parse_args()
    answers = read_answers(arguments.log)
    told = accepted(read_feedback(arguments.feedback))
    ranking = read_ranking(arguments.ranking)
    others = [first_allowed(one, ranking.get(str(one.customer), [])) for one in answers.known]
    own: list[str | None] = [answer.ranked[0] for answer in answers.known]
    names = {product for answer in answers.known for product in answer.ranked}
    products = [*sorted(names | {name for name in others if name is not None}), NOTHING]
    log = logged(answers.known, told, products)
    as_ranked = target(own, products)
    found = evaluate(log, as_ranked)
    other = evaluate(log, target(others, products), instead_of=as_ranked)
    print(f"What was shown: of 1,000 first offers, {1000 * found.shown:.1f} were accepted.\n")
    print(markdown("As ranked, without exposure", "what was shown", found))
    print()
    print(markdown(f"As {arguments.ranking}", "as ranked", other))
    if answers.without_chances or answers.torn:
        print(
            f"\nLeft out: {answers.without_chances:,} answers without chances (to customers not "
            f"known, or logged before), {answers.torn:,} torn lines."
        )


if __name__ == "__main__":
    run(main)
