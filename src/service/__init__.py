"""The service: what the pipelines made, answered one customer at a time.

A request is one customer. Threads of the numeric libraries would only wait for each other, so they
are switched off before any of them is loaded. And what Arrow has read is given back to the system,
not kept for the next table.
"""

import os

for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
