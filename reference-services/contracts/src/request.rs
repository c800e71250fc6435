//! Bodies of requests and answers. Errors are problem details (RFC 9457) with the media type [`PROBLEM`].

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Status;

/// Media type of an error's body.
pub const PROBLEM: &str = "application/problem+json";

/// The client type of whoever orders in the shop.
pub const RETAIL: &str = "retail";
/// The client type of whoever orders through the partners' intake.
pub const API_PARTNER: &str = "api_partner";

/// `POST /orders` at `internet-shop`, for customers. Sent again with the same `order_ref` it answers with the order that is
/// there; 409 when that is somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOrder {
    /// The client's own reference, unique over all orders.
    pub order_ref: Arc<str>,
    /// Pseudonym of the customer.
    pub customer: Arc<str>,
}

/// `POST /partner/orders` at `shop-api`, for API users: an order and its model at once. 413 when the model is larger than the
/// partners' limit, 422 when it is no model; then there is no order. Sent again it goes on where it had stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerOrder {
    /// The partner's own reference, unique over all orders.
    pub order_ref: Arc<str>,
    /// Pseudonym of the partner's customer.
    pub customer: Arc<str>,
    /// The 3D model: ASCII STL.
    pub model: String,
}

/// `POST /orders/{id}/model` at `internet-shop`: what a customer chooses in the constructor. 422 when nobody can make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// What it is to be.
    pub shape: Shape,
    /// Its inner diameter in millimetres.
    pub diameter_mm: u16,
}

/// What the constructor can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// 12 to 24 mm.
    Ring,
    /// 50 to 80 mm.
    Bracelet,
    /// 8 to 40 mm.
    Pendant,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ring, Self::Bracelet, Self::Pendant];
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

/// `GET /orders?..` at `crm` (sellers) and `mes-api` (operators): one page of the orders that pass all filters. The header
/// `Link` leads to the next page while there may be one; a query that means nothing is answered 400.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOrders {
    /// Only orders in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Only orders of this client type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_type: Option<Arc<str>>,
    /// Only orders that this seller or operator has taken, by pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<Arc<str>>,
    /// Only orders that have been in their state for so many seconds at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_s: Option<u64>,
    /// Freshest first, as when it is not said; else the longest waiting first.
    #[serde(default = "freshest")]
    pub newest_first: bool,
    /// Orders on a page, 1 to 500; 50 when it is not said.
    #[serde(default = "fifty")]
    pub limit: usize,
    /// Which page, from 1.
    #[serde(default = "first")]
    pub page: usize,
}

const fn freshest() -> bool {
    true
}

const fn fifty() -> usize {
    50
}

const fn first() -> usize {
    1
}

/// `POST /orders/{id}/approve|start|complete|package|ship|close|delivered`: somebody's step. 409 when the order is not in the
/// state before it. `delivered` is the carrier's call-back, `close` what a seller does where no carrier calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Names the attempt: sent again with the same id it answers 200 and changes nothing.
    pub event_id: Arc<str>,
    /// Pseudonym of who does it.
    pub by: Arc<str>,
}

/// `POST /orders/{id}/notice` at `internet-shop`, by `crm-api`: the customer is to see a price. 202, also when sent again.
/// `GET` of the same path, by the customer's browser: 200 with what there is to see, 204 as long as that is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The price in cents.
    pub price: i64,
    /// Whose order it is: `retail` or `api_partner`.
    pub client_type: Arc<str>,
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

/// The order that a request is about, by its path, else by a body of JSON: the first of these that names one.
#[must_use]
pub fn order_of<'a>(path: &'a str, body: &'a [u8]) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct About<'a> {
        #[serde(borrow)]
        order_id: Cow<'a, str>,
    }
    let named = |path: &'a str| path.strip_prefix("/orders/")?.split('/').next().filter(|id| !id.is_empty());
    named(path).map(Cow::Borrowed).or_else(|| serde_json::from_slice::<About<'a>>(body).ok().map(|about| about.order_id))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_order_in_its_path_or_in_its_body() {
        assert_eq!(order_of("/orders/o-1.1-7/approve", b"{}").as_deref(), Some("o-1.1-7"));
        assert_eq!(order_of("/orders/o-1.1-7", b"").as_deref(), Some("o-1.1-7"));
        assert_eq!(order_of("/price", br#"{"order_id":"o-2","attempt":1}"#).as_deref(), Some("o-2"));
        for (path, body) in [("/orders", "{}"), ("/orders/", ""), ("/price", "{"), ("/price", r#"{"order_id":7}"#)] {
            assert_eq!(order_of(path, body.as_bytes()), None, "{path} {body}");
        }
    }
}
