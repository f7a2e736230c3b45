"""The catalogue of artifacts of the products pipeline: every path, listed once.

What a first-stage model writes is named by its record (`FirstStage`): the model in `MODELS`, its
lists in `TABLES`, and its training curve, if it has one, in `PLOTS`.
"""

TABLES = "data/products"  # the folder of all tables
PLOTS = "plots/products"  # the folder of curves and figures of models

# data
SNAPSHOTS = "data/products/snapshots.parquet"  # typed raw rows, per customer and month
REJECTED = "data/products/rejected.parquet"  # rows that could not be read, with the reason
CLEAN = "data/products/clean.parquet"  # one repaired row per customer and month
MEDIANS = "data/products/medians.parquet"  # by province and segment, for clean to impute
WINDOWS = "data/products/windows.json"  # months of base, blend and test
HISTORY = "data/products/history.parquet"  # months of each customer and product as bits
TEST_CUSTOMERS = "data/products/test_customers.parquet"  # AP@7 of each adder and model
RECOMMENDATIONS = "data/products/recommendations.parquet"  # top-k for the month after the last
SERVING_LISTS = "data/products/lists"  # top-k of each first-stage model, same month
REASONS = "data/products/reasons.parquet"  # what speaks for each product of RECOMMENDATIONS
CHANCES = "data/products/chances.parquet"  # to add each product next month, and anything
WHO_REASONS = "data/products/who_reasons.parquet"  # what speaks for adding anything
TEST_CHANCES = "data/products/test_chances.parquet"  # the same for the test month
TEST_SCORES = "data/products/test_scores.parquet"  # of the ranker, given that they add
PROFILES = "data/products/profiles.parquet"  # clean profiles of the last month
SUBMISSION = "data/products/submission.csv"  # the same lists in Kaggle's form

# models: fitted on base (and blend) months, the ones that evaluate compares
POPULARITY = "models/products/popularity.npz"
RANKER = "models/products/ranker.cbm"
PROPENSITY = "models/products/propensity.cbm"
EARLIER_PROPENSITY = "models/products/propensity_earlier.cbm"  # not the last blend month
POOL = "models/products/pool.npz"  # weights of ranker and propensity in the blend
MODELS = "models/products"  # the folder of all of them
SERVING = "models/serving"  # the same models, refitted on all months by recommend

# metrics and plots, in git
QUALITY = "metrics/quality.json"  # what ingest found in the file
REPAIRS = "metrics/repairs.json"  # what clean repaired
METRICS = "metrics/products.json"  # the comparison of the models
TARGETING = "metrics/propensity.json"  # how well propensity tells who adds
EDA_MONTHS = "plots/eda/months.csv"  # customers and events per month
EDA_PRODUCTS = "plots/eda/products.csv"  # owners, additions and drops per product and month
EDA_CUSTOMERS = "plots/eda/customers.csv"  # by age, sex and activity
EDA_LENGTHS = "plots/eda/lengths.csv"  # months held; how long additions stay
EDA_WHO_ADDS = "plots/eda/who_adds.csv"  # customers and adders by attribute
EDA_ADDED_AFTER = "plots/eda/added_after.csv"  # additions by what was held before
EDA_MONTHS_PNG = "plots/eda/1_customers_and_events.png"  # numbered: so pages order them
EDA_POPULARITY_PNG = "plots/eda/2_popularity.png"
EDA_AGE_SEX_PNG = "plots/eda/3_age_and_sex.png"
EDA_ACTIVITY_PNG = "plots/eda/4_activity_and_sex.png"
EDA_LENGTHS_PNG = "plots/eda/5_length_of_use.png"
EDA_SHARES_PNG = "plots/eda/6_usage_shares.png"
EDA_WHO_ADDS_PNG = "plots/eda/7_who_adds.png"
EDA_ADDED_AFTER_PNG = "plots/eda/8_added_after.png"
BLEND_CURVE = "plots/products/blend_curve.csv"  # training loss by iteration
IMPORTANCES = "plots/products/feature_importances.csv"  # what the ranker looks at
MAP_AT_K = "plots/products/map_at_k.csv"  # each model's MAP@k among adders, k = 1 … 7
PRODUCT_AP = "plots/products/product_ap.csv"  # average precision of each product
RELIABILITY = "plots/products/reliability.csv"  # predicted against observed shares
GAINS = "plots/products/gains.csv"  # share of adders that the first customers hold
CALIBRATION = "plots/products/calibration.csv"  # chances against what happened
GAINS_PNG = "plots/products/gains.png"
CALIBRATION_PNG = "plots/products/calibration.png"
COMPARISON_PNG = "plots/products/comparison.png"  # models side by side, with intervals
MAP_AT_K_PNG = "plots/products/map_at_k.png"
PRODUCT_AP_PNG = "plots/products/product_ap.png"
RELIABILITY_PNG = "plots/products/reliability.png"
ADDITIONS_PNG = "plots/products/additions.png"  # additions per month and product
IMPORTANCES_PNG = "plots/products/feature_importances.png"
