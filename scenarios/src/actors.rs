//! Those who move orders: customers, API users, sellers, operators, carriers.
//!
//! They act through HTTP alone, think as long as the scenario's people do, and write each intent into a shared book. One
//! file per actor; [`desk`] is where sellers and operators find their work, [`intents`] the book. [`asking`] moves nothing.

pub(crate) mod api_user;
pub(crate) mod asking;
pub mod briefing;
pub(crate) mod carrier;
pub(crate) mod consent;
pub(crate) mod correcting;
pub(crate) mod customer;
pub(crate) mod desk;
pub(crate) mod habit;
pub mod intents;
pub(crate) mod models;
pub mod operator;
pub mod requests;
pub(crate) mod seat;
pub(crate) mod seller;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use contracts::{
    Status,
    request::{API_PARTNER, RETAIL, Step},
    services,
};
use faults::{Effect, What};
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use world::{
    Runtime,
    http::{Http, HttpError},
    store::Store,
};

use crate::{
    actors::{
        asking::Asking,
        consent::Undecided,
        habit::Habits,
        intents::{Entry, FailedCall, Intents, Who},
        requests::{Call, Requests},
    },
    apart::{Others, Told},
    driver::Progress,
    people::{People, Wait},
};

/// What every actor needs: the world, the people's habits, the book of intents.
pub(crate) struct Cast {
    pub(crate) rt: Runtime,
    pub(crate) http: Arc<dyn Http>,
    /// Shop DB, by which they notice changes.
    pub(crate) shop: Arc<dyn Store>,
    /// MES DB.
    pub(crate) mes: Arc<dyn Store>,
    pub(crate) people: People,
    pub(crate) intents: Intents,
    pub(crate) requests: Requests,
    /// Those who are played in another process, or whoever must hear of it.
    pub(crate) others: Others,
    pub(crate) progress: Arc<Progress>,
    pub(crate) asking: Asking,
    /// Who has yet to agree to a price; none where nobody is asked.
    pub(crate) undecided: Option<Undecided>,
    /// What customers do otherwise.
    pub(crate) customers: Habits,
    /// How carriers work otherwise.
    pub(crate) carriers: Habits,
    /// What faults that the people carry out themselves did.
    pub(crate) effects: Mutex<Vec<Effect>>,
}

/// An order as the actors know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its id.
    pub order_id: Arc<str>,
    /// The client's own reference.
    pub order_ref: Arc<str>,
}

/// How a request ended for good.
pub(crate) enum End {
    /// Answered with success.
    Done(u16, Bytes),
    /// Refused, or failed as often as anybody tries: the last status, where there was an answer.
    GivenUp(Option<u16>),
}

impl Cast {
    pub(crate) fn rt(&self) -> &Runtime {
        &self.rt
    }

    /// Writes down what a fault did.
    pub(crate) fn note(&self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        self.others.tell(|| Told::Did(effects.clone()));
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).extend(effects);
    }

    /// What faults did so far that the people carry out themselves.
    pub(crate) fn noted(&self) -> Vec<Effect> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether what one says to the other about an order does not get through, by the habits of one of them; that is written down.
    fn unheard(&self, habits: &Habits, piece: &Piece, (from, to): (&str, &str)) -> bool {
        let lost = habits.unheard(self.rt().now()).find(|(fault, share)| self.among(*share, fault, &piece.order_ref));
        let Some((fault, _)) = lost else { return false };
        self.note(vec![Effect {
            fault: fault.to_owned(),
            at_ns: self.now_ns(),
            what: What::CallHit { from: from.to_owned(), to: to.to_owned(), how: "unheard".to_owned() },
            order_id: Some(piece.order_id.to_string()),
            hop: None,
        }]);
        true
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.rt().wall_ns()
    }

    /// Whether an order is one of a share of all: a draw that depends on the purpose and the order alone.
    pub(crate) fn among(&self, share: f64, purpose: &str, order_ref: &str) -> bool {
        share > 0.0 && self.rt().random(purpose, order_ref).unit() < share
    }

    /// Thinks or works for a while: a draw that depends on the purpose and the order alone.
    pub(crate) fn draw(&self, purpose: &str, order_ref: &str, wait: Wait) -> Duration {
        self.rt().random(purpose, order_ref).log_normal(wait.mean, People::VARIATION, wait.cap)
    }

    /// Waits for a while. It ends, by plan, at the moment returned, however late the machine is.
    pub(crate) async fn pause(&self, pause: Duration) -> Duration {
        let planned = self.rt().now() + pause;
        self.rt().sleep_until(planned).await;
        planned
    }

    /// Thinks or works for a while, as long as [`Cast::draw`] says.
    pub(crate) async fn think(&self, purpose: &str, order_ref: &str, wait: Wait) -> Duration {
        self.pause(self.draw(purpose, order_ref, wait)).await
    }

    pub(crate) fn begin(&self, order_ref: &Arc<str>, who: Who, step: Status) -> Entry {
        let at_ns = self.now_ns();
        let entry = self.intents.begin(order_ref, who, step, at_ns);
        self.others.tell(|| Told::Begun { key: entry.key(), order_ref: Arc::clone(order_ref), who, step, at_ns });
        entry
    }

    /// Sends a person's step, which was meant to be done at a moment, until it is answered for good, and strikes the intent out.
    /// True when it was done.
    pub(crate) async fn last_step(&self, entry: Entry, piece: &Piece, by: &str, meant: Duration) -> bool {
        let end = self.send(&entry, piece, by, meant).await;
        self.strike(entry, &end)
    }

    /// The same, and writes down what is meant to be done next. None when the step was given up.
    pub(crate) async fn step(
        &self,
        entry: Entry,
        piece: &Piece,
        by: &str,
        (meant, next): (Duration, (Who, Status)),
    ) -> Option<Entry> {
        let end = self.send(&entry, piece, by, meant).await;
        self.strike_next(entry, &end, next)
    }

    async fn send(&self, entry: &Entry, piece: &Piece, by: &str, meant: Duration) -> End {
        // Most steps are meant once. A second attempt is another event: the first one may have been done and undone.
        let nth = self.intents.attempts(entry);
        let nth = if nth > 1 { format!("#{nth}") } else { String::new() };
        let event_id = [&*piece.order_ref, ":", entry.step.name(), &nth].concat();
        let path = [entry.who.orders(), "/", &piece.order_id, "/", verb(entry.step, entry.who)].concat();
        let body = Step { event_id: event_id.into(), by: by.into() };
        // Whoever closes an order may come before the CRM has heard that it was shipped.
        let patience = if entry.step == Status::Closed { People::CLOSE_RETRIES } else { 0 };
        self.insist(entry, json(Method::POST, &path, &body), patience, meant).await
    }

    /// Strikes an intent out by how its request ended. True when it was done.
    pub(crate) fn strike(&self, entry: Entry, end: &End) -> bool {
        let (key, at_ns) = (entry.key(), self.now_ns());
        let (done, status) = match end {
            End::Done(status, _) => {
                self.intents.done(entry, *status, at_ns);
                (true, Some(*status))
            }
            End::GivenUp(status) => {
                self.intents.give_up(entry, *status, at_ns);
                (false, *status)
            }
        };
        self.others.tell(|| Told::Ended { key, done, status, at_ns });
        done
    }

    /// The same, and writes down what is meant to be done next. None when the step was given up.
    pub(crate) fn strike_next(&self, entry: Entry, end: &End, next: (Who, Status)) -> Option<Entry> {
        let End::Done(status, _) = *end else {
            self.strike(entry, end);
            return None;
        };
        let (key, at_ns) = (entry.key(), self.now_ns());
        let entry = self.intents.done_next(entry, status, next, at_ns);
        self.others.tell(|| Told::Followed { key, status, next: entry.key(), who: next.0, step: next.1, at_ns });
        Some(entry)
    }

    /// Sends a request again and again, as patiently as people are: a server's failure is tried again soon, and a step that
    /// comes too early a little later, as often as `patience` says.
    pub(crate) async fn insist(&self, entry: &Entry, request: Request<Bytes>, patience: u32, meant: Duration) -> End {
        let mut meant = meant;
        let (mut failures, mut refusals) = (0, 0);
        loop {
            let asked_ns = self.now_ns();
            let answer = self.call(entry.who, Call::Step(entry.step), request.clone(), meant).await;
            let status = answer.as_ref().ok().map(|response| response.status());
            if status.is_none_or(|status| !status.is_success()) {
                let status = status.map(|status| status.as_u16());
                let call = FailedCall { asked_ns, ended_ns: self.now_ns(), status };
                self.intents.failed(entry, call);
                self.others.tell(|| Told::Failed { key: entry.key(), call });
            }
            match (answer, status) {
                (Ok(response), Some(status)) if status.is_success() => return End::Done(status.as_u16(), response.into_body()),
                (_, Some(status)) if status.as_u16() == 409 && refusals < patience => {
                    refusals += 1;
                    meant = self.pause(self.people.close_retry).await;
                }
                (_, Some(status)) if !status.is_server_error() => return End::GivenUp(Some(status.as_u16())),
                (_, status) if failures >= People::RETRIES => return End::GivenUp(status.map(|status| status.as_u16())),
                _ => {
                    failures += 1;
                    meant = self.pause(self.people.retry).await;
                }
            }
        }
    }

    /// Sends one request, which was meant to be sent at a moment, to the service of whoever sends it.
    pub(crate) async fn call(
        &self,
        who: Who,
        call: Call,
        request: Request<Bytes>,
        meant: Duration,
    ) -> Result<Response<Bytes>, HttpError> {
        let answer = self.http.call(who.service(), request).await;
        let took = self.rt().now().saturating_sub(meant);
        self.requests.took(who, call, took);
        self.others.tell(|| Told::Took { who, call, took });
        answer
    }
}

impl Who {
    /// As in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::ApiUser => "api-user",
            Self::Seller => "seller",
            Self::Operator => "operator",
            Self::Carrier => "carrier",
        }
    }

    /// Whose order it is that such a one begins; empty of those who begin none.
    #[must_use]
    pub const fn client_type(self) -> &'static str {
        match self {
            Self::Customer => RETAIL,
            Self::ApiUser => API_PARTNER,
            Self::Seller | Self::Operator | Self::Carrier => "",
        }
    }

    /// Where it has its orders.
    const fn orders(self) -> &'static str {
        match self {
            Self::ApiUser => "/partner/orders",
            _ => "/orders",
        }
    }

    /// The service that they talk to.
    const fn service(self) -> &'static str {
        match self {
            Self::Customer => services::INTERNET_SHOP,
            Self::ApiUser => services::SHOP_API,
            Self::Seller => services::CRM,
            Self::Operator => services::MES_API,
            Self::Carrier => services::CRM_API,
        }
    }
}

/// The end of the path of the step that leads to a state. The first two states are not entered by a step.
pub(crate) fn verb(step: Status, who: Who) -> &'static str {
    match step {
        Status::ManufacturingApproved => "approve",
        Status::ManufacturingStarted => "start",
        Status::ManufacturingCompleted => "complete",
        Status::Packaging => "package",
        Status::Shipped => "ship",
        Status::Closed if who == Who::Carrier => "delivered",
        Status::Closed => "close",
        _ => "submit",
    }
}

/// A request with a JSON body.
pub(crate) fn json(method: Method, path: &str, body: &impl serde::Serialize) -> Request<Bytes> {
    let body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
    request(method, path, "application/json", body)
}

/// A request with a body.
pub(crate) fn request(method: Method, path: &str, media_type: &'static str, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // Paths hold ids and digits only; a path that is none would meet a 404 and be given up.
    *request.uri_mut() = path.parse().unwrap_or_default();
    request.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media_type));
    request
}
