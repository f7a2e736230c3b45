"""Analysis of a bank's payments: tables, what they say, figures."""
