//! The process as its driver sees it, without any service: it ends when it should, and counts what fails too.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use scenarios::{
    Scenario,
    actors::briefing::Briefing,
    apart::{Counted, Place, Said, Say, Told},
};

const SCENARIO: &[u8] = b"title = \"t\"\nseed = 7\nduration = \"1h\"\n[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"1/h\"\n";

/// The process, and the driver's end of the line.
fn started() -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_loupe-people"));
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Nothing that is tested here takes so long: who waits longer waits for ever.
    ours.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    (child, ours)
}

/// Its exit code, and what it complained about.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// A place where nobody listens.
fn nowhere() -> Place {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut briefing = Briefing::of(&Scenario::parse("t.toml".as_ref(), SCENARIO).unwrap());
    briefing.people.retry = Duration::from_millis(100);
    let database = format!("postgres://a:b@127.0.0.1:{port}/c");
    let services = ["crm", "mes-api"].map(|service| (service.to_owned(), format!("http://127.0.0.1:{port}")));
    Place {
        seed: 7,
        epoch_ns: 0,
        services: services.into(),
        shop: database.clone(),
        mes: database,
        answer: Duration::from_secs(5),
        keep_alive: true,
        briefing,
    }
}

fn said(said: &impl Said) -> Vec<u8> {
    format!("{}\n", said.line().unwrap()).into_bytes()
}

#[test]
fn people_whose_driver_is_gone_end() {
    let (child, line) = started();
    drop(line);
    let (code, said) = ended(child);
    assert_eq!((code, said.as_str()), (Some(1), "error: the people: the driver is gone\n"));
}

#[test]
fn people_whose_driver_goes_while_they_play_end() {
    let (child, mut line) = started();
    line.write_all(&said(&nowhere())).unwrap();
    let mut word = String::new();
    BufReader::new(line.try_clone().unwrap()).read_line(&mut word).unwrap();
    assert!(Told::read(word.trim()).is_ok(), "{word}");
    drop(line);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.ends_with("the driver is gone\n") || said.contains("Broken pipe"), "{said}");
}

#[test]
fn a_line_that_is_cut_ends_them_with_what_was_wrong() {
    let (child, mut line) = started();
    let place = said(&nowhere());
    line.write_all(&place[..place.len() / 2]).unwrap();
    drop(line);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1));
    assert!(said.contains("a line that is none of the protocol"), "{said}");
}

#[test]
fn goose_counts_each_request_that_the_people_tell_of_and_they_leave_when_told() {
    let (child, mut line) = started();
    line.write_all(&said(&nowhere())).unwrap();
    let (mut requests, mut counted) = (0, Counted::default());
    for word in BufReader::new(line.try_clone().unwrap()).lines() {
        match Told::read(&word.unwrap()).unwrap() {
            Told::Took { .. } => {
                requests += 1;
                if requests == 4 {
                    line.write_all(&said(&Say::Close)).unwrap();
                }
            }
            Told::Over(over) => {
                counted = over;
                break;
            }
            told => panic!("{told:?}"),
        }
    }
    assert!(requests >= 4);
    assert_eq!(counted.requests, [("GET /orders".to_owned(), requests)].into());
    assert_eq!((counted.users["seller"], counted.users["operator-desk"]), (1, 1));
    assert_eq!(ended(child), (Some(0), String::new()));
}
