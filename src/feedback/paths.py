"""The catalogue of artifacts of the feedback pipeline: every path, listed once."""

LOG = "data/feedback/rec_history.log"  # answers with their chances, as the service logs them
FEEDBACK = "data/feedback/feedback.jsonl"  # what customers said, as the service exports it
TRUTH = "data/feedback/truth.parquet"  # chance that each customer accepts each product

METRICS = "metrics/feedback.json"  # whether learning from feedback helps
