//! Spans with explicit times, over the OpenTelemetry SDK.
//!
//! Contexts are passed by hand and never attached to a thread, and every time is the node's own clock: the SDK is never
//! asked what time it is. A span that is dropped ends there and then, by the same clock.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};

use crate::{
    Runtime,
    broker::Headers,
    log::{Log, Sink},
};

/// Starts the spans of one node and writes its log. Without a tracer there are no spans, without a sink no log: every call then
/// does nothing.
#[derive(Clone)]
pub struct Telemetry {
    rt: Runtime,
    tracer: Option<Arc<SdkTracer>>,
    sink: Option<Arc<dyn Sink>>,
    debug: bool,
    propagate: bool,
}

/// Where a span hangs.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The span above it; an invalid context begins a trace.
    pub parent: Option<SpanContext>,
    /// Spans it follows from, in other traces.
    pub links: Vec<SpanContext>,
}

impl Origin {
    /// Begins a trace.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Under a span; begins a trace when that is invalid.
    #[must_use]
    pub fn child_of(parent: &SpanContext) -> Self {
        Self { parent: Some(parent.clone()), links: Vec::new() }
    }

    /// Also follows from a span of another trace; an invalid one is left out.
    #[must_use]
    pub fn linked(mut self, context: &SpanContext) -> Self {
        if context.is_valid() {
            self.links.push(context.clone());
        }
        self
    }
}

/// A started span. Ends when it is dropped, at the latest.
pub struct Span {
    rt: Runtime,
    span: Option<SdkSpan>,
    context: SpanContext,
}

impl Telemetry {
    /// The spans of `rt`'s node, started by `tracer`. `propagate` is false where contexts are not passed on.
    #[must_use]
    pub fn new(rt: Runtime, tracer: Option<SdkTracer>, propagate: bool) -> Self {
        Self { rt, tracer: tracer.map(Arc::new), sink: None, debug: false, propagate }
    }

    /// The same with a log.
    #[must_use]
    pub fn logging(mut self, sink: Option<Arc<dyn Sink>>) -> Self {
        self.sink = sink;
        self
    }

    /// The same with records for whoever looks for an error, where `debug` is true and there is a log at all.
    #[must_use]
    pub fn debugging(mut self, debug: bool) -> Self {
        self.debug = debug;
        self
    }

    /// Whether the node has spans: what is costly to describe can be left out when it has not.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.tracer.is_some()
    }

    /// Whether the node has a log.
    #[must_use]
    pub fn logs(&self) -> bool {
        self.sink.is_some()
    }

    /// Whether its log has records for whoever looks for an error, too.
    #[must_use]
    pub fn debugs(&self) -> bool {
        self.debug && self.logs()
    }

    /// This node's wall clock, in nanoseconds since the Unix epoch: the time of what happens now.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.rt.wall_ns()
    }

    /// Writes a log record.
    pub fn log(&self, log: Log) {
        if let Some(sink) = &self.sink {
            sink.write(log);
        }
    }

    /// Starts a span now.
    #[must_use]
    pub fn start(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind, origin: Origin, attributes: Vec<KeyValue>) -> Span {
        self.start_at(self.rt.wall_ns(), name.into(), kind, origin, attributes)
    }

    /// Starts a span of something that began earlier, at a time of this node's wall clock, nanoseconds since the Unix epoch.
    #[must_use]
    pub fn start_at(
        &self,
        wall_ns: u64,
        name: Cow<'static, str>,
        kind: SpanKind,
        origin: Origin,
        attributes: Vec<KeyValue>,
    ) -> Span {
        let Some(tracer) = &self.tracer else {
            return Span { rt: self.rt.clone(), span: None, context: SpanContext::empty_context() };
        };
        let mut builder = SpanBuilder::from_name(name).with_kind(kind).with_start_time(time(wall_ns)).with_attributes(attributes);
        if !origin.links.is_empty() {
            builder = builder.with_links(origin.links.into_iter().map(Link::with_context).collect());
        }
        let parent = match origin.parent {
            Some(parent) if parent.is_valid() => Context::new().with_remote_span_context(parent),
            _ => Context::new(),
        };
        let span = tracer.build_with_context(builder, &parent);
        let context = span.span_context().clone();
        Span { rt: self.rt.clone(), span: Some(span), context }
    }

    /// A zero-length span that says that something long has begun: a span is exported only when it ends.
    pub fn mark(&self, name: impl Into<Cow<'static, str>>, origin: Origin, attributes: Vec<KeyValue>) {
        self.mark_at(self.rt.wall_ns(), name, origin, attributes);
    }

    /// A mark at a time of this node's wall clock, nanoseconds since the Unix epoch: the time that a row says too.
    pub fn mark_at(&self, wall_ns: u64, name: impl Into<Cow<'static, str>>, origin: Origin, attributes: Vec<KeyValue>) {
        // One time for both ends: an exporter sends what has no length at once.
        let mut mark = self.start_at(wall_ns, name.into(), SpanKind::Internal, origin, attributes);
        if let Some(mut span) = mark.span.take() {
            span.end_with_timestamp(time(wall_ns));
        }
    }

    /// Writes a context into message headers, as W3C `traceparent`.
    pub fn inject(&self, context: &SpanContext, headers: &mut Headers) {
        if let Some(value) = self.traceparent(context) {
            headers.set(TRACEPARENT, value);
        }
    }

    /// The context in message headers; invalid where there is none.
    #[must_use]
    pub fn extract(&self, headers: &Headers) -> SpanContext {
        self.parse(headers.get(TRACEPARENT))
    }

    /// A context as the value of `traceparent`; `None` where there is nothing to pass on.
    #[must_use]
    pub fn traceparent(&self, context: &SpanContext) -> Option<String> {
        (self.propagate && context.is_valid()).then(|| written(context))
    }

    /// The context in a `traceparent` value; invalid where there is none or it does not parse.
    #[must_use]
    pub fn parse(&self, traceparent: Option<&str>) -> SpanContext {
        traceparent.filter(|_| self.propagate).and_then(parse).unwrap_or_else(SpanContext::empty_context)
    }
}

/// The header of W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// A context in W3C Trace Context version 00: `00-<32 hex>-<16 hex>-<2 hex>`. Each request and message has one: no formatting
/// machinery.
fn written(context: &SpanContext) -> String {
    let mut value = *b"00-00000000000000000000000000000000-0000000000000000-00";
    write_hex(&context.trace_id().to_bytes(), &mut value[3..35]);
    write_hex(&context.span_id().to_bytes(), &mut value[36..52]);
    write_hex(&[context.trace_flags().to_u8()], &mut value[53..55]);
    String::from_utf8_lossy(&value).into_owned()
}

/// Parses W3C Trace Context version 00: `00-<32 hex>-<16 hex>-<2 hex>`.
fn parse(value: &str) -> Option<SpanContext> {
    let (_version, rest) = value.as_bytes().split_first_chunk::<2>()?;
    let (trace, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<32>()?;
    let (span, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<16>()?;
    let (flags, rest) = rest.strip_prefix(b"-")?.split_first_chunk::<2>()?;
    if rest.first().is_some_and(|next| *next != b'-') {
        return None;
    }
    let trace = u128::from(hex(&trace[..16])?) << 64 | u128::from(hex(&trace[16..])?);
    let flags = TraceFlags::new(u8::try_from(hex(flags)?).ok()?);
    let context = SpanContext::new(TraceId::from(trace), SpanId::from(hex(span)?), flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

/// Lower-case hex digits, two for each byte.
fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
}

/// At most 16 lower-case hex digits: the standard allows no others. One look at the end says whether all of them were some.
fn hex(digits: &[u8]) -> Option<u64> {
    const NONE: u8 = 0x10;
    const DIGITS: [u8; 256] = {
        let mut digits = [NONE; 256];
        let mut digit = 0;
        while digit < 16 {
            digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
            digit += 1;
        }
        digits
    };
    let add =
        |(value, seen), byte: &u8| (value << 4 | u64::from(DIGITS[usize::from(*byte)] & 0xf), seen | DIGITS[usize::from(*byte)]);
    let (value, seen) = digits.iter().fold((0, 0), add);
    (seen & NONE == 0).then_some(value)
}

impl Span {
    /// Its identity, to hang other spans on; invalid when the node is not instrumented.
    #[must_use]
    pub fn context(&self) -> &SpanContext {
        &self.context
    }

    /// Adds an attribute.
    pub fn set(&mut self, attribute: KeyValue) {
        if let Some(span) = &mut self.span {
            span.set_attribute(attribute);
        }
    }

    /// Adds an event that happens now.
    pub fn event(&mut self, name: impl Into<Cow<'static, str>>, attributes: Vec<KeyValue>) {
        let now = time(self.rt.wall_ns());
        if let Some(span) = &mut self.span {
            span.add_event_with_timestamp(name, now, attributes);
        }
    }

    /// Adds an event at a time of this node's wall clock, nanoseconds since the Unix epoch: the time that a row says too.
    pub fn event_at(&mut self, name: impl Into<Cow<'static, str>>, wall_ns: u64, attributes: Vec<KeyValue>) {
        if let Some(span) = &mut self.span {
            span.add_event_with_timestamp(name, time(wall_ns), attributes);
        }
    }

    /// Also follows from a span of another trace, learned only after this one began; an invalid one is left out.
    pub fn link(&mut self, context: &SpanContext) {
        if let Some(span) = &mut self.span
            && context.is_valid()
        {
            span.add_link(context.clone(), Vec::new());
        }
    }

    /// Marks it failed, with a low-cardinality `error.type` and a message for people.
    pub fn fail(&mut self, error_type: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            let error_type: Cow<'static, str> = error_type.into();
            span.set_attribute(match error_type {
                Cow::Borrowed(text) => KeyValue::new("error.type", text),
                Cow::Owned(text) => KeyValue::new("error.type", text),
            });
            span.set_status(Status::error(message));
        }
    }

    /// Ends it now.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.end_with_timestamp(time(self.rt.wall_ns()));
        }
    }
}

/// The SDK's time type holds our nanoseconds exactly.
fn time(wall_ns: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(wall_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_and_a_broken_one_is_no_context() {
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = parse(value).unwrap();
        assert_eq!(format!("{:032x}", context.trace_id()), "0af7651916cd43dd8448eb211c80319c");
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(written(&context), value);
        for broken in [
            "",
            "00",
            "00-xyz-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }
}
