//! Bodies of requests and answers. Errors are problem details (RFC 9457) with the media type [`PROBLEM`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Status;

/// Media type of an error's body.
pub const PROBLEM: &str = "application/problem+json";

/// `POST /orders` at `internet-shop` (customers) and `shop-api` (API users). Sent again with the same `order_ref` it answers
/// with the order that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// The client's own reference, unique over all orders.
    pub order_ref: Arc<str>,
    /// `retail` or `api_partner`.
    pub client_type: Arc<str>,
    /// Pseudonym of the customer.
    pub customer: Arc<str>,
}

/// An order as lists and answers show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The order.
    pub order_id: Arc<str>,
    /// The client's own reference.
    pub order_ref: Arc<str>,
    /// Its state in the database of the service that was asked.
    pub status: Status,
    /// Its version there.
    pub version: i64,
}

/// `GET /orders?status=..&newest_first=..&limit=..&offset=..` at `crm` (sellers) and `mes-api` (operators).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOrders {
    /// Only orders in this state.
    pub status: Status,
    /// Freshest first; else the longest waiting first.
    pub newest_first: bool,
    /// At most this many, 1 to 500.
    pub limit: usize,
    /// After so many others; 0 when it is not said.
    #[serde(default)]
    pub offset: usize,
}

/// `POST /orders/{id}/approve|start|complete|package|ship|close`: a person's step. 409 when the order is not in the state
/// before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Names the attempt: sent again with the same id it answers 200 and changes nothing.
    pub event_id: Arc<str>,
    /// Pseudonym of who does it.
    pub by: Arc<str>,
}

/// `POST /price` at `mes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalculatePrice {
    /// The order.
    pub order_id: Arc<str>,
    /// The client's own reference: the key of the calculation's random draws.
    pub order_ref: Arc<str>,
    /// Where the 3D model is.
    pub file_ref: Arc<str>,
    /// Which attempt it is, from 1.
    pub attempt: i64,
}

/// The answer of `POST /price`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// In cents.
    pub price: i64,
}

/// Problem details (RFC 9457): the body of every 4xx and 5xx answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem, `/problems/<name>`.
    pub r#type: String,
    /// What kind of problem it is.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
}

/// The answer of `GET /healthz` (200 as long as the process lives) and of `GET /readyz` (200, or 503 with what is missing) at
/// every service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How it is.
    pub status: Condition,
    /// What it would need for its work and does not have.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<Missing>,
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It answers.
    Alive,
    /// It can do its work.
    Ready,
    /// Something is missing.
    Unready,
    /// It is about to end and takes nothing new.
    Stopping,
}

/// Something that a service needs and does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// `database`, `broker`, `files`, or the name of another service.
    pub part: String,
    /// What the attempt met.
    pub reason: String,
}
