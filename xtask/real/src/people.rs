//! The process in which goose plays the people: started for a run, spoken to over a socket that it has for its stdin, ended with it.
//!
//! It ends when the other end of that socket is closed, so that it never outlives this process, however that dies. Its stdout is
//! nobody's, for goose says there what it likes.

use std::{
    os::fd::OwnedFd,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapters::http::Addresses;
use scenarios::apart::{Line, Place, Said, Say, Told};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, ChildStderr, Command},
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};
use world::{Either, Runtime};

/// The people's binary, beside the services' one.
pub const BINARY: &str = "loupe-people";
/// How long they may take to leave when the run is over.
const LEAVE: Duration = Duration::from_secs(10);
/// So much of what they complain about is kept.
const COMPLAINT: u64 = 4_096;

/// A running process.
pub struct People {
    rt: Runtime,
    line: Arc<Line>,
    child: Mutex<Child>,
    wrong: Arc<Mutex<Vec<String>>>,
}

/// Why there are no people.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Their process does not start.
    #[error("{BINARY} does not start: {0}")]
    Start(std::io::Error),
    /// It has ended by itself.
    #[error("the people's process ended before the run did ({status}){because}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it said.
        because: String,
    },
    /// What it says cannot be understood.
    #[error("the people's process: {0}")]
    Speech(String),
}

impl People {
    /// Starts the process; the people begin at once.
    ///
    /// # Errors
    /// When the operating system cannot.
    pub fn start(rt: &Runtime, binary: &Path, place: Place, addresses: Addresses) -> Result<Self, PeopleError> {
        let (ours, theirs) = UnixStream::pair().map_err(PeopleError::Start)?;
        let theirs: OwnedFd = theirs.into_std().map_err(PeopleError::Start)?.into();
        let mut command = Command::new(binary);
        // Nothing here is configured by an environment. In a group of its own, Ctrl-C reaches who tells them to go, and not them.
        command.env_clear().process_group(0).kill_on_drop(true);
        command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(PeopleError::Start)?;
        // It holds their end of the socket, which must be theirs alone.
        drop(command);
        let (word, orders) = ours.into_split();
        let (say, said) = mpsc::unbounded_channel();
        let (tell, told) = mpsc::unbounded_channel();
        let wrong = Arc::new(Mutex::new(Vec::new()));
        drop(rt.spawn("people's orders", write(rt.clone(), orders, place, (said, addresses))));
        drop(rt.spawn("people's word", read(word, tell, Arc::clone(&wrong))));
        if let Some(stderr) = child.stderr.take() {
            drop(rt.spawn("people's complaints", listen(stderr, Arc::clone(&wrong))));
        }
        Ok(Self { rt: rt.clone(), line: Line::new(say, told), child: Mutex::new(child), wrong })
    }

    /// The line to them.
    #[must_use]
    pub fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }

    /// The number of their process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child().id()
    }

    /// Whether they are still there, and understood.
    ///
    /// # Errors
    /// When they are not, with what they said last.
    pub fn check(&self) -> Result<(), PeopleError> {
        let ended = self.child().try_wait().map_err(PeopleError::Start)?;
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        match ended {
            // Whoever is over has said so, and may go.
            _ if self.line.counted().is_some() => Ok(()),
            Some(status) => {
                let because = if wrong.is_empty() { wrong } else { format!(": {wrong}") };
                Err(PeopleError::Ended { status, because })
            }
            None if wrong.is_empty() => Ok(()),
            None => Err(PeopleError::Speech(wrong)),
        }
    }

    /// Waits until they have left; who does not is made to.
    pub async fn end(self) {
        let Self { rt, line, child, .. } = self;
        // With the last of those who could say something, the line to them ends.
        drop(line);
        let mut child = child.into_inner().unwrap_or_else(PoisonError::into_inner);
        if rt.timeout(LEAVE, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes where they are, then what they are told, and where services are whenever that changes.
async fn write(
    rt: Runtime,
    mut orders: OwnedWriteHalf,
    place: Place,
    (mut said, addresses): (UnboundedReceiver<Say>, Addresses),
) -> std::io::Result<()> {
    orders.write_all(line(&place)?.as_bytes()).await?;
    let mut known = place.services;
    loop {
        let changed = addresses.changed();
        let all = addresses.all();
        let say = if all == known {
            match rt.race(said.recv(), changed).await {
                Either::Left(Some(say)) => say,
                Either::Left(None) => return Ok(()),
                Either::Right(()) => continue,
            }
        } else {
            known = all.clone();
            Say::Services(all)
        };
        orders.write_all(line(&say)?.as_bytes()).await?;
    }
}

fn line(said: &impl Said) -> std::io::Result<String> {
    Ok(format!("{}\n", said.line().map_err(std::io::Error::other)?))
}

/// Reads what they tell, until they end or cannot be understood.
async fn read(word: OwnedReadHalf, tell: UnboundedSender<Told>, wrong: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(word).lines();
    let why = loop {
        match lines.next_line().await {
            Ok(Some(line)) => match Told::read(&line) {
                Ok(told) => drop(tell.send(told)),
                Err(error) => break error.to_string(),
            },
            Ok(None) => return,
            Err(error) => break error.to_string(),
        }
    };
    wrong.lock().unwrap_or_else(PoisonError::into_inner).push(why);
}

/// Keeps the beginning of what they complain about.
async fn listen(stderr: ChildStderr, wrong: Arc<Mutex<Vec<String>>>) {
    let mut said = Vec::new();
    let mut stderr = stderr;
    drop((&mut stderr).take(COMPLAINT).read_to_end(&mut said).await);
    let text = String::from_utf8_lossy(&said).trim().to_owned();
    if !text.is_empty() {
        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
    // Read on, so that whoever complains on is not held up.
    drop(tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await);
}
