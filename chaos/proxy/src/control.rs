//! The control address.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /rules/{fault}`, a [`Rule`] as JSON | 204; 400 where it is no JSON, 422 where it makes no sense, each with the reason |
//! | `DELETE /rules/{fault}` | 204; 404 where there is none |
//! | `GET /effects?after=N` | a [`Page`] of [`Effect`]s |
//! | `GET /log?after=N` | a [`Page`] of [`Line`]s |
//! | `GET /ready` | 204, once all listeners listen: before, nobody answers here |

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, put},
};
use serde::Deserialize;
use serde_json::error::Category;

use crate::{
    api::{Effect, Line, Page, Rule},
    server::Proxy,
};

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// The paths of a proxy's control address.
pub fn router(proxy: Arc<Proxy>) -> Router {
    Router::new()
        .route("/rules/{fault}", put(rule).delete(no_rule))
        .route("/effects", get(effects))
        .route("/log", get(log))
        .route("/ready", get(StatusCode::NO_CONTENT))
        .with_state(proxy)
}

async fn rule(
    State(proxy): State<Arc<Proxy>>,
    Path(fault): Path<String>,
    body: Bytes,
) -> Result<StatusCode, (StatusCode, String)> {
    let rule: Rule = serde_json::from_slice(&body).map_err(|error| {
        let sense = error.classify() == Category::Data;
        (if sense { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST }, error.to_string())
    })?;
    proxy.put(&fault, rule).map_err(|invalid| (StatusCode::UNPROCESSABLE_ENTITY, invalid.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn no_rule(State(proxy): State<Arc<Proxy>>, Path(fault): Path<String>) -> StatusCode {
    if proxy.delete(&fault) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn effects(State(proxy): State<Arc<Proxy>>, Query(After { after }): Query<After>) -> Json<Page<Effect>> {
    Json(proxy.effects(after))
}

async fn log(State(proxy): State<Arc<Proxy>>, Query(After { after }): Query<After>) -> Json<Page<Line>> {
    Json(proxy.log(after))
}
