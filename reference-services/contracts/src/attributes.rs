//! Every attribute a span of the reference system may carry. Semantic-convention names where there is one (v1.44), else
//! under `order.` for the business and `alexandrite.amqp.` for what AMQP knows and the conventions do not name.

/// The order; on every span of its journey.
pub const ORDER_ID: &str = "order.id";
/// The state it is in after this span.
pub const ORDER_STATUS: &str = "order.status";
/// Who owns that state.
pub const ORDER_STATUS_OWNER: &str = "order.status.owner";
/// The client's own reference; where a partner's order was turned away it is all that names it.
pub const ORDER_REF: &str = "order.ref";
/// Where the 3D model comes from: [`UPLOADED`] or [`CONSTRUCTED`]; on the span that says `FILE_UPLOADED`.
pub const MODEL_SOURCE: &str = "order.model.source";
/// Somebody had the model's file.
pub const UPLOADED: &str = "upload";
/// The customer made it in the constructor.
pub const CONSTRUCTED: &str = "constructor";
/// Its version: how many transitions it has made.
pub const ORDER_VERSION: &str = "order.version";
/// `retail` or `api_partner`.
pub const CLIENT_TYPE: &str = "client.type";
/// Pseudonym of the customer.
pub const ENDUSER_PSEUDO_ID: &str = "enduser.pseudo.id";
/// Pseudonym of the operator or seller who did it.
pub const STAFF_PSEUDO_ID: &str = "staff.pseudo.id";
/// Low-cardinality cause of an error: SQLSTATE, AMQP code, HTTP status, or a word.
pub const ERROR_TYPE: &str = "error.type";

/// Event inside the span of each transition, with the `FROM`, `TO`, `VERSION` and `EVENT_ID` below.
pub const STATUS_CHANGED: &str = "order.status_changed";
/// The state it left; absent when it had none here.
pub const FROM: &str = "from";
/// The state it entered.
pub const TO: &str = "to";
/// Its version after.
pub const VERSION: &str = "version";
/// Names the transition: the same in the row, the message and the event.
pub const EVENT_ID: &str = "event_id";

/// Event inside the span of each request that wrote an order's row and left its state, with the `IN` below and its `VERSION`.
pub const ROW_REWRITTEN: &str = "order.row_rewritten";
/// The state that the row was written with.
pub const IN: &str = "in";

/// Event inside the span in which the CRM has handed the news of a price over to be shown to the customer.
pub const CUSTOMER_NOTIFIED: &str = "customer.notified";
/// Event inside the span in which the customer has seen it.
pub const CUSTOMER_AWARE: &str = "customer.aware";

/// Name of the zero-length span that says a price calculation has begun.
pub const PRICING_STARTED: &str = "price_calculation started";
/// Name prefix of the zero-length span that says a message has been received: `receive {exchange}:{key}:{queue}`.
pub const RECEIVE: &str = "receive";
/// Which attempt at the calculation it is, from 1.
pub const PRICING_ATTEMPT: &str = "pricing.attempt";

/// `rabbitmq`.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// `{exchange}:{routing key}` for a send, `{exchange}:{routing key}:{queue}` for receive, process and settle.
pub const MESSAGING_DESTINATION: &str = "messaging.destination.name";
/// Routing key.
pub const MESSAGING_ROUTING_KEY: &str = "messaging.rabbitmq.destination.routing_key";
/// AMQP `message-id`.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// AMQP `correlation-id`: the order.
pub const MESSAGING_CONVERSATION_ID: &str = "messaging.message.conversation_id";
/// `send`, `receive`, `process` or `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// `publish`, `receive`, `process`, `ack`, `nack` or `reject`.
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// Names the event over all attempts to deliver it.
pub const AMQP_EVENT_ID: &str = "alexandrite.event.id";
/// On a send: `ack`, `nack`, `none` (not asked for) or `timeout`.
pub const AMQP_CONFIRM: &str = "alexandrite.amqp.confirm";
/// On a send: the broker gave it back, no queue is bound to its key.
pub const AMQP_RETURNED: &str = "alexandrite.amqp.returned";
/// On receive and process: it was delivered before.
pub const AMQP_REDELIVERED: &str = "alexandrite.amqp.redelivered";
/// On receive and process: milliseconds since it was sent.
pub const AMQP_QUEUE_WAIT_MS: &str = "alexandrite.amqp.queue_wait_ms";
/// On process: the event had been handled before, nothing was done.
pub const DUPLICATE: &str = "duplicate";

/// `postgresql`.
pub const DB_SYSTEM: &str = "db.system.name";
/// `shop` or `mes`.
pub const DB_NAMESPACE: &str = "db.namespace";
/// `commit`: one span for each transaction.
pub const DB_OPERATION: &str = "db.operation.name";
/// Main table of the transaction.
pub const DB_COLLECTION: &str = "db.collection.name";
/// SQLSTATE.
pub const DB_STATUS: &str = "db.response.status_code";
/// How many rows came back.
pub const DB_RETURNED_ROWS: &str = "db.response.returned_rows";

/// HTTP method.
pub const HTTP_METHOD: &str = "http.request.method";
/// Route template.
pub const HTTP_ROUTE: &str = "http.route";
/// HTTP status.
pub const HTTP_STATUS: &str = "http.response.status_code";
/// Peer service of a client span.
pub const SERVER_ADDRESS: &str = "server.address";
/// Size of a model file in bytes.
pub const FILE_SIZE: &str = "file.size";

/// Of a list of orders: which page, from 1.
pub const LIST_PAGE: &str = "orders.page";
/// Of a list of orders: how many are on the page.
pub const LIST_RETURNED: &str = "orders.returned";

/// Every attribute that a span may carry.
pub const ALL: &[&str] = &[
    ORDER_ID,
    ORDER_STATUS,
    ORDER_STATUS_OWNER,
    ORDER_VERSION,
    ORDER_REF,
    MODEL_SOURCE,
    CLIENT_TYPE,
    ENDUSER_PSEUDO_ID,
    STAFF_PSEUDO_ID,
    ERROR_TYPE,
    PRICING_ATTEMPT,
    MESSAGING_SYSTEM,
    MESSAGING_DESTINATION,
    MESSAGING_ROUTING_KEY,
    MESSAGING_MESSAGE_ID,
    MESSAGING_CONVERSATION_ID,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_OPERATION_NAME,
    AMQP_EVENT_ID,
    AMQP_CONFIRM,
    AMQP_RETURNED,
    AMQP_REDELIVERED,
    AMQP_QUEUE_WAIT_MS,
    DUPLICATE,
    DB_SYSTEM,
    DB_NAMESPACE,
    DB_OPERATION,
    DB_COLLECTION,
    DB_STATUS,
    DB_RETURNED_ROWS,
    HTTP_METHOD,
    HTTP_ROUTE,
    HTTP_STATUS,
    SERVER_ADDRESS,
    FILE_SIZE,
    LIST_PAGE,
    LIST_RETURNED,
];
