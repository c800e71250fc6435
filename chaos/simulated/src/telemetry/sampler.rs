//! Decides whether a span is recorded, as the SDK asks for it: `ParentBased`, with the root's decision drawn by trace id.

use std::{fmt, sync::Arc};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt as _, TraceState},
};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::trouble::Trouble;
use crate::runtime::Host;

/// The sampler of one node.
#[derive(Clone)]
pub(super) struct Sampler {
    pub(super) host: Arc<dyn Host>,
    pub(super) service: Arc<str>,
    pub(super) trouble: Arc<Trouble>,
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sampler({})", self.service)
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let above = parent.filter(|parent| parent.has_active_span()).map(|parent| parent.span().span_context().is_sampled());
        let decision = match self.trouble.samples(self.host.now(), &self.service, above, trace) {
            true => SamplingDecision::RecordAndSample,
            false => SamplingDecision::Drop,
        };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}
