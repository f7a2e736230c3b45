"""Start the service: ``python -m src.service``."""

import logging
import os
import signal

import uvicorn
from prometheus_client import start_http_server
from pydantic import ValidationError

from src.errors import InputError, run
from src.service.app import create_app
from src.service.monitoring.metrics import share_arena
from src.service.settings import Settings
from src.service.web.protocol import limited


def main() -> None:
    """Load, listen, answer until stopped; metrics have a port of their own."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        settings = Settings()
    except ValidationError as error:
        fault = error.errors()[0]
        name = "NEXTBEST_" + ".".join(map(str, fault["loc"])).upper()
        raise InputError(f"{name} is {fault['input']!r}: {fault['msg']}") from None
    share_arena()
    app = create_app(settings)
    registry = app.state.process.monitoring.registry
    if settings.metrics_port:
        start_http_server(
            settings.metrics_port,
            settings.metrics_host,
            registry=registry,
        )
    # uvicorn ends the work under way, then hands the signal back. Threads that wait for a database
    # would hold the process beyond that.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        http=limited(settings, app.state.process.monitoring),
        ws="none",
    )


if __name__ == "__main__":
    run(main)
