"""Parameters that stages of the feedback pipeline share."""

from src import params

PARAMS = "pipelines/feedback/params.yaml"


class Export(params.Section):
    """Where answers and feedback are.

    Attributes
    ----------
    folder : str
        With the service's ``rec_history.log`` and the files that it was rotated into, and
        ``feedback.jsonl``, what /feedback/export wrote. The truth lies there if it is simulated.
    """

    folder: str
