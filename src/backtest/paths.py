"""The catalogue of artifacts of the backtest: every path, listed once."""

# data
ADDERS = "data/backtest/adders.parquet"  # AP@7 of each adder and model, by test month
MONTHS = "data/backtest/months.json"  # what was measured in each test month, without intervals

# metrics and plots, in git
METRICS = "metrics/backtest.json"  # the models over all test months, and in each
BY_MONTH = "plots/backtest/by_month.csv"  # each model in each test month
RESAMPLES = "plots/backtest/resamples.csv"  # MAP@7 in resamples; two runs are paired by them
BY_MONTH_PNG = "plots/backtest/by_month.png"
