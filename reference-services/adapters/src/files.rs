//! Objects in a bucket of an S3 store: requests signed by address (AWS Signature Version 4), nothing retried.

mod bucket;

use std::{
    path::{Component, Path},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{StatusCode, header::CONTENT_LENGTH};
use reqwest::{Method, Response, Url};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use world::{
    Boxed,
    files::{Files, FilesError},
};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a whole answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a signature holds.
const HOLDS: Duration = Duration::from_secs(60);
/// Where a store does not care for regions, the one that all of them take.
const REGION: &str = "us-east-1";

/// A bucket. Clones share its connections.
#[derive(Clone, Debug)]
pub struct S3 {
    bucket: Bucket,
    credentials: Credentials,
    client: reqwest::Client,
}

/// Why an address names no bucket.
#[derive(Debug, thiserror::Error)]
#[error("expected http://access-key:secret@host:port/bucket ({0})")]
pub struct AddressError(String);

impl S3 {
    /// The bucket at `http://access-key:secret@host:port/bucket`; nothing is asked yet.
    ///
    /// # Errors
    /// When the address names no bucket.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        let wrong = |what: &dyn std::fmt::Display| AddressError(what.to_string());
        let mut url = Url::parse(address).map_err(|error| wrong(&error))?;
        let name = url.path().trim_matches('/').to_owned();
        let (key, secret) = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
        if name.is_empty() || name.contains('/') {
            return Err(wrong(&format!("the path is {:?}", url.path())));
        }
        if key.is_empty() || secret.is_empty() {
            return Err(wrong(&"no access key or no secret"));
        }
        url.set_path("/");
        let bucket = Bucket::new(url, UrlStyle::Path, name, REGION).map_err(|error| wrong(&error))?;
        let client = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).timeout(ANSWER).build();
        Ok(Self { bucket, credentials: Credentials::new(key, secret), client: client.map_err(|error| wrong(&error))? })
    }

    /// Sends a signed request, and gives the answer whatever its status.
    async fn send<'a, A: S3Action<'a>>(&self, action: A, body: Bytes) -> Result<Response, FilesError> {
        let method = match A::METHOD {
            rusty_s3::Method::Head => Method::HEAD,
            rusty_s3::Method::Get => Method::GET,
            rusty_s3::Method::Post => Method::POST,
            rusty_s3::Method::Put => Method::PUT,
            rusty_s3::Method::Delete => Method::DELETE,
        };
        self.client.request(method, action.sign(HOLDS)).body(body).send().await.map_err(|error| failure(&error))
    }

    fn credentials(&self) -> Option<&Credentials> {
        Some(&self.credentials)
    }
}

/// A key that an address can hold: a relative path of plain names. No object has any other.
fn plain(key: &str) -> Result<&str, FilesError> {
    let plain = !key.is_empty() && Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(key) } else { Err(FilesError::Missing(key.to_owned())) }
}

/// What a request that got no whole answer means.
fn failure(error: &reqwest::Error) -> FilesError {
    // An address holds its signature: it is nobody's to read.
    let cause = innermost(error);
    if error.is_timeout() { FilesError::Timeout(cause) } else { FilesError::Unavailable(cause) }
}

/// The innermost cause, which is the one that tells people something.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The answer to a request about an object, if it is one.
async fn found(answer: Response, key: &str) -> Result<Response, FilesError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    // A question for the size alone is answered without a body.
    if status == StatusCode::NOT_FOUND && matches!(code, "" | "NoSuchKey") {
        return Err(FilesError::Missing(key.to_owned()));
    }
    Err(FilesError::Unavailable(format!("it answers {} {code}", status.as_u16()).trim_end().to_owned()))
}

fn announced(answer: &Response) -> Option<u64> {
    answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body, or how much of it came.
async fn whole(mut answer: Response, key: &str) -> Result<Bytes, FilesError> {
    let of = announced(&answer).unwrap_or_default();
    let mut content = BytesMut::with_capacity(usize::try_from(of).unwrap_or_default().min(1 << 20));
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => content.extend_from_slice(&chunk),
            Ok(None) => return Ok(content.freeze()),
            Err(error) if error.is_timeout() => return Err(failure(&error)),
            Err(_) => return Err(FilesError::Incomplete { key: key.to_owned(), got: content.len() as u64, of }),
        }
    }
}

impl Files for S3 {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        Box::pin(async move {
            let action = self.bucket.put_object(self.credentials(), plain(key)?);
            found(self.send(action, content).await?, key).await.map(drop)
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        Box::pin(async move {
            let action = self.bucket.get_object(self.credentials(), plain(key)?);
            whole(found(self.send(action, Bytes::new()).await?, key).await?, key).await
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        Box::pin(async move {
            let action = self.bucket.head_object(self.credentials(), plain(key)?);
            let answer = found(self.send(action, Bytes::new()).await?, key).await?;
            announced(&answer).ok_or_else(|| FilesError::Unavailable("it does not say how long the object is".to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// What a question for an object comes to when the store says just this and closes.
    async fn told(answer: &'static str) -> (Result<Bytes, FilesError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://loupe:secret@{}/models", listener.local_addr().unwrap());
        let store = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = socket.read(&mut asked).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked[..length].to_vec()).unwrap()
        };
        let s3 = S3::new(&address).unwrap();
        let (got, asked) = futures_util::future::join(s3.get("models/o-1"), store).await;
        (got, asked.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_request_is_signed_by_its_address() {
        let (got, asked) = block_on(told("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsolid"));
        assert_eq!(got.unwrap(), "solid");
        assert!(
            asked.starts_with("GET /models/models/o-1?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=loupe%2F"),
            "{asked}"
        );
        assert!(asked.contains("&X-Amz-Signature=") && !asked.contains("secret"), "{asked}");
    }

    #[test]
    fn part_of_an_object_is_none() {
        let (got, _) = block_on(told("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsol"));
        assert_eq!(got, Err(FilesError::Incomplete { key: "models/o-1".into(), got: 3, of: 10 }));
    }

    #[test]
    fn only_an_object_that_is_not_there_is_missing() {
        for (answer, error) in [
            ("HTTP/1.1 404 N\r\nContent-Length: 24\r\n\r\n<Code>NoSuchKey</Code>..", FilesError::Missing("models/o-1".into())),
            (
                "HTTP/1.1 404 N\r\nContent-Length: 26\r\n\r\n<Code>NoSuchBucket</Code>.",
                FilesError::Unavailable("it answers 404 NoSuchBucket".into()),
            ),
            ("HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n", FilesError::Unavailable("it answers 503".into())),
        ] {
            assert_eq!(block_on(told(answer)).0, Err(error), "{answer}");
        }
    }

    #[test]
    fn a_store_that_is_away_is_unavailable_and_its_address_stays_secret() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let s3 = S3::new(&format!("http://loupe:secret@{free}/models")).unwrap();
        let error = block_on(s3.put("models/o-1", Bytes::new())).unwrap_err();
        assert!(matches!(&error, FilesError::Unavailable(cause) if cause.contains("refused")), "{error}");
        assert!(!error.to_string().contains("Signature"), "{error}");
    }

    #[test]
    fn a_key_that_no_address_can_hold_names_no_object() {
        let s3 = S3::new("http://loupe:secret@127.0.0.1:1/models").unwrap();
        for key in ["", "..", "../models", "a/../../b", "/etc/hostname"] {
            assert_eq!(block_on(s3.size(key)), Err(FilesError::Missing(key.into())), "{key}");
        }
    }

    #[test]
    fn an_address_without_a_bucket_or_a_secret_is_refused() {
        for wrong in ["loupe", "http://loupe:secret@h", "http://loupe:secret@h/a/b", "http://loupe@h/a", "amqp://l:s@h/a"] {
            assert!(S3::new(wrong).unwrap_err().to_string().starts_with("expected http://"), "{wrong}");
        }
    }
}
