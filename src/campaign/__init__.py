"""From calibrated chances to a list of contacts."""
