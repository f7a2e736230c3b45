"""The catalogue of artifacts of the model card: every path, listed once."""

# data
OUTCOME = "data/card/outcome.parquet"  # what the models did for each customer of the test month

# metrics and plots, in git
GAPS = "metrics/slices.json"  # the largest differences between groups
ABLATION = "metrics/ablation.json"  # what refitting without some columns changes
SLICES = "plots/card/slices.csv"  # quality, exposure and calibration of every group
FIRST_OFFERS = "plots/card/first_offers.csv"  # which products come first in every group
SLICES_PNG = "plots/card/slices.png"

CARD = "docs/model_card.md"
