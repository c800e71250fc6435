//! The people of a real run: sellers, operators and customers who ask, played by users of goose in a closed model.
//!
//! A run's driver starts this process and speaks with it over a socket that is its stdin, a line of JSON each
//! ([`scenarios::apart::lines`]). It ends when the driver says so, and at once when the driver is gone.

mod hands;
mod users;

use std::{
    os::{fd::AsFd as _, unix::net::UnixStream as Socket},
    process::ExitCode,
    sync::Arc,
};

use adapters::{
    http::Addresses,
    runtime::{Epoch, TokioEngine},
    store::Postgres,
};
use scenarios::apart::{Household, Place, Said, Say, Told};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Handle,
    sync::mpsc::{self, UnboundedReceiver},
};
use world::{Node, Runtime, store::Store};

use crate::hands::{Hands, Reach};

/// The people's own node.
const PEOPLE: Node = Node::first("people");
/// Connections to each database: a bell at each desk, and what the driver asks.
const CONNECTIONS: usize = 2;

/// Why there are no people any more.
#[derive(Debug, thiserror::Error)]
enum EndError {
    #[error("the driver is gone")]
    Orphaned,
    #[error("the line to the driver: {0}")]
    Input(#[from] std::io::Error),
    #[error(transparent)]
    Line(#[from] scenarios::apart::lines::LineError),
    #[error("a line for the driver: {0}")]
    Output(#[from] serde_json::Error),
    #[error("a database's address: {0}")]
    Database(String),
    #[error("goose: {0}")]
    Goose(#[from] users::UsersError),
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(EndError::from).and_then(|runtime| {
        let ended = runtime.block_on(play());
        // Who still sleeps is not waited for.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<(), EndError> {
    let (said, word) = driver()?.into_split();
    let mut lines = BufReader::new(said).lines();
    let place = Place::read(&lines.next_line().await?.ok_or(EndError::Orphaned)?)?;
    let rt = Runtime::new(TokioEngine::new(Handle::current(), place.seed, Epoch::at(place.epoch_ns)), PEOPLE);
    let addresses = Addresses::from(place.services.clone());
    let database = |url: &str| {
        Postgres::new(rt.clone(), url, CONNECTIONS)
            .map(|store| Arc::new(store) as Arc<dyn Store>)
            .map_err(|error| EndError::Database(error.to_string()))
    };
    let stores = (database(&place.shop)?, database(&place.mes)?);
    let (tell, told) = mpsc::unbounded_channel();
    let teller = tell.clone();
    let tell_all = Arc::new(move |told| drop(teller.send(told)));
    let household = Household::new((rt.clone(), Arc::new(Hands)), stores, &place.briefing, tell_all);
    let written = rt.spawn("told", write(word, told));
    let hearing = hear(&mut lines, &household, &addresses);
    let reach = Reach { rt: rt.clone(), addresses: addresses.clone(), keep_alive: place.keep_alive, answer: place.answer };
    let playing = users::play(&household, &reach, &place);
    // Whoever is first ends it: goose by its users' end, the driver by its silence.
    let counted = match rt.race(playing, hearing).await {
        world::Either::Left(counted) => counted?,
        world::Either::Right(error) => return Err(error),
    };
    drop(tell.send(Told::Over(counted)));
    drop((tell, household));
    written.join().await.unwrap_or(Ok(()))
}

/// The socket to the driver. Stdout is goose's, which prints there whatever it is told.
fn driver() -> std::io::Result<UnixStream> {
    let socket = Socket::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

/// Does as the driver says, until it says nothing any more.
async fn hear(lines: &mut Lines<BufReader<OwnedReadHalf>>, household: &Arc<Household>, addresses: &Addresses) -> EndError {
    loop {
        let said = match lines.next_line().await {
            Ok(Some(line)) => Say::read(&line),
            Ok(None) => return EndError::Orphaned,
            Err(error) => return error.into(),
        };
        match said {
            Ok(Say::Services(all)) => all.into_iter().for_each(|(service, base)| addresses.set(&service, base)),
            Ok(Say::Close) => {
                household.hear(Say::Close).await;
                users::end();
            }
            Ok(say) => household.hear(say).await,
            Err(error) => return error.into(),
        }
    }
}

/// Writes what is told, each line at once.
async fn write(mut word: OwnedWriteHalf, mut told: UnboundedReceiver<Told>) -> Result<(), EndError> {
    while let Some(told) = told.recv().await {
        let last = matches!(told, Told::Over(_));
        word.write_all(format!("{}\n", told.line()?).as_bytes()).await?;
        if last {
            break;
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the only way to say what is wrong")]
fn complain(text: &str) {
    eprintln!("error: the people: {text}");
}
