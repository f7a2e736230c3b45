"""The catalogue of artifacts of the payments pipeline: every path, listed once."""

# data
PAYMENTS = "data/payments/payments.parquet"  # typed raw rows, by client and time
REJECTED = "data/payments/rejected.parquet"  # rows that could not be read, with the reason
CLEAN = "data/payments/clean.parquet"  # payments that were made, by client and day
OBSERVATIONS = "data/payments/observations.parquet"  # operations at cut-offs, their factors
OPERATIONS = "data/payments/operations.parquet"  # chances of the day after the last, cards, top
DUE = "data/payments/due.parquet"  # recurring operations and when they are expected

# models
OPERATION_MODELS = "models/payments/operations"  # folder: learnt before validation; evaluated
SERVED_OPERATIONS = "models/payments/served_operations"  # folder: refitted up to the last day

# metrics and plots, in git
QUALITY = "metrics/payments_quality.json"  # what ingest found in the file
REPAIRS = "metrics/payments_repairs.json"  # what clean took out
METRICS = "metrics/payments.json"  # the comparison of the models
SCORECARD = "plots/payments/scorecard.csv"  # bins, weights of evidence, coefficients, points
GINI_BY_CUTOFF = "plots/payments/gini_by_cutoff.csv"
CARD_CURVE = "plots/payments/card_curve.csv"  # coverage and precision by threshold
RELIABILITY = "plots/payments/reliability.csv"  # predicted against observed shares
FACTORS = "plots/payments/factors.csv"  # information value, and what the booster makes of it
WOE_PNG = "plots/payments/woe.png"  # every factor's bins
GINI_PNG = "plots/payments/gini.png"
GINI_BY_CUTOFF_PNG = "plots/payments/gini_by_cutoff.png"
CARD_CURVE_PNG = "plots/payments/card_curve.png"
RELIABILITY_PNG = "plots/payments/reliability.png"
FACTORS_PNG = "plots/payments/factors.png"  # mean contribution of each factor (SHAP)
