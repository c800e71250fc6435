//! The events that services tell each other over RabbitMQ, and the topology that carries them.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use world::broker::{Arguments, Exchange, Queue, Topology};

use crate::{Status, json};

/// The durable topic exchange of all order events.
pub const EXCHANGE: &str = "orders";
/// What the factory listens to.
pub const MES_QUEUE: &str = "mes.orders";
/// What the CRM listens to.
pub const CRM_QUEUE: &str = "crm.orders";

/// Names one event over all attempts to deliver it; `message-id` is new for each publish.
pub const EVENT_ID_HEADER: &str = "x-event-id";
/// The order's version that the event announces.
pub const ORDER_VERSION_HEADER: &str = "x-order-version";
/// When it was published, in nanoseconds since the Unix epoch (AMQP's own timestamp has whole seconds).
pub const SENT_AT_HEADER: &str = "x-sent-at-ns";

/// All queues.
pub const QUEUES: [&str; 2] = [MES_QUEUE, CRM_QUEUE];

/// The exchange that queues give their dead letters to, where they do.
pub const DEAD_EXCHANGE: &str = "orders.dead";
/// Where the dead letters of each queue wait until somebody looks at them.
pub const DEAD_QUEUES: [&str; 2] = ["mes.orders.dead", "crm.orders.dead"];

/// Each routing key, and the number of the queue that it leads to.
const ROUTES: [(&str, usize); 7] = [
    ("order.submitted", 0),
    ("order.manufacturing_approved", 0),
    ("order.price_calculated", 1),
    ("order.manufacturing_started", 1),
    ("order.manufacturing_completed", 1),
    ("order.packaging", 1),
    ("order.shipped", 1),
];

type Binding = (&'static str, &'static str, &'static str);

const BINDINGS: [Binding; ROUTES.len()] = bindings();
/// Dead letters keep their routing key, and so find the queue beside the one they died in.
const BINDINGS_OF_BOTH: [Binding; 2 * ROUTES.len()] = bindings();

/// The routes through the exchange of the living, then as many as fit through that of the dead.
const fn bindings<const N: usize>() -> [Binding; N] {
    let mut all = [("", "", ""); N];
    let mut n = 0;
    while n < N {
        let (key, queue) = ROUTES[n % ROUTES.len()];
        all[n] = if n < ROUTES.len() { (EXCHANGE, key, QUEUES[queue]) } else { (DEAD_EXCHANGE, key, DEAD_QUEUES[queue]) };
        n += 1;
    }
    all
}

/// Everything a service declares before it publishes or consumes.
pub const TOPOLOGY: Topology<'static> = Topology {
    exchanges: &[Exchange::topic(EXCHANGE)],
    queues: &[Queue::classic(MES_QUEUE), Queue::classic(CRM_QUEUE)],
    bindings: &BINDINGS,
};

const DEAD: Arguments<'static> = Arguments { dead_letter_exchange: Some(DEAD_EXCHANGE), ..Arguments::NONE };

/// The same with dead letters.
pub const WITH_DEAD_LETTERS: Topology<'static> = Topology {
    exchanges: &[Exchange::topic(EXCHANGE), Exchange::topic(DEAD_EXCHANGE)],
    queues: &[
        Queue::classic(MES_QUEUE).with(DEAD),
        Queue::classic(CRM_QUEUE).with(DEAD),
        Queue::classic(DEAD_QUEUES[0]),
        Queue::classic(DEAD_QUEUES[1]),
    ],
    bindings: &BINDINGS_OF_BOTH,
};

/// What the services of an architecture declare.
#[must_use]
pub const fn topology(dead_letters: bool) -> &'static Topology<'static> {
    if dead_letters { &WITH_DEAD_LETTERS } else { &TOPOLOGY }
}

/// All routing keys, in the order of the states that they announce.
pub const ROUTING_KEYS: [&str; 7] = [
    "order.submitted",
    "order.price_calculated",
    "order.manufacturing_approved",
    "order.manufacturing_started",
    "order.manufacturing_completed",
    "order.packaging",
    "order.shipped",
];

/// The routing key that announces a state to the other side; `None` for a state the other side need not know of.
#[must_use]
pub const fn routing_key(status: Status) -> Option<&'static str> {
    match status {
        Status::Submitted => Some("order.submitted"),
        Status::PriceCalculated => Some("order.price_calculated"),
        Status::ManufacturingApproved => Some("order.manufacturing_approved"),
        Status::ManufacturingStarted => Some("order.manufacturing_started"),
        Status::ManufacturingCompleted => Some("order.manufacturing_completed"),
        Status::Packaging => Some("order.packaging"),
        Status::Shipped => Some("order.shipped"),
        Status::Initiated | Status::FileUploaded | Status::Closed => None,
    }
}

/// The state that a routing key announces.
#[must_use]
pub fn announced(key: &str) -> Option<Status> {
    Status::ALL.into_iter().find(|status| routing_key(*status) == Some(key))
}

/// `{exchange}:{routing key}`: `messaging.destination.name` of a send, also the end of its span's name.
#[must_use]
pub fn destination(key: &str) -> Cow<'static, str> {
    match announced(key) {
        Some(Status::Submitted) => "orders:order.submitted".into(),
        Some(Status::PriceCalculated) => "orders:order.price_calculated".into(),
        Some(Status::ManufacturingApproved) => "orders:order.manufacturing_approved".into(),
        Some(Status::ManufacturingStarted) => "orders:order.manufacturing_started".into(),
        Some(Status::ManufacturingCompleted) => "orders:order.manufacturing_completed".into(),
        Some(Status::Packaging) => "orders:order.packaging".into(),
        Some(Status::Shipped) => "orders:order.shipped".into(),
        _ => format!("{EXCHANGE}:{key}").into(),
    }
}

/// The payload of every order event: the order as the sender knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEvent {
    /// The order.
    pub order_id: Arc<str>,
    /// The customer's or partner's own reference.
    pub order_ref: Arc<str>,
    /// `retail` or `api_partner`.
    pub client_type: Arc<str>,
    /// Pseudonym of the customer.
    pub customer: Arc<str>,
    /// The state it has entered.
    pub status: Status,
    /// Its version in that state.
    pub version: i64,
    /// Where the 3D model is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_ref: Option<Arc<str>>,
    /// How large it is, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_size: Option<i64>,
    /// Price in cents, once known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<i64>,
    /// Pseudonym of the operator, once there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<Arc<str>>,
}

impl OrderEvent {
    /// As a payload.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).map(Bytes::from).unwrap_or_default()
    }

    /// From a payload.
    ///
    /// # Errors
    /// When it is not this type as JSON.
    pub fn from_bytes(body: &[u8]) -> Result<Self, serde_json::Error> {
        json::read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_announced_state_is_bound_to_one_queue() {
        for status in Status::ALL {
            let Some(key) = routing_key(status) else { continue };
            assert_eq!(TOPOLOGY.bindings.iter().filter(|(_, bound, _)| *bound == key).count(), 1, "{key}");
            assert_eq!(announced(key), Some(status));
            assert_eq!(destination(key), format!("{EXCHANGE}:{key}"));
        }
    }
}
