"""The catalogue of artifacts of the feedback pipeline: every path, listed once."""

LOG = "data/feedback/simulated/rec_history.log"  # answers, as the service logs them
FEEDBACK = "data/feedback/simulated/feedback.jsonl"  # what was said, as the service exports it
TRUTH = "data/feedback/simulated/truth.parquet"  # chance that each customer accepts each product

ANSWERS = "data/feedback/answers.parquet"  # answers, what was said, the customers as they were then

METRICS = "metrics/feedback.json"  # whether learning from feedback helps
