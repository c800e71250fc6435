//! Every field that a log record of the reference system may carry, and every word for what happened. Names of the Elastic
//! Common Schema where it has one, else under `order.` for the business and `labels.` for the rest.
//!
//! Who wrote a record, when, how grave it is and which span it belongs to is said by whoever puts it into words.

use crate::Status;

/// The order.
pub const ORDER_ID: &str = "order.id";
/// The state that it has entered. Only the record of a transition has it.
pub const ORDER_STATUS: &str = "order.status";
/// The state that it left; absent when it had none here.
pub const ORDER_PREVIOUS_STATUS: &str = "order.previous_status";
/// Its version after: how many transitions it has made.
pub const ORDER_VERSION: &str = "order.version";
/// Names the transition: the same in the row, the message and the span event.
pub const ORDER_EVENT_ID: &str = "order.event_id";
/// What it costs, in cents.
pub const ORDER_PRICE: &str = "order.price";
/// Which attempt at its price it is, from 1.
pub const ORDER_PRICING_ATTEMPT: &str = "order.pricing_attempt";
/// `retail` or `api_partner`.
pub const CLIENT_TYPE: &str = "labels.client_type";
/// Pseudonym of the customer.
pub const USER_HASH: &str = "user.hash";
/// Pseudonym of the manager (seller) whose order it is.
pub const MANAGER_ID: &str = "labels.manager_id";
/// Pseudonym of the operator whose order it is.
pub const OPERATOR_ID: &str = "labels.operator_id";
/// The model's name in the object store. Whatever the customer called the file stays outside.
pub const FILE_NAME: &str = "file.name";
/// The model's size in bytes.
pub const FILE_SIZE: &str = "file.size";
/// Routing key of the message.
pub const ROUTING_KEY: &str = "labels.routing_key";
/// AMQP `message-id` of the message.
pub const MESSAGE_ID: &str = "labels.message_id";
/// The queue that the message's routing key leads to.
pub const QUEUE: &str = "labels.queue";
/// Whether the message had been delivered before.
pub const REDELIVERED: &str = "labels.redelivered";
/// What was done, in a record for whoever looks for an error: `ack`, `nack`, `reject`.
pub const OPERATION: &str = "labels.operation";
/// What a list was filtered by, `status=SHIPPED&staff=operator-1`; absent where by nothing.
pub const FILTERS: &str = "labels.filters";
/// How many orders a list showed.
pub const ORDERS_RETURNED: &str = "orders.returned";
/// Which page of it, from 1.
pub const ORDERS_PAGE: &str = "orders.page";
/// Whether it came out of a cache. The reference services have none yet, so it never did.
pub const ORDERS_FROM_CACHE: &str = "orders.from_cache";
/// How long what the record is about took, in nanoseconds; `signals::ecs` has the same for records of databases.
pub const DURATION: &str = "event.duration";
/// Low-cardinality cause of an error, as on the span.
pub const ERROR_TYPE: &str = "error.type";
/// The error for people.
pub const ERROR_MESSAGE: &str = "error.message";

/// Every field.
pub const ALL: &[&str] = &[
    ORDER_ID,
    ORDER_STATUS,
    ORDER_PREVIOUS_STATUS,
    ORDER_VERSION,
    ORDER_EVENT_ID,
    ORDER_PRICE,
    ORDER_PRICING_ATTEMPT,
    CLIENT_TYPE,
    USER_HASH,
    MANAGER_ID,
    OPERATOR_ID,
    FILE_NAME,
    FILE_SIZE,
    ROUTING_KEY,
    MESSAGE_ID,
    QUEUE,
    REDELIVERED,
    OPERATION,
    FILTERS,
    ORDERS_RETURNED,
    ORDERS_PAGE,
    ORDERS_FROM_CACHE,
    DURATION,
    ERROR_TYPE,
    ERROR_MESSAGE,
];

/// What happened: `event.action`, and the same for people.
pub type Action = (&'static str, &'static str);

/// A price calculation has begun.
pub const PRICE_CALCULATION_START: Action = ("PRICE_CALCULATION_START", "a price calculation has begun");
/// Somebody has looked at a list of orders.
pub const GET_ORDERS: Action = ("GET_ORDERS", "a list of orders was asked for");
/// A message was published: the broker has confirmed it, or the publisher does not wait for that.
pub const MESSAGE_SENT: Action = ("MESSAGE_SENT", "a message was published");
/// A message was delivered. What a queue was sent and has not delivered is waiting in it, or lost.
pub const MESSAGE_RECEIVED: Action = ("MESSAGE_RECEIVED", "a message was delivered");
/// DEBUG: the broker was given the answer to a message.
pub const MESSAGE_SETTLED: Action = ("MESSAGE_SETTLED", "a message was settled");
/// DEBUG: the transaction of a transition was committed, from its first write on.
pub const TRANSITION_COMMITTED: Action = ("TRANSITION_COMMITTED", "the transaction of a transition was committed");
/// The object store has taken a file: one record for each PUT, while `FILE_UPLOADED` is the order's step.
pub const FILE_STORED: Action = ("FILE_STORED", "the object store has taken a file");
/// The object store has given a file: one record for each GET.
pub const FILE_DOWNLOADED: Action = ("FILE_DOWNLOADED", "the object store has given a file");
/// A step that the order's state does not allow. Nothing was changed.
pub const ILLEGAL_TRANSITION: Action = ("ILLEGAL_TRANSITION", "the order is in another state");
/// A step of an order that is not in the database.
pub const UNKNOWN_ORDER: Action = ("UNKNOWN_ORDER", "there is no such order");
/// A request was answered with a server error.
pub const REQUEST_FAILED: Action = ("REQUEST_FAILED", "a request could not be served");
/// A message was taken in, and what it asks for could not be done.
pub const MESSAGE_FAILED: Action = ("MESSAGE_FAILED", "a message could not be handled");
/// A message is not known to have reached the broker.
pub const PUBLISH_FAILED: Action = ("PUBLISH_FAILED", "a message could not be published");
/// A price could not be calculated.
pub const PRICE_CALCULATION_FAILED: Action = ("PRICE_CALCULATION_FAILED", "a price could not be calculated");

/// What a service says when it has recorded a state: its own, or one that the other side announces.
#[must_use]
pub const fn recorded(status: Status, own: bool) -> Action {
    let action = match status {
        Status::Initiated => "ORDER_CREATED",
        other => other.name(),
    };
    let message = match status {
        _ if !own => "what the other side announced is recorded",
        Status::Initiated => "a customer has begun an order",
        Status::FileUploaded => "the 3D model is stored",
        Status::Submitted => "the order is sent off",
        Status::PriceCalculated => "the price is calculated",
        Status::ManufacturingApproved => "a manager has approved the order",
        Status::ManufacturingStarted => "an operator has taken the order",
        Status::ManufacturingCompleted => "the piece is made",
        Status::Packaging => "the piece is being packed",
        Status::Shipped => "the carrier has the piece",
        Status::Closed => "the order is closed",
    };
    (action, message)
}
