"""Botocore's sessions, set up so that they send only what they may.

Only the operations of the enabled features can be sent, and those that obtain
credentials. A hook refuses any other operation before it leaves the process. Everything
is set on the session, so that it also holds for the clients that botocore makes by
itself to obtain credentials.
"""

import logging
import os
from collections.abc import Collection
from functools import cache, partial
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.loaders import create_loader
from botocore.model import OperationModel

from sfnwatch import __version__
from sfnwatch.model.own_requests import Operation
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.http_session import HttpSession
from sfnwatch.sources.parsers import CheckedParsers
from sfnwatch.sources.permissions import SIGN_IN, NotAllowedError
from sfnwatch.sources.request_log import note_answer, note_sent

_HTTP: Any = HttpSession
"""Typed as Any: the type hints accept only aiobotocore's own session class."""
BOTOCORE_NAMES = {"states": "stepfunctions"}
"""IAM prefixes of services that botocore calls by another name, with that name."""
_IAM_PREFIXES = {name: prefix for prefix, name in BOTOCORE_NAMES.items()}
_CONFIG = AioConfig(
    # All settings of a mode are set here; `auto` would ask the instance for its Region.
    defaults_mode="legacy",
    http_session_cls=_HTTP,
    user_agent_extra=f"sfnwatch/{__version__}",
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=True,
    # The first client reads models and endpoints for 80 ms: this does it in a thread.
    warm_up_loader_caches=True,
)

# Botocore does the same for its own logger. Without it, a failed refresh prints a
# traceback on stderr, in addition to our own message.
logging.getLogger("aiobotocore").addHandler(logging.NullHandler())


def _refuse_others(
    allowed: Collection[Operation], model: OperationModel, **_: Any
) -> None:
    service = model.service_model.service_name
    operation = (_IAM_PREFIXES.get(service, service), model.name)
    if operation not in allowed and operation not in SIGN_IN:
        msg = f"{model.name} is not among the operations this tool may send"
        raise NotAllowedError(msg)


_loader = cache(create_loader)


def new_session(
    settings: AwsSettings, allowed: Collection[Operation] = ()
) -> AioSession:
    """Make a session that can send only the allowed operations and those to sign in."""
    session = AioSession(profile=settings.profile)
    # Client-side monitoring would send each request in the clear to a host that the
    # environment names.
    session.set_config_variable("csm_enabled", value=False)
    # Set on the session, so that the clients which obtain credentials have it too.
    session.set_default_client_config(_CONFIG)
    session.register("before-send", note_sent)
    session.register("response-received", note_answer)
    # Set on the session as well: it is the only hook through which all answers pass.
    session.register_component("response_parser_factory", CheckedParsers())
    emitter: Any = session.get_component("event_emitter")
    emitter.register_first("before-call", partial(_refuse_others, allowed))
    # All sessions share one loader, because it caches botocore's models.
    session.lazy_register_component(
        "data_loader", lambda: _loader(session.get_config_variable("data_path"))
    )
    if settings.access_key_id:
        # Given keys need neither a profile nor files, and those on disk may be broken.
        store = session.get_component("config_store")
        store.set_config_variable("profile", None)
        for name in ("config_file", "credentials_file"):
            store.set_config_variable(name, os.devnull)
    return session
