"""The campaign as tables: `python -m src.campaign.report`."""

import json
from pathlib import Path
from typing import Any

from src import params
from src.campaign import ceiling, paths
from src.campaign.settings import PARAMS, BackCheck
from src.campaign.tried import Tried
from src.errors import InputError, run


def expected_table(metrics: dict[str, Any]) -> str:
    """Render what the contacts of next month are expected to bring, as Markdown."""
    policies = metrics["policies"]
    ours = policies["campaign"]
    lines = [
        f"Contacts for {metrics['month']}: {ours['contacts']:,} of at most "
        f"{metrics['capacity']:,}, to {metrics['reachable']:,} of {metrics['customers']:,} "
        f"customers who may be offered something. Expected value {ours['value']:,.2f}, costs paid; "
        f"no list within the limits can bring more than {metrics['bound']:,.2f} (gap "
        f"{metrics['gap']:.4%}).",
        "",
        "| policy | contacts | expected additions | expected value | of the campaign's |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name, row in policies.items():
        share = f"{row['value'] / ours['value']:.1%}" if ours["value"] else ""
        lines.append(
            f"| {name} | {row['contacts']:,} | {row['additions']:,.1f} | {row['value']:,.0f} "
            f"| {share} |"
        )
    return "\n".join([*lines, "", *sentences(metrics["prices"])])


def sentences(prices: dict[str, Any]) -> list[str]:
    """What one more contact would bring, limit by limit."""
    limits = {
        "in all": prices["capacity"],
        **{f"by {name}": price for name, price in prices["channels"].items()},
        **{f"about {name}": price for name, price in prices["products"].items()},
    }
    found = [
        f"One more contact {what} brings {price:,.2f}."
        if price > 0
        else f"The last contact {what} that at_least asks for costs {-price:,.2f}."
        for what, price in limits.items()
        if price
    ]
    return found or ["No limit is worth moving: every contact that pays is made."]


def found_table(kind: str, metrics: dict[str, Any]) -> str:
    """Render what each policy would have found in the test month, as Markdown."""
    table = metrics[kind]
    lines = [
        "| policy | additions found | of all | 95 % interval | value | 95 % interval "
        "| campaign finds, times | 95 % interval |",
        "| --- | --: | --: | :-: | --: | :-: | --: | :-: |",
    ]
    for name, row in table.items():
        times = (
            f"{row['campaign_finds_times']:.2f} "
            f"| {row['campaign_finds_times_lo']:.2f} … {row['campaign_finds_times_hi']:.2f}"
            if "campaign_finds_times" in row
            else "1 | "
        )
        lines.append(
            f"| {name} | {row['found']:,.0f} | {row['share']:.1%} "
            f"| {row['share_lo']:.1%} … {row['share_hi']:.1%} | {row['value']:,.0f} "
            f"| {row['value_lo']:,.0f} … {row['value_hi']:,.0f} | {times} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables of the last run and where its list and plots are."""
    read = {}
    for path in (paths.EXPECTED, paths.FOUND):
        if not Path(path).exists():
            raise InputError(f"{path} is missing: run 'make campaign' first")
        read[path] = json.loads(Path(path).read_text(encoding="utf-8"))
    found = read[paths.FOUND]
    print(expected_table(read[paths.EXPECTED]))
    print(
        f"\nThe same limits in {found['month']}, as known a month before: "
        f"{found['additions']:,} additions of {found['customers']:,} customers.\n"
    )
    print(found_table("limited", found))
    contacts = found["plain"]["campaign"]["contacts"]
    print(f"\nOne product each to {contacts:,} customers, no rules, only additions count:\n")
    print(found_table("plain", found))
    if Path(ceiling.TRUTH).exists():
        print("\nThe same lists by the true chances that the simulator knows:\n")
        share = params.load("backcheck", BackCheck, PARAMS).share
        try:
            print(ceiling.table(ceiling.by_truth(Tried.read(), share)))
        except InputError as error:  # the truth may be left from a simulation before
            print(f"not compared: {error}")
    print(f"\nContacts: {paths.CONTACTS_CSV}; plots: {Path(paths.FOUND_PNG).parent}/*.png")


if __name__ == "__main__":
    run(main)
