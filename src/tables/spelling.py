"""One meaning, one spelling: how a category is written, wherever it comes from.

Files that pandas has saved again write ``46`` as ``46.0`` and ``1`` as ``True``. Every category is
brought to one spelling at the door: by `cells.canonical` in a table, by `category` in one request.
tests/tables/test_spelling.py compares the two.
"""

import re

NOTHING = ("", "NA")  # spellings of a cell without a value, blanks around them aside
TRUE = ("True", "true", "TRUE")
FALSE = ("False", "false", "FALSE")
WHOLE = re.compile(r"[+-]?[0-9]+\.0+")  # a whole number that was written as a float

# Spellings of a flag (a product held or not), in any case; 1.0 and 0.0 are 1 and 0 as well.
HELD = ("1", "t", "true", "y", "yes")
NOT_HELD = ("0", "f", "false", "n", "no")


def category(value: object) -> str | None:
    """The spelling of a category; None if nothing is there.

    Blanks around it are taken off, a boolean is ``1`` or ``0``, a whole number has no fraction.
    """
    if value is None or value != value:  # NaN
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip(" ")
    if text in NOTHING:
        return None
    if text in TRUE or text in FALSE:
        return str(int(text in TRUE))
    return text.partition(".")[0] if WHOLE.fullmatch(text) else text
