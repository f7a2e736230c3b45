"""The application: a factory, so that every test and every process has its own."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

from fastapi import FastAPI

from src import params
from src.service.campaign import routes as campaign_routes
from src.service.campaign.contacts import Campaign
from src.service.feedback import routes as feedback_routes
from src.service.feedback.store import Feedback, FeedbackSettings
from src.service.monitoring.metrics import Monitoring
from src.service.payments import routes as payments_routes
from src.service.payments.serving import Serving as Payments
from src.service.process import Process
from src.service.products import routes as products_routes
from src.service.products.catalogue import Catalogue
from src.service.products.customer_view import example_request
from src.service.products.exposing import Exposing
from src.service.products.requests import request_models
from src.service.products.serving import Serving
from src.service.settings import Settings
from src.service.web import routes as web_routes
from src.service.web.answers import add_fault_handlers
from src.service.web.guard import Guard
from src.service.web.keys import Keys
from src.service.web.openapi import describe_security

logger = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Load what the pipeline made, and serve it.

    Raises
    ------
    InputError
        A file is missing or damaged, a setting does not fit, or the database cannot be reached.
    """
    monitoring = Monitoring()
    keys = Keys(settings.keys_file)
    if not len(keys):
        logger.warning(
            "there is no API key, so every request is refused: make one with "
            "'python -m src.service.web.keys create NAME --scopes read feedback'"
        )
    with ThreadPoolExecutor(1) as beside:
        beside.submit(import_module, "alembic.command")  # takes a while, and feedback needs it
        loading = beside.submit(Payments, settings, monitoring)
        catalogue = Catalogue.load(settings)
    cooldown = params.load("feedback", FeedbackSettings, str(settings.rules))
    exposing = Exposing.read(str(settings.rules))
    integer_ids = catalogue.schema.id_type == "integer"
    feedback = Feedback(
        settings.database_url,
        cooldown,
        integer_ids=integer_ids,
        timeout_seconds=settings.timeout_seconds,
    )
    process = Process(settings, monitoring, feedback)
    serving = Serving(settings, monitoring, catalogue)
    payments = loading.result()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        refreshing = asyncio.create_task(process.refresh_forever())
        yield
        refreshing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refreshing
        await process.close()

    app = FastAPI(
        title="nextbest",
        summary="Which product will a customer add next month, and what will they pay next?",
        version="1",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # it loads its code from elsewhere, which the page's policy forbids
        redoc_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # monitoring/ counts
    )
    app.state.process = process
    app.state.serving = serving
    app.state.payments = payments
    app.state.keys = keys
    asked, given = request_models(catalogue.schema, example_request(catalogue))
    # Offers come first: routes are tried one by one.
    products_routes.add_routes(app, process, serving, exposing, asked, payments.state)
    payments_routes.add_routes(app, process, payments)
    campaign_routes.add_routes(app, process, serving, Campaign(catalogue))
    feedback_routes.add_routes(app, process, given)
    web_routes.add_routes(app)
    add_fault_handlers(app)
    describe_security(app)
    app.add_middleware(Guard, settings=settings, keys=keys, monitoring=monitoring)
    return app
