"""Spans as messages of OTLP, by OpenTelemetry's own protobuf definitions.

The package is imported only where traces are sent: it takes 40 ms.
"""

from collections.abc import Iterable, Mapping

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from exporter import __version__
from exporter.net.otlp.span import Link, OtlpSpan, Value

SCHEMA = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the semantic conventions by which attributes are named."""

_SCOPE = InstrumentationScope(name="mailtrip", version=__version__)


def encoded(spans: Iterable[OtlpSpan], resource: Mapping[str, str]) -> bytes:
    """A request to export these spans. Requests that follow each other are one request: so protobuf
    merges repeated fields."""
    scope = ScopeSpans(scope=_SCOPE, spans=map(_span, spans), schema_url=SCHEMA)
    whole = ResourceSpans(
        resource=Resource(attributes=_attributes(resource)), scope_spans=[scope], schema_url=SCHEMA
    )
    return ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()


def rejection_in(body: bytes) -> tuple[int, str]:
    """How many spans a collector has not taken, and its words; 0 and an empty text if it says
    nothing of this kind."""
    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message


def _span(span: OtlpSpan) -> Span:
    error = span.error
    return Span(
        trace_id=span.trace,
        span_id=span.id,
        parent_span_id=span.parent,
        name=span.name,
        kind=Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_attributes(span.attributes),
        links=map(_link, span.links),
        status=None if error is None else Status(code=Status.STATUS_CODE_ERROR, message=error),
        flags=1,  # sampled (W3C Trace Context)
    )


def _link(link: Link) -> Span.Link:
    return Span.Link(
        trace_id=link.trace, span_id=link.span, attributes=_attributes(link.attributes), flags=1
    )


def _attributes(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)
