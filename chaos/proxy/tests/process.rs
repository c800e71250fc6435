//! The binary as a container runs it: configured by its environment, told by its control address, ended by SIGTERM.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "a real process is waited for in real time")]

use std::{
    io::Read as _,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use proxy::api::{Config, Effect, How, Kind, Line, Listener, Page, Rule};

const SOON: Duration = Duration::from_secs(10);

/// A port that nobody has, at least now.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Started {
    process: Child,
    control: String,
}

impl Started {
    fn with(listeners: Vec<Listener>) -> Self {
        let (host, event_header, control) = ("127.0.0.1".parse().unwrap(), "x-event-id".into(), free());
        let config = Config { seed: 1, event_header, listeners, host, control, keeps: 100 };
        let mut command = Command::new(env!("CARGO_BIN_EXE_loupe-proxy"));
        command.env("LOUPE_PROXY", serde_json::to_string(&config).unwrap()).stderr(Stdio::piped());
        Self { process: command.spawn().unwrap(), control: format!("http://127.0.0.1:{control}") }
    }

    async fn ready(&self) {
        let began = Instant::now();
        while !reqwest::get(format!("{}/ready", self.control)).await.is_ok_and(|answer| answer.status() == 204) {
            assert!(began.elapsed() < SOON, "it never became ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn put(&self, body: &str) -> (u16, String) {
        let put = reqwest::Client::new().put(format!("{}/rules/fault@1", self.control));
        let answer = put.body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn ended(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code(), said)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.process.kill().and_then(|()| self.process.wait()));
    }
}

fn postgres() -> Listener {
    Listener { name: "postgres".into(), kind: Kind::Tcp, listen: free(), upstream: "127.0.0.1:1".into() }
}

#[tokio::test]
async fn it_is_told_and_tells_and_goes_when_asked_to() {
    let mut started = Started::with(vec![postgres()]);
    started.ready().await;
    assert_eq!(started.put(r#"{"how":{"do":"refuse"}}"#).await, (204, String::new()));
    assert_eq!(started.put("{").await.0, 400);
    for (body, reason) in [
        (r#"{"how":{"do":"explode"}}"#, "unknown variant `explode`"),
        (r#"{"how":{"do":"lose"}}"#, "no listener called anything can do this"),
        (r#"{"how":{"do":"reset"},"on":"nobody"}"#, "no listener called nobody can do this"),
        (r#"{"how":{"do":"reset"},"share":2}"#, "share is 2, and has to be from 0 to 1"),
    ] {
        let (code, said) = started.put(body).await;
        assert!(code == 422 && said.contains(reason), "{code} {said}");
    }
    let told: Page<Effect> = serde_json::from_str(&get(&started, "effects").await).unwrap();
    assert_eq!((told.items.len(), told.next), (1, 1), "the first rule was in force, and stays so");
    let log: Page<Line> = serde_json::from_str(&get(&started, "log?after=0").await).unwrap();
    assert_eq!((log.items.len(), log.next, log.dropped), (0, 0, 0));
    assert_eq!(reqwest::get(format!("{}/log?after=x", started.control)).await.unwrap().status(), 400);
    let delete = || reqwest::Client::new().delete(format!("{}/rules/fault@1", started.control)).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(delete().await.unwrap().status(), 404);
    assert!(Command::new("kill").args(["-TERM", &started.process.id().to_string()]).status().unwrap().success());
    assert_eq!(started.ended(), (Some(0), String::new()));
}

async fn get(started: &Started, path: &str) -> String {
    reqwest::get(format!("{}/{path}", started.control)).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn two_listeners_of_one_name_are_refused() {
    let (code, said) = Started::with(vec![postgres(), postgres()]).ended();
    assert!(code == Some(1) && said.contains("two listeners are called postgres"), "{said}");
}

#[test]
fn a_rule_is_made_as_it_is_documented() {
    let text = serde_json::to_string(&Rule::new(How::LoseOnTheWire)).unwrap();
    assert_eq!(text, r#"{"how":{"do":"lose-on-the-wire"},"share":1.0}"#);
}
