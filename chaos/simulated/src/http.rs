//! HTTP through a modelled link: the request runs as a task of the callee's node, and dies with it.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
};
use bytes::Bytes;
use faults::{Call, CallFault, What};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use world::{
    Boxed, Either, Node, Runtime,
    http::{Http, HttpError},
    random::Random,
};

use crate::{
    effects::Effects,
    models::DRIVER,
    runtime::{Host, lock, spend},
    waiters::Waiters,
};

/// How the links between services are.
#[derive(Clone, Copy, Debug)]
pub struct HttpSettings {
    /// One way between two services; whole milliseconds.
    pub link: Duration,
    /// How long a caller waits for an answer. Generous by default: a price calculation is one call.
    pub timeout: Duration,
    /// The order that a request is about, by its path and its body: for the faults' effects.
    pub about: for<'a> fn(&'a str, &'a [u8]) -> Option<Cow<'a, str>>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { link: Duration::from_millis(1), timeout: Duration::from_secs(2 * 3600), about: |_, _| None }
    }
}

/// All links between services. Clones are handles of the same ones.
#[derive(Clone)]
pub(crate) struct Links(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    settings: HttpSettings,
    served: Mutex<BTreeMap<&'static str, Served>>,
    hits: Mutex<Vec<Hit>>,
    /// Nodes that a fault keeps from the processor.
    impeded: Mutex<Vec<(Arc<str>, Node)>>,
    effects: Effects,
}

/// Calls that something is wrong with.
struct Hit {
    fault: Arc<str>,
    calls: CallFault,
    /// Calls that were in question: each has a draw of its own.
    met: u64,
}

/// A call to a node that a fault keeps from the processor.
struct Delayed {
    links: Links,
    came: Duration,
    fault: Arc<str>,
    what: What,
    about: Option<String>,
}

impl Delayed {
    /// The call is taken now.
    fn taken(self) {
        let Inner { host, effects, .. } = &*self.links.0;
        if host.now() > self.came {
            effects.add_about(&self.fault, host.wall_ns(DRIVER), self.what, self.about);
        }
    }
}

/// The instances of a service; requests go to them in turn.
#[derive(Default)]
struct Served {
    instances: Vec<Instance>,
    turn: usize,
}

/// A node that serves.
#[derive(Clone)]
struct Instance {
    node: Node,
    router: Router,
    running: Arc<Running>,
}

/// Requests that a node has taken and not yet answered.
#[derive(Default)]
struct Running(Mutex<(usize, Waiters)>);

/// One of them.
struct Taken(Arc<Running>);

impl Running {
    fn take(self: &Arc<Self>) -> Taken {
        lock(&self.0).0 += 1;
        Taken(Arc::clone(self))
    }

    /// Waits until there is none.
    async fn none(&self) {
        let mut place = None;
        poll_fn(|cx| {
            let (requests, waiters) = &mut *lock(&self.0);
            if *requests == 0 {
                return Poll::Ready(());
            }
            waiters.wait(&mut place, cx.waker());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let woken = {
            let (requests, waiters) = &mut *lock(&self.0.0);
            *requests -= 1;
            if *requests == 0 { waiters.take() } else { Vec::new() }
        };
        woken.into_iter().for_each(std::task::Waker::wake);
    }
}

impl Links {
    pub(crate) fn new(host: &Arc<dyn Host>, settings: HttpSettings, effects: Effects) -> Self {
        let (served, hits, impeded) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { host: Arc::clone(host), settings, served, hits, impeded, effects }))
    }

    /// Something is wrong with some calls from now on.
    pub(crate) fn hit(&self, fault: &Arc<str>, calls: CallFault) {
        lock(&self.0.hits).push(Hit { fault: Arc::clone(fault), calls, met: 0 });
    }

    /// A fault is over.
    pub(crate) fn hit_no_more(&self, fault: &str) {
        lock(&self.0.hits).retain(|hit| &*hit.fault != fault);
    }

    /// A fault keeps a node from the processor from now on.
    pub(crate) fn impede(&self, fault: &Arc<str>, node: Node) {
        let mut impeded = lock(&self.0.impeded);
        if !impeded.iter().any(|(impeding, other)| impeding == fault && *other == node) {
            impeded.push((Arc::clone(fault), node));
        }
    }

    /// It does no longer. Gives those that it did it to and that have not died.
    pub(crate) fn impede_no_more(&self, fault: &str) -> Vec<Node> {
        lock(&self.0.impeded).extract_if(.., |(impeding, _)| &**impeding == fault).map(|(_, node)| node).collect()
    }

    /// Tells when a call is taken later than it came, because of a fault; `None` where no fault is in the way.
    fn delayed(&self, from: Node, to: Node, request: &Request<Bytes>) -> Option<Delayed> {
        let inner = &self.0;
        let fault = lock(&inner.impeded).iter().find(|(_, node)| *node == to).map(|(fault, _)| Arc::clone(fault))?;
        let what = What::CallHit { from: from.service.into(), to: to.service.into(), how: "held-up".into() };
        let about = (inner.settings.about)(request.uri().path(), request.body()).map(Cow::into_owned);
        Some(Delayed { links: self.clone(), came: inner.host.now(), fault, what, about })
    }

    /// What happens to a call; that is told.
    fn met(&self, from: Node, to: &str, request: &Request<Bytes>) -> Option<Call> {
        let inner = &self.0;
        let how = lock(&inner.hits).iter_mut().find_map(|Hit { fault, calls, met }| {
            if calls.to != to || calls.from.as_ref().is_some_and(|caller| caller != from.service) {
                return None;
            }
            *met += 1;
            let drawn = Random::new(inner.host.seed(), fault, &format!("{met}")).unit() < calls.share;
            drawn.then(|| (Arc::clone(fault), calls.how))
        });
        let (fault, how) = how?;
        let word = match how {
            Call::Refused => "refused",
            Call::AnswerLost => "answer-lost",
            Call::Slow(_) => "held-up",
        };
        let what = What::CallHit { from: from.service.into(), to: to.into(), how: word.into() };
        let about = (inner.settings.about)(request.uri().path(), request.body()).map(Cow::into_owned);
        inner.effects.add_about(&fault, inner.host.wall_ns(from), what, about);
        Some(how)
    }

    /// The links as a node sees them.
    pub(crate) fn port(&self, node: Node) -> Arc<dyn Http> {
        let engine: Arc<dyn world::Engine> = Arc::clone(&self.0.host) as _;
        Arc::new(Port { links: self.clone(), rt: Runtime::new(engine, node) })
    }

    /// A node died: nobody listens there any more.
    pub(crate) fn node_died(&self, node: Node) {
        lock(&self.0.impeded).retain(|(_, impeded)| *impeded != node);
        let mut dead = Vec::new();
        for served in lock(&self.0.served).values_mut() {
            let (gone, left) = served.instances.drain(..).partition(|instance| instance.node == node);
            served.instances = left;
            dead.push(gone);
        }
        // Routers hold worlds, whose destructors go outside the lock.
        drop::<Vec<Vec<_>>>(dead);
    }

    /// Nobody listens anywhere any more.
    pub(crate) fn shut_down(&self) {
        let served = std::mem::take(&mut *lock(&self.0.served));
        drop(served);
    }

    /// A node takes no more requests; gives those that it has taken.
    fn node_stops(&self, node: Node) -> Option<Instance> {
        let mut served = lock(&self.0.served);
        let instances = &mut served.get_mut(node.service)?.instances;
        let at = instances.iter().position(|instance| instance.node == node)?;
        Some(instances.remove(at))
    }

    fn pick(&self, service: &str) -> Option<Instance> {
        let mut served = lock(&self.0.served);
        let served = served.get_mut(service)?;
        let count = served.instances.len();
        if count == 0 {
            return None;
        }
        served.turn = (served.turn + 1) % count;
        Some(served.instances[served.turn].clone())
    }
}

struct Port {
    links: Links,
    rt: Runtime,
}

impl Http for Port {
    fn call<'a>(&'a self, service: &'a str, request: Request<Bytes>) -> Boxed<'a, Result<Response<Bytes>, HttpError>> {
        Box::pin(async move {
            let HttpSettings { link, timeout, .. } = self.links.0.settings;
            let sent = self.rt.now();
            let met = self.links.met(self.rt.node(), service, &request);
            spend(&self.links.0.host, self.rt.node(), link).await;
            match met {
                Some(Call::Refused) => {
                    spend(&self.links.0.host, self.rt.node(), link).await;
                    return Err(HttpError::Refused(service.into()));
                }
                Some(Call::Slow(more)) => spend(&self.links.0.host, self.rt.node(), more).await,
                Some(Call::AnswerLost) | None => {}
            }
            let Some(Instance { node, router, running }) = self.links.pick(service) else {
                spend(&self.links.0.host, self.rt.node(), link).await;
                return Err(HttpError::Refused(service.into()));
            };
            let delayed = self.links.delayed(self.rt.node(), node, &request);
            let task = self.rt.on(node).spawn("http", answer(router, request, running.take(), delayed));
            match self.rt.race(task.join(), self.rt.sleep_until(sent + timeout)).await {
                Either::Left(response) => {
                    spend(&self.links.0.host, self.rt.node(), link).await;
                    if met == Some(Call::AnswerLost) {
                        return Err(HttpError::Reset(service.into()));
                    }
                    response.ok_or_else(|| HttpError::Reset(service.into()))
                }
                // The callee goes on with it.
                Either::Right(()) => Err(HttpError::Timeout(service.into())),
            }
        })
    }

    fn serve(&self, router: Router) -> Boxed<'_, Result<(), HttpError>> {
        let node = self.rt.node();
        let replaced = {
            let mut served = lock(&self.links.0.served);
            let instances = &mut served.entry(node.service).or_default().instances;
            match instances.iter_mut().find(|instance| instance.node == node) {
                Some(instance) => Some(std::mem::replace(&mut instance.router, router)),
                None => {
                    instances.push(Instance { node, router, running: Arc::default() });
                    None
                }
            }
        };
        drop(replaced);
        Box::pin(std::future::ready(Ok(())))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            if let Some(instance) = self.links.node_stops(self.rt.node()) {
                instance.running.none().await;
            }
        })
    }
}

async fn answer(router: Router, request: Request<Bytes>, _taken: Taken, delayed: Option<Delayed>) -> Response<Bytes> {
    delayed.into_iter().for_each(Delayed::taken);
    let Ok(response) = router.oneshot(request.map(Body::from)).await;
    let (parts, body) = response.into_parts();
    if let Ok(body) = whole(body).await {
        return Response::from_parts(parts, body);
    }
    let mut broken = Response::new(Bytes::new());
    *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    broken
}

/// A body as one piece, which it nearly always is already.
async fn whole(mut body: Body) -> Result<Bytes, axum::Error> {
    let first = match body.frame().await {
        Some(frame) => frame?.into_data().unwrap_or_default(),
        None => return Ok(Bytes::new()),
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let rest = body.collect().await?.to_bytes();
    Ok([first, rest].concat().into())
}
