"""The catalogue of artifacts of the payments pipeline: every path, listed once."""

# data
PAYMENTS = "data/payments/payments.parquet"  # typed raw rows, by client and time
REJECTED = "data/payments/rejected.parquet"  # rows that could not be read, with the reason
CLEAN = "data/payments/clean.parquet"  # payments that were made, by client and day

# metrics, in git
QUALITY = "metrics/payments_quality.json"  # what ingest found in the file
REPAIRS = "metrics/payments_repairs.json"  # what clean took out
