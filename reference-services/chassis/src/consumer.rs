//! A consumer and what keeps it alive: one supervised loop per connection, one message at a time.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use contracts::{OrderEvent, attributes as name, logs, message};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use tokio::sync::Mutex;
use world::{
    Span,
    broker::{BrokerError, Channel, Consumer, Delivery, Settle, Settler},
    telemetry::Origin,
};

use crate::{
    Inbound, Refusal, Service, describe,
    log::{self, Failure},
    planted::{self, Bug},
    shutdown::Counted,
};

/// What a handler did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// What it asks for.
    Now,
    /// Nothing: it had been handled before.
    Before,
}

/// Does what an event asks for.
pub trait Handler: Send + Sync + 'static {
    /// Handles one event. `span` is the `process` span; whatever happens hangs below it.
    fn handle(
        &self,
        service: &Arc<Service>,
        inbound: &Inbound,
        event: OrderEvent,
        span: &mut Span,
    ) -> impl Future<Output = Result<Handled, Refusal>> + Send;
}

/// Counts how often a message that came too early went back.
type Early = Arc<Mutex<BTreeMap<Arc<str>, u32>>>;

/// Starts consumers of a queue, each on a connection of its own, and keeps them alive.
pub fn consume(service: &Arc<Service>, queue: &'static str, consumers: u16, handler: impl Handler) {
    let handler = Arc::new(handler);
    let early = Early::default();
    for _ in 0..consumers {
        let (service, handler, early) = (Arc::clone(service), Arc::clone(&handler), Arc::clone(&early));
        service.consumers.want();
        let (rt, counted) = (service.world.rt.clone(), service.shutdown.count());
        drop(rt.spawn("consumer", async move { supervise(&service, queue, &*handler, &early, counted).await }));
    }
}

async fn supervise(service: &Arc<Service>, queue: &'static str, handler: &impl Handler, early: &Early, _counted: Counted) {
    while !service.shutdown.requested() {
        if let Some(Ok((channel, mut consumer))) = service.unless_stopped(subscribe(service, queue)).await {
            let _subscribed = service.consumers.subscribed();
            while let Some(delivery) = next(service, &mut *consumer).await {
                if deliver(service, handler, early, delivery).await.is_err() {
                    break;
                }
            }
            if service.shutdown.requested() {
                // What the broker has sent ahead goes back into the queue.
                channel.close().await;
                return;
            }
        }
        service.unless_stopped(service.world.rt.sleep(service.settings.reconnect)).await;
    }
}

/// The next message; none when the channel has closed, or nothing more is to be taken.
async fn next(service: &Service, consumer: &mut dyn Consumer) -> Option<Delivery> {
    if service.shutdown.requested() {
        return None;
    }
    service.unless_stopped(consumer.next()).await?.ok()
}

/// Connects and begins to receive: a trace of its own, for nobody asked for it.
async fn subscribe(service: &Service, queue: &'static str) -> Result<(Arc<dyn Channel>, Box<dyn Consumer>), BrokerError> {
    let attributes = vec![KeyValue::new(name::MESSAGING_SYSTEM, "rabbitmq")];
    let mut span = service.world.telemetry.start("connect rabbitmq", SpanKind::Client, Origin::root(), attributes);
    let outcome = async {
        let channel = service.world.broker.connect().await?;
        channel.declare(message::topology(service.settings.architecture.dead_letters)).await?;
        let consumer = channel.consume(queue, 1).await?;
        Ok((channel, consumer))
    }
    .await;
    if let Err(cause) = &outcome {
        let cause: &BrokerError = cause;
        span.fail(cause.error_type(), cause.to_string());
    }
    outcome
}

/// Takes one message in, has it handled and answers the broker: before the work or after it.
async fn deliver(service: &Arc<Service>, handler: &impl Handler, early: &Early, delivery: Delivery) -> Result<(), BrokerError> {
    let Delivery { message, redelivered, settler, .. } = delivery;
    let telemetry = &service.world.telemetry;
    let inbound = Inbound::read(service, &message, redelivered);
    let event = OrderEvent::from_bytes(&message.body);
    let client_type = event.as_ref().ok().map(|event| event.client_type.clone());
    let describe = |operation| inbound.attributes(service, client_type.as_ref(), operation);

    telemetry.mark(inbound.wire.receive, Origin::child_of(&inbound.context), describe(("receive", "receive")));
    let origin = Origin::child_of(&inbound.context);
    let mut span = telemetry.start(inbound.wire.process, SpanKind::Consumer, origin, describe(("process", "process")));
    let process = span.context().clone();
    log::received(service, &process, &inbound);

    let mut settler = Some(settler);
    let early_ack = !service.settings.architecture.ack_after_work || planted::bites(Bug::AckedEarly, &inbound.order_id);
    if early_ack && let Some(settler) = settler.take() {
        let acked = settle(service, &inbound, &process, describe(("settle", "ack")), settler, Settle::Ack).await;
        if let Err(cause) = acked {
            // The broker has put it back: whoever gets it next does the work.
            span.fail(cause.error_type(), cause.to_string());
            let (error_type, message) = (cause.error_type(), cause.to_string());
            let failure =
                Failure { action: logs::MESSAGE_FAILED, order_id: &inbound.order_id, error_type, message, more: vec![] };
            log::failed(telemetry, &process, failure.about(inbound.wire, &inbound.message_id));
            return Err(cause);
        }
    }
    let outcome = match event {
        Ok(_) if planted::bites(Bug::AckedUnhandled, &inbound.order_id) => Ok(Handled::Now),
        Ok(_) if planted::bites(Bug::GoodRejected, &inbound.order_id) => Err(Refusal::Malformed("it is not".to_owned())),
        Ok(event) if !inbound.event_id.is_empty() => {
            service.unless_cut(handler.handle(service, &inbound, event, &mut span)).await
        }
        Ok(_) => Err(Refusal::Malformed("no event id".to_owned())),
        Err(cause) => Err(Refusal::Malformed(cause.to_string())),
    };
    let verdict = judge(service, early, &inbound, &outcome, settler.is_some()).await;
    conclude(service, &inbound, span, &outcome, verdict);
    let Some(settler) = settler else { return Ok(()) };
    if verdict == Verdict::Later {
        // The message waits with us, not with the next consumer, and no span is open meanwhile.
        let pause = match &outcome {
            Err(Refusal::OutOfOrder { .. }) => service.settings.early_event.0,
            _ => service.settings.reconnect,
        };
        service.unless_stopped(service.world.rt.sleep(pause)).await;
    }
    let (how, operation) = match verdict {
        Verdict::Done => (Settle::Ack, "ack"),
        Verdict::Later => (Settle::Requeue, "nack"),
        Verdict::Never => (Settle::Reject, "reject"),
    };
    settle(service, &inbound, &process, describe(("settle", operation)), settler, how).await
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    Later,
    Never,
}

async fn judge(
    service: &Service,
    early: &Early,
    inbound: &Inbound,
    outcome: &Result<Handled, Refusal>,
    unsettled: bool,
) -> Verdict {
    let verdict = match outcome {
        Ok(_) => Verdict::Done,
        Err(_) if !unsettled => Verdict::Never,
        Err(Refusal::OutOfOrder { .. }) if service.settings.architecture.idempotent_consumers => {
            let mut early = early.lock().await;
            let times = early.entry(inbound.message_id.clone()).or_default();
            *times += 1;
            if *times <= service.settings.early_event.1 {
                return Verdict::Later;
            }
            Verdict::Never
        }
        Err(refusal) if refusal.passes() => return Verdict::Later,
        Err(_) => Verdict::Never,
    };
    if inbound.redelivered {
        early.lock().await.remove(&inbound.message_id);
    }
    verdict
}

/// Ends the `process` span. An event that goes back because it came too early has not failed yet.
fn conclude(service: &Service, inbound: &Inbound, mut span: Span, outcome: &Result<Handled, Refusal>, verdict: Verdict) {
    match outcome {
        Ok(Handled::Now) => {}
        Ok(Handled::Before) => describe::duplicate(&mut span),
        Err(Refusal::OutOfOrder { .. }) if verdict == Verdict::Later => {}
        Err(refusal) => {
            span.fail(refusal.cause(), refusal.to_string());
            let failure = Failure::of(refusal, logs::MESSAGE_FAILED, &inbound.order_id);
            log::failed(&service.world.telemetry, span.context(), failure.about(inbound.wire, &inbound.message_id));
        }
    }
}

async fn settle(
    service: &Service,
    inbound: &Inbound,
    process: &SpanContext,
    attributes: Vec<KeyValue>,
    settler: Box<dyn Settler>,
    how: Settle,
) -> Result<(), BrokerError> {
    let (span_name, operation) = match how {
        Settle::Ack => (inbound.wire.ack, "ack"),
        Settle::Requeue => (inbound.wire.nack, "nack"),
        Settle::Reject => (inbound.wire.reject, "reject"),
    };
    let mut span = service.world.telemetry.start(span_name, SpanKind::Client, Origin::child_of(process), attributes);
    let outcome = settler.settle(how).await;
    match &outcome {
        Ok(()) => log::settled(service, span.context(), inbound, operation),
        Err(cause) => span.fail(cause.error_type(), cause.to_string()),
    }
    outcome
}
