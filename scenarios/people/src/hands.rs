//! HTTP for the people: whatever one of them asks a service for, the goose user who plays them asks.
//!
//! So goose makes and counts every request, and the actors need not know of it: they call the port, and the user in whose task
//! they run has it done.

use std::{pin::pin, time::Duration};

use adapters::http::{Addresses, CONNECT};
use axum::Router;
use bytes::Bytes;
use goose::{
    goose::{GooseRequest, goose_method_from_method},
    prelude::GooseUser,
};
use http::{Request, Response};
use tokio::sync::{
    mpsc::{self, Sender},
    oneshot,
};
use world::{
    Boxed, Either, Runtime,
    http::{Http, HttpError},
};

tokio::task_local! {
    /// Where the person who runs in this task has requests made.
    static USER: Sender<Wish>;
}

/// A request that somebody wants to be made.
struct Wish {
    service: String,
    request: Request<Bytes>,
    answer: oneshot::Sender<Result<Response<Bytes>, HttpError>>,
}

/// The port.
pub(crate) struct Hands;

impl Http for Hands {
    fn call<'a>(&'a self, service: &'a str, request: Request<Bytes>) -> Boxed<'a, Result<Response<Bytes>, HttpError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let user = USER.try_with(Sender::clone);
            let wish = Wish { service: service.to_owned(), request, answer };
            // Nobody calls who is not played: nobody would count it.
            user.map_err(|_| refused(service))?.send(wish).await.map_err(|_| refused(service))?;
            answered.await.map_err(|_| HttpError::Reset(service.to_owned()))?
        })
    }

    fn serve(&self, _router: Router) -> Boxed<'_, Result<(), HttpError>> {
        Box::pin(async { Err(refused("people serve nothing")) })
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {})
    }
}

fn refused(service: &str) -> HttpError {
    HttpError::Refused(service.to_owned())
}

/// How users reach services.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) rt: Runtime,
    pub(crate) addresses: Addresses,
    /// Connections are used again. Where not, a share of the connections is a share of the calls.
    pub(crate) keep_alive: bool,
    /// How long an answer may take.
    pub(crate) answer: Duration,
}

impl Reach {
    /// The client of a user, as that of the driver is; goose's own would keep cookies and wait longer.
    pub(crate) fn client(&self) -> goose_client::ClientBuilder {
        let client = goose_client::Client::builder().no_proxy().connect_timeout(CONNECT).timeout(self.answer);
        if self.keep_alive { client } else { client.pool_max_idle_per_host(0) }
    }
}

/// Lets a person do something, and makes all requests that they make meanwhile.
pub(crate) async fn act(user: &mut GooseUser, reach: &Reach, doing: impl Future<Output = ()>) {
    let (wish, mut wishes) = mpsc::channel(1);
    let mut doing = pin!(USER.scope(wish, doing));
    loop {
        match reach.rt.race(doing.as_mut(), wishes.recv()).await {
            Either::Left(()) | Either::Right(None) => return,
            Either::Right(Some(Wish { service, request, answer })) => {
                // Who does not wait for the answer any more has gone.
                drop(answer.send(ask(user, reach, &service, request).await));
            }
        }
    }
}

async fn ask(user: &mut GooseUser, reach: &Reach, service: &str, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let reset = || HttpError::Reset(service.to_owned());
    let base = reach.addresses.get(service).ok_or_else(|| refused(service))?;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let method = goose_method_from_method(parts.method).map_err(|_| reset())?;
    let builder = user.get_request_builder(&method, &format!("{base}{path}")).map_err(|_| reset())?;
    let builder = builder.headers(parts.headers).body(body);
    let name = route(path);
    let request = GooseRequest::builder().method(method).name(name.as_str()).set_request_builder(builder).build();
    let answered = user.request(request).await.map_err(|_| reset())?.response;
    // As the adapters tell them apart: a reset and a time-out leave open whether the request was carried out.
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) if error.is_connect() => return Err(refused(service)),
        Err(error) if error.is_timeout() => return Err(HttpError::Timeout(service.to_owned())),
        Err(_) => return Err(reset()),
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = answered.status();
    *response.headers_mut() = answered.headers().clone();
    *response.body_mut() = answered
        .bytes()
        .await
        .map_err(|error| if error.is_timeout() { HttpError::Timeout(service.to_owned()) } else { reset() })?;
    Ok(response)
}

/// The path without what differs from order to order, so that requests of a kind are counted together.
fn route(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let segment = |(at, segment): (usize, &str)| if at == 2 { "{id}".to_owned() } else { segment.to_owned() };
    path.split('/').enumerate().map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_kind_have_one_name() {
        assert_eq!(route("/orders/o-1.1-7/approve"), "/orders/{id}/approve");
        assert_eq!(route("/orders/o-1.1-7"), "/orders/{id}");
        assert_eq!(route("/orders?status=PRICE_CALCULATED&limit=3"), "/orders");
    }

    #[test]
    fn nobody_calls_who_is_not_played() {
        let call = async { Hands.call("crm", Request::new(Bytes::new())).await };
        let answer = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(call);
        assert_eq!(answer.unwrap_err(), HttpError::Refused("crm".to_owned()));
    }
}
