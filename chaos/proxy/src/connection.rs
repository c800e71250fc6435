//! One client's connection and the one that it is passed on by.

use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    amqp::session::{Session, To},
    api::Kind,
    flows::{Any, Frames},
    handle::Handle,
    machine::{self, sleep_until},
    pump::{Flow, pump},
    shared::{Registered, Shared},
};

/// How long the other connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the other end may take to read what came before a cut.
const DRAIN: Duration = Duration::from_secs(1);

/// Passes a connection on until it ends.
pub(crate) async fn serve(shared: Arc<Shared>, kind: Kind, upstream: String, client: TcpStream, registered: Registered) {
    let handle = &registered.0;
    let connecting = machine::first(TcpStream::connect(&upstream), sleep_until(machine::now() + CONNECT));
    let Either::Left(Either::Left(Ok(server))) = machine::first(connecting, handle.is_cut()).await else {
        return reset(&client);
    };
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let (up, down) = ((&mut from_client, &mut to_server), (&mut from_server, &mut to_client));
    let passed = match kind {
        Kind::Amqp => {
            let (rules, records) = (Arc::clone(&shared.rules), Arc::clone(&shared.records));
            let client = handle.client();
            let session = Session::new((rules, records), Arc::clone(&handle.listener), Arc::clone(&client), handle.number);
            let session = Arc::new(Mutex::new(session));
            let flow = |to| {
                let (session, handle, shared) = (Arc::clone(&session), Arc::clone(handle), Arc::clone(&shared));
                Frames { to, greets: true, session, handle, shared, known: Arc::clone(&client) }
            };
            pass(handle, up, down, (flow(To::Broker), flow(To::Client))).await
        }
        Kind::Tcp => {
            let flow = |to| Any { to, handle: Arc::clone(handle), shared: Arc::clone(&shared) };
            pass(handle, up, down, (flow(To::Broker), flow(To::Client))).await
        }
    };
    if handle.resets() {
        reset(to_client.as_ref());
        // Dropping this half by itself would say a friendly end first.
        to_client.forget();
    } else {
        drop(to_client);
    }
    drop(from_client);
    if passed.is_err() {
        drain(from_server, to_server).await;
    }
}

type Ends<'a> = (&'a mut OwnedReadHalf, &'a mut OwnedWriteHalf);

/// Moves bytes both ways until both have ended, one has failed, or the connection is cut.
async fn pass(handle: &Handle, up: Ends<'_>, down: Ends<'_>, mut flows: (impl Flow, impl Flow)) -> io::Result<()> {
    let up = pin!(pump(up, To::Broker, handle, &mut flows.0));
    let down = pin!(pump(down, To::Client, handle, &mut flows.1));
    let both = async {
        match select(up, down).await {
            Either::Left((Ok(()), down)) => down.await,
            Either::Right((Ok(()), up)) => up.await,
            Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
        }
    };
    match machine::first(handle.is_cut(), both).await {
        Either::Left(()) => Err(io::ErrorKind::ConnectionAborted.into()),
        Either::Right(ended) => ended,
    }
}

/// The client is to see a reset.
fn reset(client: &TcpStream) {
    // One that is gone already needs none.
    drop(client.set_zero_linger());
}

/// Closing with bytes unread would be a reset, and a reset may take what was written before with it.
async fn drain(mut from: OwnedReadHalf, mut onto: OwnedWriteHalf) {
    let draining = async {
        onto.shutdown().await?;
        let mut unread = [0; 4096];
        while from.read(&mut unread).await? > 0 {}
        Ok::<(), io::Error>(())
    };
    drop(machine::first(draining, sleep_until(machine::now() + DRAIN)).await);
}
