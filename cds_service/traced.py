"""The parts of a call with each step in a span of its own; made instead of the plain ones where traces are on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cds_service.advise import Advisor
from cds_service.clients.clients import Client
from cds_service.errors import OutboundError
from cds_service.fhir.prefetch import TEMPLATES
from cds_service.fhir.records import LazyRecords
from cds_service.hooks.request import HookRequest
from cds_service.outbound import Allowance, Deadline, Outbound, server_name
from cds_service.telemetry.traces import Traces, failed


class TracedOutbound(Outbound):
    """A client span for each request to another server."""

    def __init__(self, traces: Traces, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._traces = traces

    async def get(self, url: str, allowance: Allowance, *, base: str, token: str | None = None) -> bytes:
        """The body at *url*, as ever."""
        with self._traces.asking(server_name(base) if base in self.bases else "") as span:
            try:
                return await super().get(url, allowance, base=base, token=token)
            except OutboundError as error:
                failed(span, error.reason)
                raise


class TracedAdvisor(Advisor):
    """A span for reading the record, for judging with the facts that are asked for on the way, and for each card."""

    def __init__(self, traces: Traces, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._traces = traces

    async def record(
        self, client: Client, request: HookRequest, deadline: Deadline, *, needs: Mapping[str, str] = TEMPLATES
    ) -> LazyRecords:
        """The child's record, as ever."""
        with self._traces.within("record"):
            return await super().record(client, request, deadline, needs=needs)

    def _told(self, *given: Any, **more: Any) -> Any:
        with self._traces.within("judge"):
            return super()._told(*given, **more)

    def _write(self, *given: Any, **more: Any) -> Sequence[Any]:
        with self._traces.within("cards"):
            return super()._write(*given, **more)
