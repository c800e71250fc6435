//! The list of orders that people pick from: `GET /orders`, filtered and page by page.

use std::time::Duration;

use axum::{extract::Query, response::Response};
use contracts::{
    Status, attributes as name, logs,
    request::{API_PARTNER, ListOrders, OrderView, RETAIL},
    tables::{Order, order},
};
use http::{HeaderValue, StatusCode, Uri, header};
use opentelemetry::KeyValue;
use world::{
    record::{self, Record as _},
    store::{Direction, Scan, StoreError, Value},
};

use crate::{Call, Entry, Refusal, Service, call, describe, log, record::column};

/// The longest page.
const LIMIT: usize = 500;
/// No list is longer than so many pages.
const PAGES: usize = 1_000_000;

/// One page of the orders that pass the query's filters, freshest or longest waiting first.
///
/// # Errors
/// [`Refusal::Malformed`] when the query means nothing, [`Refusal::Store`].
pub async fn orders(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let begun = service.world.rt.now();
    let query = read(call)?;
    let rows = found(service, entry, scan(&query, service.wall_ns())).await?;
    let views: Vec<_> = rows.iter().map(|(order, _)| view(order, query.status.unwrap_or_else(|| state(order)))).collect();
    if service.world.telemetry.enabled() {
        entry.span.set(KeyValue::new(name::LIST_PAGE, whole(query.page)));
        entry.span.set(KeyValue::new(name::LIST_RETURNED, whole(views.len())));
    }
    if service.world.telemetry.logs() {
        let took = service.world.rt.now() - begun;
        log::say(service, entry.span.context(), logs::GET_ORDERS, looked(&query, views.len(), took));
    }
    let mut response = call::json(StatusCode::OK, &views);
    if views.len() == query.limit
        && let Some(next) = next(&call.uri, query.page)
    {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

/// What the log says of a list that somebody looked at.
fn looked(query: &ListOrders, returned: usize, took: Duration) -> Vec<KeyValue> {
    let mut fields = Vec::with_capacity(5);
    let filters = filters(query);
    if !filters.is_empty() {
        fields.push(KeyValue::new(logs::FILTERS, filters));
    }
    fields.push(KeyValue::new(logs::ORDERS_RETURNED, whole(returned)));
    fields.push(KeyValue::new(logs::ORDERS_PAGE, whole(query.page)));
    fields.push(KeyValue::new(logs::ORDERS_FROM_CACHE, false));
    fields.push(KeyValue::new(logs::DURATION, i64::try_from(took.as_nanos()).unwrap_or(i64::MAX)));
    fields
}

/// What a list is filtered by, as a query says it.
fn filters(query: &ListOrders) -> String {
    let texts = [
        ("status", query.status.map(|status| status.name().to_owned())),
        ("client_type", query.client_type.as_deref().map(str::to_owned)),
        ("staff", query.staff.as_deref().map(str::to_owned)),
        ("waiting_s", query.waiting_s.map(|seconds| seconds.to_string())),
    ];
    let set = texts.into_iter().filter_map(|(key, text)| Some(format!("{key}={}", text?)));
    set.collect::<Vec<_>>().join("&")
}

/// The rows of the page, in the span of a statement: the wait for a connection is part of it.
async fn found(service: &Service, entry: &Entry, scan: Scan) -> Result<Vec<(Order, i64)>, StoreError> {
    let mut span = describe::select(service, entry.span.context(), Order::TABLE.name);
    let outcome = async {
        let mut tx = record::begin(&*service.world.store).await?;
        record::scan::<Order>(&mut *tx, scan).await
    }
    .await;
    if let Ok(rows) = &outcome
        && service.world.telemetry.enabled()
    {
        span.set(KeyValue::new(name::DB_RETURNED_ROWS, whole(rows.len())));
    }
    describe::committed(span, &outcome);
    outcome
}

/// The query, which means something.
fn read(call: &Call) -> Result<ListOrders, Refusal> {
    let Query(query) = Query::<ListOrders>::try_from_uri(&call.uri).map_err(|cause| Refusal::Malformed(cause.body_text()))?;
    let outside = |key: &str, is: usize, most: usize| Refusal::Malformed(format!("{key} is {is}, expected 1 to {most}"));
    if !(1..=LIMIT).contains(&query.limit) {
        return Err(outside("limit", query.limit, LIMIT));
    }
    if !(1..=PAGES).contains(&query.page) {
        return Err(outside("page", query.page, PAGES));
    }
    match query.client_type.as_deref() {
        None | Some(RETAIL | API_PARTNER) => Ok(query),
        Some(other) => Err(Refusal::Malformed(format!("client_type is {other:?}, expected {RETAIL} or {API_PARTNER}"))),
    }
}

fn scan(query: &ListOrders, now_ns: i64) -> Scan {
    let direction = if query.newest_first { Direction::Descending } else { Direction::Ascending };
    let status = query.status.map(|status| (order::status, Value::Text(column(status))));
    let texts = [(order::client_type, &query.client_type), (order::staff, &query.staff)];
    let texts = texts.into_iter().filter_map(|(at, text)| Some((at, Value::Text(text.clone()?))));
    let since = query.waiting_s.map(|waiting| now_ns.saturating_sub_unsigned(waiting.saturating_mul(1_000_000_000)));
    Scan {
        equals: status.into_iter().chain(texts).collect(),
        at_most: since.map(|since| (order::updated_ns, since)),
        order_by: Some((order::updated_ns, direction)),
        limit: Some(query.limit),
        offset: (query.page - 1) * query.limit,
        ..Scan::default()
    }
}

/// The way to the next page (RFC 8288).
fn next(uri: &Uri, page: usize) -> Option<HeaderValue> {
    let asked = uri.query().unwrap_or_default().split('&').filter(|part| !part.is_empty() && !part.starts_with("page="));
    let parts: Vec<String> = asked.map(str::to_owned).chain([format!("page={}", page + 1)]).collect();
    HeaderValue::try_from(format!("<{}?{}>; rel=\"next\"", uri.path(), parts.join("&"))).ok()
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An order as answers show it.
#[must_use]
pub fn view(order: &Order, status: Status) -> OrderView {
    OrderView { order_id: order.id.clone(), order_ref: order.order_ref.clone(), status, version: order.version }
}

/// The answer to a step: the order as it is now.
#[must_use]
pub fn answer(status: StatusCode, order: &Order) -> Response {
    call::json(status, &view(order, state(order)))
}

fn state(order: &Order) -> Status {
    order.status.parse().unwrap_or(Status::Initiated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        let next = |uri: &'static str, page| next(&Uri::from_static(uri), page).unwrap();
        assert_eq!(next("/orders", 1), "</orders?page=2>; rel=\"next\"");
        assert_eq!(next("/orders?status=CLOSED&page=7&limit=5", 7), "</orders?status=CLOSED&limit=5&page=8>; rel=\"next\"");
    }

    #[test]
    fn an_order_that_has_just_come_waits_for_no_time() {
        let query = |waiting_s| ListOrders {
            status: None,
            client_type: None,
            staff: Some("operator-1".into()),
            waiting_s,
            newest_first: false,
            limit: 10,
            page: 3,
        };
        let asked = scan(&query(Some(60)), 61_000_000_000);
        assert_eq!((asked.at_most, asked.offset), (Some((order::updated_ns, 1_000_000_000)), 20));
        assert_eq!(asked.equals, [(order::staff, Value::text("operator-1"))]);
        assert_eq!(scan(&query(Some(u64::MAX)), 1).at_most, Some((order::updated_ns, i64::MIN)));
    }

    #[test]
    fn the_log_names_the_filters_that_are_set_and_no_others() {
        let all = ListOrders {
            status: Some(Status::Shipped),
            client_type: None,
            staff: Some("operator-1".into()),
            waiting_s: Some(60),
            newest_first: true,
            limit: 10,
            page: 1,
        };
        assert_eq!(filters(&all), "status=SHIPPED&staff=operator-1&waiting_s=60");
        assert_eq!(filters(&ListOrders { status: None, staff: None, waiting_s: None, ..all }), "");
    }
}
