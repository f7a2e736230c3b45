"""The catalogue of artifacts of the payments pipeline: every path, listed once."""

# data
PAYMENTS = "data/payments/payments.parquet"  # typed raw rows, by client and time
REJECTED = "data/payments/rejected.parquet"  # rows that could not be read, with the reason
CLEAN = "data/payments/clean.parquet"  # payments that were made, by client and day
OBSERVATIONS = "data/payments/observations.parquet"  # operations at cut-offs, their factors
OPERATIONS = "data/payments/operations.parquet"  # chances of the day after the last, cards, top
NEW_PROVIDERS = "data/payments/examples.parquet"  # providers that are new to each client
POPULAR = "data/payments/popular.parquet"  # the same for clients who are not known, by region
DUE = "data/payments/due.parquet"  # recurring operations and when they are expected

# models
OPERATION_MODELS = "models/payments/operations"  # folder: learnt before validation; evaluated
SERVED_OPERATIONS = "models/payments/served_operations"  # folder: refitted up to the last day
EXAMPLE_MODEL = "models/payments/examples.cbm"  # second stage, learnt before the test

# metrics and plots, in git
QUALITY = "metrics/payments_quality.json"  # what ingest found in the file
REPAIRS = "metrics/payments_repairs.json"  # what clean took out
EDA_DAYS = "plots/payments/eda/days.csv"  # payments of each day
EDA_POPULARITY = "plots/payments/eda/popularity.csv"  # how many providers have so many payments
EDA_GAPS = "plots/payments/eda/gaps.csv"  # days between payments of a client to a provider
EDA_PAIRS = "plots/payments/eda/pairs.csv"  # on how many days clients pay their providers
EDA_MONTHS = "plots/payments/eda/months.csv"  # payments to new providers by month
EDA_CONCENTRATION = "plots/payments/eda/concentration.csv"  # Herfindahl index of providers
EDA_PLACES = "plots/payments/eda/places.csv"  # payments by regions of clients and providers
EDA_CLIENTS = "plots/payments/eda/clients.csv"  # how many clients have so many payments
EDA_STREAM_PNG = "plots/payments/eda/1_stream.png"  # numbered: so pages order them
EDA_CALENDAR_PNG = "plots/payments/eda/2_calendar.png"
EDA_POPULARITY_PNG = "plots/payments/eda/3_popularity.png"
EDA_GAPS_PNG = "plots/payments/eda/4_gaps.png"
EDA_NOVELTY_PNG = "plots/payments/eda/5_new_and_repeated.png"
EDA_CONCENTRATION_PNG = "plots/payments/eda/6_concentration.png"
EDA_PLACES_PNG = "plots/payments/eda/7_who_pays_where.png"
EDA_CLIENTS_PNG = "plots/payments/eda/8_clients.png"
METRICS = "metrics/payments.json"  # the comparison of the models
SCORECARD = "plots/payments/scorecard.csv"  # bins, weights of evidence, coefficients, points
GINI_RESAMPLES = "plots/payments/gini_resamples.csv"  # of clients; two runs are paired by them
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
EXAMPLES = "plots/payments/examples.csv"  # models of new providers at each origin
EXAMPLES_RESAMPLES = "plots/payments/examples_resamples.csv"  # MAP@10 in resamples of clients
EXAMPLES_FILTER = "plots/payments/examples_filter.csv"  # what the regional filter does
EXAMPLES_VALIDATIONS = "plots/payments/examples_validations.csv"  # masking, and out of time
EXAMPLES_IMPORTANCES = "plots/payments/examples_importances.csv"  # what the second stage looks at
EXAMPLES_PNG = "plots/payments/examples.png"
EXAMPLES_ORIGINS_PNG = "plots/payments/examples_origins.png"
EXAMPLES_VALIDATIONS_PNG = "plots/payments/examples_validations.png"
EXAMPLES_IMPORTANCES_PNG = "plots/payments/examples_importances.png"
