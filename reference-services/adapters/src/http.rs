//! HTTP over sockets: axum serves, a pooled client calls services by their configured addresses.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use tokio::{
    net::TcpListener,
    sync::{Notify, futures::Notified, oneshot},
};
use world::{
    Boxed, Runtime, Task,
    http::{Http, HttpError},
};

/// How long a connection may take to come about.
pub const CONNECT: Duration = Duration::from_secs(5);

/// Where the services are: `http://host:port`, by name. Clones share it, for a container that is started again may have
/// another port.
#[derive(Clone, Debug, Default)]
pub struct Addresses(Arc<Book>);

#[derive(Debug, Default)]
struct Book {
    bases: RwLock<BTreeMap<String, String>>,
    changed: Notify,
}

impl Addresses {
    /// Where a service is from now on.
    pub fn set(&self, service: &str, base: String) {
        self.0.bases.write().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), base);
        self.0.changed.notify_waiters();
    }

    /// Where it is.
    #[must_use]
    pub fn get(&self, service: &str) -> Option<String> {
        self.0.bases.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// Where all of them are.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, String> {
        self.0.bases.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends when one has changed since this was called.
    pub fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }
}

impl From<BTreeMap<String, String>> for Addresses {
    fn from(bases: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Book { bases: RwLock::new(bases), changed: Notify::new() }))
    }
}

/// The addresses of all services, and the one where this process serves.
pub struct Sockets {
    rt: Runtime,
    listen: Option<SocketAddr>,
    bases: Addresses,
    client: reqwest::Client,
    server: Mutex<Option<Server>>,
}

/// How services are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// How long an answer may take.
    pub limit: Duration,
    /// Connections are used again. Where not, each call has one of its own, so that what happens to a connection happens to a call.
    pub keep_alive: bool,
}

impl Sockets {
    /// Calls the services at `bases`; serves at `listen`.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(
        rt: Runtime,
        listen: Option<SocketAddr>,
        bases: impl Into<Addresses>,
        calls: Calls,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).timeout(calls.limit);
        let client = if calls.keep_alive { client } else { client.pool_max_idle_per_host(0) }.build()?;
        Ok(Self { rt, listen, bases: bases.into(), client, server: Mutex::default() })
    }
}

/// What a failed call means to the caller. A reset and a time-out leave open whether the request was carried out.
fn failure(service: &str, error: &reqwest::Error) -> HttpError {
    if error.is_connect() {
        HttpError::Refused(service.to_owned())
    } else if error.is_timeout() {
        HttpError::Timeout(service.to_owned())
    } else {
        HttpError::Reset(service.to_owned())
    }
}

impl Http for Sockets {
    fn call<'a>(&'a self, service: &'a str, request: Request<Bytes>) -> Boxed<'a, Result<Response<Bytes>, HttpError>> {
        Box::pin(async move {
            let base = self.bases.get(service).ok_or_else(|| HttpError::Refused(service.to_owned()))?;
            let (parts, body) = request.into_parts();
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let request = self.client.request(parts.method, format!("{base}{path}")).headers(parts.headers).body(body);
            let answer = request.send().await.map_err(|error| failure(service, &error))?;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = answer.bytes().await.map_err(|error| failure(service, &error))?;
            Ok(response)
        })
    }

    fn serve(&self, router: Router) -> Boxed<'_, Result<(), HttpError>> {
        Box::pin(async move {
            let address = self.listen.ok_or_else(|| HttpError::Refused("this process serves nothing".into()))?;
            let served = Server::start(&self.rt, address, router).await;
            let server = served.map_err(|error| HttpError::Refused(format!("{address}: {error}")))?;
            *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
            Ok(())
        })
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(server) = server {
                server.stop().await;
            }
        })
    }
}

/// A router at an address. It serves as long as this is kept.
pub struct Server {
    stop: oneshot::Sender<()>,
    ended: Task<std::io::Result<()>>,
}

impl Server {
    /// Serves a router; returns once connections are accepted.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub async fn start(rt: &Runtime, address: SocketAddr, router: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move { drop(stopped.await) });
        Ok(Self { stop, ended: rt.spawn("http", serving.into_future()) })
    }

    /// Accepts nothing more, and waits until every connection has got its answer and is closed.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        drop(self.ended.join().await);
    }
}
