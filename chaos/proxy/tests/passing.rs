//! Connections through a proxy, with a test's own server behind it: what passes, what is held back, what is done to them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "real sockets are waited for in real time")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use proxy::{
    Proxy,
    api::{Config, How, Kind, Listener, Rule, Way},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// Nothing here takes longer, unless it never comes.
const SOON: Duration = Duration::from_secs(5);
/// Long enough to see that nothing comes.
const WHILE: Duration = Duration::from_millis(150);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// A proxy in front of a server that sends back what it gets.
async fn echo(kind: Kind) -> (Proxy, SocketAddr) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = server.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = server.accept().await {
            tokio::spawn(async move {
                let (mut from, mut onto) = socket.split();
                drop(tokio::io::copy(&mut from, &mut onto).await);
            });
        }
    });
    proxied(kind, upstream).await
}

async fn proxied(kind: Kind, upstream: SocketAddr) -> (Proxy, SocketAddr) {
    let listener = Listener { name: "part".into(), kind, listen: 0, upstream: upstream.to_string() };
    let host = "127.0.0.1".parse().unwrap();
    let (seed, event_header, control, keeps) = (1, "x-event-id".into(), 0, 1000);
    let proxy = Proxy::start(&Config { seed, event_header, listeners: vec![listener], host, control, keeps }).await.unwrap();
    let address = proxy.address("part").unwrap();
    (proxy, address)
}

/// Says something and gives the answer.
async fn ask(socket: &mut TcpStream, says: &[u8]) -> std::io::Result<Vec<u8>> {
    socket.write_all(says).await?;
    let mut answer = vec![0; says.len()];
    timeout(SOON, socket.read_exact(&mut answer)).await??;
    Ok(answer)
}

fn effects(proxy: &Proxy) -> Vec<String> {
    proxy.effects(0).items.iter().map(|effect| effect.how.to_string()).collect()
}

#[test]
fn bytes_pass_both_ways_and_so_does_the_end() {
    block_on(async {
        let (_proxy, address) = echo(Kind::Tcp).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut socket, b"hello").await.unwrap(), b"hello");
        socket.shutdown().await.unwrap();
        assert_eq!(timeout(SOON, socket.read(&mut [0])).await.unwrap().unwrap(), 0);
    });
}

#[test]
fn latency_is_added_once_however_much_is_said() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        proxy.put("slow", Rule::new(How::Latency { ms: 60, way: Way::Both })).unwrap();
        let began = Instant::now();
        assert_eq!(ask(&mut socket, &vec![7; 300_000]).await.unwrap().len(), 300_000);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(120) && took < Duration::from_millis(1_000), "{took:?}");
        assert!(proxy.delete("slow"));
        let began = Instant::now();
        ask(&mut socket, b"hello").await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(60));
        assert_eq!(effects(&proxy), ["slowed"]);
    });
}

#[test]
fn a_throttle_lets_so_many_bytes_through() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        proxy.put("narrow", Rule::new(How::Throttle { bytes_per_s: 100_000, way: Way::Up })).unwrap();
        let mut socket = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        ask(&mut socket, &vec![7; 50_000]).await.unwrap();
        let took = began.elapsed();
        assert!(took > Duration::from_millis(400) && took < Duration::from_millis(1_500), "{took:?}");
    });
}

#[test]
fn a_half_open_connection_says_nothing_and_holds_what_was_sent() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        ask(&mut socket, b"before").await.unwrap();
        proxy.put("cut", Rule::new(How::HalfOpen)).unwrap();
        socket.write_all(b"held").await.unwrap();
        let mut fresh = TcpStream::connect(address).await.unwrap();
        fresh.write_all(b"fresh").await.unwrap();
        let mut answer = [0; 4];
        assert!(timeout(WHILE, socket.read(&mut answer)).await.is_err());
        assert!(timeout(WHILE, fresh.read(&mut answer)).await.is_err());
        proxy.delete("cut");
        timeout(SOON, socket.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"held");
        timeout(SOON, fresh.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(effects(&proxy), ["half-open", "half-open"]);
    });
}

#[test]
fn whoever_is_refused_cannot_connect_until_it_is_over() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        ask(&mut socket, b"before").await.unwrap();
        proxy.put("partition", Rule::new(How::Refuse)).unwrap();
        assert!(ask(&mut socket, b"after").await.is_err());
        sleep(WHILE).await;
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        proxy.delete("partition");
        sleep(WHILE).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut socket, b"again").await.unwrap(), b"again");
        assert_eq!(effects(&proxy), ["refused", "refused"]);
    });
}

#[test]
fn a_reset_is_seen_as_one() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        ask(&mut socket, b"before").await.unwrap();
        proxy.put("reset", Rule::new(How::Reset)).unwrap();
        let seen = timeout(SOON, socket.read(&mut [0])).await.unwrap().unwrap_err();
        assert_eq!(seen.kind(), std::io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_lost_answer_belongs_to_a_request_that_arrived() {
    block_on(async {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (proxy, address) = proxied(Kind::Tcp, server.local_addr().unwrap()).await;
        proxy.put("answer-lost", Rule::new(How::LoseAnswers)).unwrap();
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"request").await.unwrap();
        let (mut served, _) = server.accept().await.unwrap();
        let mut request = [0; 7];
        served.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"request");
        served.write_all(b"answer").await.unwrap();
        let seen = timeout(SOON, socket.read(&mut [0])).await.unwrap().unwrap_err();
        assert_eq!(seen.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(effects(&proxy), ["answer-lost"]);
    });
}

#[test]
fn a_share_of_the_connections_is_hit() {
    block_on(async {
        let (proxy, address) = echo(Kind::Tcp).await;
        proxy.put("answer-lost", Rule { share: 0.5, most: Some(3), ..Rule::new(How::LoseAnswers) }).unwrap();
        let mut lost = 0;
        for _ in 0..30 {
            let mut socket = TcpStream::connect(address).await.unwrap();
            lost += usize::from(ask(&mut socket, b"hello").await.is_err());
        }
        assert_eq!((lost, effects(&proxy).len()), (3, 3));
    });
}

/// Body frames without end, as fast as they are taken; how many bytes were.
async fn flood(socket: &mut TcpStream) -> usize {
    let frame = [&[3, 0, 1, 0, 0, 0x40, 0][..], &[7; 0x4000], &[0xce]].concat();
    let mut sent = 0;
    // A stalled reader shows as a write that does not end.
    while let Ok(Ok(())) = timeout(Duration::from_secs(1), socket.write_all(&frame)).await {
        sent += frame.len();
    }
    sent
}

#[test]
fn a_slow_reader_holds_its_sender_back() {
    block_on(async {
        // What two pairs of sockets take on loopback, and nothing that grows with what is sent.
        const BOUND: usize = 32 << 20;
        for kind in [Kind::Amqp, Kind::Tcp] {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (proxy, address) = proxied(kind, server.local_addr().unwrap()).await;
            // Held back bytes are bounded too.
            proxy.put("slow", Rule::new(How::Latency { ms: 1, way: Way::Both })).unwrap();
            let mut socket = TcpStream::connect(address).await.unwrap();
            let (mut served, _) = server.accept().await.unwrap();
            let before = memory();
            let sent = timeout(Duration::from_secs(30), flood(&mut socket)).await.unwrap();
            let grown = memory().saturating_sub(before);
            assert!(sent < BOUND, "{kind:?}: {sent} bytes were taken from the sender");
            assert!(grown < 8 << 20, "{kind:?}: {grown} bytes of memory more");
            let mut read = 0;
            let mut buffer = vec![0; 1 << 16];
            while read < sent {
                read += timeout(SOON, served.read(&mut buffer)).await.unwrap().unwrap();
            }
            drop(proxy);
        }
    });
}

/// Resident memory of this process, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn what_is_no_amqp_ends_both_connections() {
    block_on(async {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (proxy, address) = proxied(Kind::Amqp, server.local_addr().unwrap()).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        let (mut served, _) = server.accept().await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(timeout(SOON, served.read(&mut [0])).await.unwrap().unwrap(), 0);
        drop(served);
        let ended = timeout(SOON, socket.read(&mut [0])).await.unwrap();
        assert!(ended.is_err() || ended.is_ok_and(|read| read == 0));
        let log = serde_json::to_string(&proxy.log(0)).unwrap();
        assert!(log.contains(r#""entry":"violated","why":"a frame of an unknown kind, 71""#), "{log}");
    });
}
