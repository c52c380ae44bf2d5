//! Finds the way to a browser that somebody else has started with `--remote-debugging-port`.

use serde_json::Value;
use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::Url;

use super::cdp::Client;
use crate::deadline::Deadline;
use crate::refused;

/// No answer to the question for the way is longer.
const ANSWER_MAX: u64 = 64 << 10;

/// Opens the web socket of the browser at this address: `http://127.0.0.1:9222`, or its `ws://…/devtools/browser/…`.
///
/// # Errors
/// `Refused` if the address cannot be one; `Lost` if nobody answers there.
pub(super) async fn open(address: &str, deadline: Deadline) -> Result<WebSocketStream<TcpStream>, DriverErrorKind> {
    let wanted = "write http://HOST:PORT, where a browser was started with --remote-debugging-port=PORT";
    let url = Url::parse(address).map_err(|error| refused(format!("{address:?} is no address ({error}); {wanted}")))?;
    let socket = match url.scheme() {
        "ws" => url.clone(),
        "http" => {
            let answer = get_version(&url, deadline).await?;
            let told = answer["webSocketDebuggerUrl"].as_str().unwrap_or_default();
            let mut socket = Url::parse(told)
                .map_err(|_| refused(format!("{address} answers, but not as a browser does; {wanted}")))?;
            // The way there is ours to say: what answers may be reached through a tunnel, and is not to lead us elsewhere.
            let moved = socket.set_host(url.host_str()).is_ok() && socket.set_port(url.port_or_known_default()).is_ok();
            if !moved || socket.scheme() != "ws" {
                return Err(refused(format!("{address} tells a way that is none: {told:?}; {wanted}")));
            }
            socket
        }
        scheme => return Err(refused(format!("a browser is not reached by {scheme}; {wanted}"))),
    };
    let stream = connect(&socket, deadline).await?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(Client::MESSAGE_MAX))
        .max_frame_size(Some(Client::MESSAGE_MAX));
    deadline
        .hold("a web socket", async {
            let opened = tokio_tungstenite::client_async_with_config(socket.as_str(), stream, Some(config)).await;
            opened.map(|(socket, _)| socket).map_err(|error| refused(format!("no web socket at {socket}: {error}")))
        })
        .await
}

async fn connect(url: &Url, deadline: Deadline) -> Result<TcpStream, DriverErrorKind> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    deadline
        .hold("a connection to the browser", async {
            let stream = TcpStream::connect((host, port)).await;
            let stream = stream.map_err(|error| DriverErrorKind::Lost { why: format!("{host}:{port}: {error}") })?;
            drop(stream.set_nodelay(true));
            Ok(stream)
        })
        .await
}

/// What a browser tells of itself over HTTP.
async fn get_version(url: &Url, deadline: Deadline) -> Result<Value, DriverErrorKind> {
    let mut stream = connect(url, deadline).await?;
    deadline
        .hold("the browser's version", async {
            let lost = |error: std::io::Error| DriverErrorKind::Lost { why: error.to_string() };
            let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
            let request = format!("GET /json/version HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.map_err(lost)?;
            let mut answer = Vec::new();
            // The answer is JSON of an object: it is whole when it can be read, whether the other side closes or not.
            loop {
                let mut part = [0; 4096];
                let read = stream.read(&mut part).await.map_err(lost)?;
                answer.extend_from_slice(&part[..read]);
                let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| &answer[at + 4..]);
                if let Some(Ok(version)) = body.map(serde_json::from_slice::<Value>) {
                    return Ok(version);
                }
                if read == 0 || answer.len() as u64 > ANSWER_MAX {
                    return Ok(Value::Null);
                }
            }
        })
        .await
}
