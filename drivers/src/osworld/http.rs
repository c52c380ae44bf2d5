//! Requests to a control server over HTTP, and its answers as bytes. What they mean is the affair of `answers.rs`.
//!
//! A request is sent once. Only what certainly never went out, because nobody could be connected to, is sent again.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::{Position, Url, form_urlencoded};

use super::machine::MachineErrorKind;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a machine that nobody can connect to is tried again: servers are started anew at times.
const FIND_AGAIN: Duration = Duration::from_secs(3);
/// The least time between two attempts.
const FIND_PAUSE: Duration = Duration::from_millis(200);

/// The way to a control server.
pub(crate) struct Http {
    /// `http://HOST:PORT`
    base: Url,
    /// What a server of ours wants to be shown.
    token: Option<String>,
    client: Client,
}

/// What is sent with a request.
pub(crate) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    Form(&'a [(&'a str, &'a str)]),
    /// A file for a path.
    Upload {
        path: &'a str,
        content: &'a [u8],
    },
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why nothing came back, by what that says of what was asked for.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It was not sent.
    NotSent(String),
    /// It was sent, or a part of it.
    Unanswered(String),
    /// The time was up after it was sent.
    Late(String),
    /// The answer is longer than this.
    TooLarge(u64),
}

impl Fault {
    /// Of something that may have been done.
    pub fn action_error(self) -> MachineErrorKind {
        match self {
            Fault::NotSent(why) => MachineErrorKind::Unreachable { why },
            Fault::Unanswered(why) | Fault::Late(why) => MachineErrorKind::Unanswered { why },
            Fault::TooLarge(bytes_max) => MachineErrorKind::TooLarge { bytes_max },
        }
    }

    /// Of something that only reads.
    pub fn question_error(self) -> MachineErrorKind {
        match self {
            Fault::NotSent(why) | Fault::Unanswered(why) => MachineErrorKind::Unreachable { why },
            Fault::Late(why) => MachineErrorKind::TimedOut { why },
            Fault::TooLarge(bytes_max) => MachineErrorKind::TooLarge { bytes_max },
        }
    }
}

/// Where a control server is, and the ports of its machine's services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    pub base: Url,
    pub token: Option<String>,
    pub browser_port: u16,
    pub vlc_port: u16,
}

/// Reads `http://HOST:5000`, `http://TOKEN@HOST:5000`, `http://HOST:5000?browser=9222&vlc=8080`.
///
/// # Errors
/// What is wrong with it, and how one is written.
pub(super) fn address(text: &str) -> Result<ServerAddress, String> {
    const WANTED: &str = "write http://HOST:PORT, where OSWorld's control server listens (5000 as a rule)";
    let written = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut base = Url::parse(&written).map_err(|error| format!("{text:?} is no address ({error}); {WANTED}"))?;
    if !["http", "https"].contains(&base.scheme()) || base.host_str().is_none() {
        return Err(format!("{text:?} is no address of a control server; {WANTED}"));
    }
    if !["", "/"].contains(&base.path()) || base.fragment().is_some() {
        return Err(format!("{text:?} has more than a host and a port; {WANTED}"));
    }
    let (mut browser_port, mut vlc_port) = (9222, 8080);
    for (key, value) in base.query_pairs() {
        let port = value.parse::<u16>().map_err(|_| format!("{value:?} is no port; {WANTED}"))?;
        match &*key {
            "browser" => browser_port = port,
            "vlc" => vlc_port = port,
            _ => return Err(format!("{key:?} is no service of such a machine; write ?browser=9222&vlc=8080")),
        }
    }
    // Either place will do: the name alone is what other clients can be made to send.
    let token = [base.password().unwrap_or_default(), base.username()].into_iter().find(|token| !token.is_empty());
    let token = token.map(str::to_owned);
    let is_plain = base.set_username("").and_then(|()| base.set_password(None)).is_ok();
    debug_assert!(is_plain, "it has a host");
    base.set_query(None);
    Ok(ServerAddress { base, token, browser_port, vlc_port })
}

impl Http {
    pub fn new(address: &ServerAddress) -> Result<Http, String> {
        // Nothing is to be asked for twice, and nobody is to lead us elsewhere.
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Http { base: address.base.clone(), token: address.token.clone(), client })
    }

    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Reads something: asked for once more if the connection breaks, since that does no harm.
    pub async fn read(
        &self,
        path: &str,
        body: &Body<'_>,
        bytes_max: u64,
        within: Duration,
    ) -> Result<Answer, MachineErrorKind> {
        let began = Instant::now();
        match self.send(path, body, bytes_max, within).await {
            Err(Fault::Unanswered(why)) => {
                tracing::debug!(path, why, "is asked for once more");
                let left = within.saturating_sub(began.elapsed());
                self.send(path, body, bytes_max, left).await.map_err(Fault::question_error)
            }
            result => result.map_err(Fault::question_error),
        }
    }

    /// Has something done, once.
    pub async fn act(
        &self,
        path: &str,
        body: &Body<'_>,
        bytes_max: u64,
        within: Duration,
    ) -> Result<Answer, MachineErrorKind> {
        self.send(path, body, bytes_max, within).await.map_err(Fault::action_error)
    }

    async fn send(&self, path: &str, body: &Body<'_>, bytes_max: u64, within: Duration) -> Result<Answer, Fault> {
        let began = Instant::now();
        if within.is_zero() {
            return Err(Fault::NotSent("no time was left".to_owned()));
        }
        loop {
            let left = within.saturating_sub(began.elapsed());
            let attempt = tokio::time::timeout(left, self.send_once(path, body, bytes_max)).await;
            match attempt.unwrap_or_else(|_| Err(Fault::Late(format!("nothing for {} ms", within.as_millis())))) {
                Err(Fault::NotSent(why)) => {
                    if began.elapsed() + FIND_PAUSE > FIND_AGAIN.min(within) {
                        return Err(Fault::NotSent(why));
                    }
                    sleep(FIND_PAUSE).await;
                }
                result => return result,
            }
        }
    }

    async fn send_once(&self, path: &str, body: &Body<'_>, bytes_max: u64) -> Result<Answer, Fault> {
        let method = if matches!(body, Body::Nothing) { Method::GET } else { Method::POST };
        let address = format!("{}{path}", &self.base[..Position::BeforePath]);
        let mut request = self.client.request(method, address);
        if let Some(token) = &self.token {
            request = request.basic_auth(token, Some(""));
        }
        request = match body {
            Body::Nothing => request,
            Body::Json(value) => request.json(value),
            Body::Form(pairs) => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter()).finish();
                request.header("content-type", "application/x-www-form-urlencoded").body(text)
            }
            Body::Upload { path, content } => {
                let (kind, bytes) = multipart(path, content).map_err(Fault::NotSent)?;
                request.header("content-type", kind).body(bytes)
            }
        };
        let mut response = request.send().await.map_err(fault)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(fault)? {
            if (body.len() + part.len()) as u64 > bytes_max {
                return Err(Fault::TooLarge(bytes_max));
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, body })
    }
}

fn fault(error: reqwest::Error) -> Fault {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    if error.is_connect() || error.is_builder() { Fault::NotSent(why) } else { Fault::Unanswered(why) }
}

/// The content type and the body of a form with a file in it.
fn multipart(path: &str, content: &[u8]) -> Result<(String, Vec<u8>), String> {
    let mut chance = [0; 16];
    getrandom::fill(&mut chance).map_err(|error| error.to_string())?;
    let boundary = hex::encode(chance);
    let name = path.rsplit('/').next().unwrap_or_default();
    let quoted: String = name.chars().filter(|letter| !letter.is_control() && *letter != '"').collect();
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file_path\"\r\n\r\n{path}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"file_data\"; filename=\"{quoted}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_may_bring_a_token() {
        let read = |text: &str| {
            let ServerAddress { base, token, browser_port, vlc_port } = address(text)?;
            Ok::<_, String>((base.to_string(), token, browser_port, vlc_port))
        };
        let http = |base: &str| (base.to_owned(), None, 9222, 8080);
        assert_eq!(read("http://10.0.0.2:5000").unwrap(), http("http://10.0.0.2:5000/"));
        assert_eq!(read("vm:5000").unwrap(), http("http://vm:5000/"));
        assert_eq!(read("https://[::1]:5000/").unwrap(), http("https://[::1]:5000/"));
        let token = Some("secret".to_owned());
        assert_eq!(read("http://secret@vm:1").unwrap(), ("http://vm:1/".to_owned(), token.clone(), 9222, 8080));
        assert_eq!(read("http://:secret@vm:1?vlc=9&browser=8").unwrap(), ("http://vm:1/".to_owned(), token, 8, 9));
        for wrong in
            ["", "http://", "ftp://vm:5000", "http://vm:5000/execute", "vm:5000?x=1", "vm:5000?vlc=x", "vm:99999"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_files_name_ends_no_header() {
        let (kind, body) = multipart("/home/user/a\"\r\nX: y", b"\0\xff").unwrap();
        let boundary = kind.split_once("boundary=").unwrap().1;
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches(boundary).count(), 3);
        assert!(text.contains("filename=\"aX: y\"\r\n"), "{text}");
        assert!(body.windows(2).any(|pair| pair == b"\0\xff"));
    }
}
