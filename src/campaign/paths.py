"""The catalogue of artifacts of the campaign pipeline: every path, listed once."""

LISTS = "pipelines/campaign/lists"  # folder: your files of customers, which parameters name

CONTACTS = "data/campaign/contacts.parquet"  # whom to contact next month, about what, and how
CONTACTS_CSV = "data/campaign/contacts.csv"  # the same
TRIED = "data/campaign/tried.parquet"  # whom each policy would have contacted in the test month

EXPECTED = (
    "metrics/campaign.json"  # what the contacts are expected to bring, and each limit's price
)
FOUND = "metrics/campaign_backcheck.json"  # what each policy would have found in the test month
CAPACITY = "plots/campaign/capacity.csv"  # expected value by capacity
CAPACITY_PNG = "plots/campaign/capacity.png"
FOUND_PNG = "plots/campaign/found.png"  # additions found by each policy
EXPECTED_PNG = "plots/campaign/expected.png"  # expected value of each policy
