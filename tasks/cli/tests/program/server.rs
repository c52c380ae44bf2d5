//! Servers for tests: plain HTTP on a port of this machine, a request a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// A request as it came.
pub struct Request {
    /// Its first line and its headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// All of it.
    pub fn text(&self) -> String {
        format!("{}{}", self.head, str::from_utf8(&self.body).unwrap())
    }
}

/// Has each request handled as it comes, one at a time; returns the address. A connection on which nobody asks keeps nobody waiting:
/// browsers open some in advance.
pub fn serve(handle: impl FnMut(Request, TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let handle = Arc::new(Mutex::new(handle));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            thread::spawn(move || {
                if let Some(request) = read_request(&stream) {
                    let mut handle = handle.lock().unwrap();
                    handle(request, stream);
                }
            });
        }
    });
    origin
}

/// A server of models that answers what `reply` says to a request; returns its address.
pub fn serve_model(mut reply: impl FnMut(&Value) -> String + Send + 'static) -> String {
    serve(move |request, stream| say(stream, &reply(&request.json()))) + "/v1"
}

/// A model server that the test answers for.
pub struct Server {
    pub url: String,
    requests: Receiver<TcpStream>,
}

impl Server {
    pub fn start() -> Server {
        let (asked, requests) = channel();
        let url = serve(move |_, stream| drop(asked.send(stream))) + "/v1";
        Server { url, requests }
    }

    /// One that gives every request the same answer.
    pub fn always(status: &'static str, body: &'static str) -> Server {
        let (_keep, requests) = channel();
        let url = serve(move |_, stream| answer(stream, status, body)) + "/v1";
        Server { url, requests }
    }

    /// Waits for a request; it waits for its answer until the stream is dropped.
    pub fn request(&self) -> TcpStream {
        self.requests.recv().unwrap()
    }
}

/// Answers as a model that says this.
pub fn say(stream: TcpStream, reply: &str) {
    let body = serde_json::json!({"choices": [{"message": {"content": reply}, "finish_reason": "stop"}]}).to_string();
    answer(stream, "200 OK", &body);
}

/// Answers with JSON.
pub fn answer(stream: TcpStream, status: &str, body: &str) {
    send(stream, &response(status, "application/json", body.as_bytes()));
}

pub fn send(mut stream: TcpStream, response: &[u8]) {
    let _ = stream.write_all(response); // Whoever asked may not want it any more, or have enough before the end.
}

/// The bytes of a response.
pub fn response(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Reads a request to its end; `None` if it has none.
fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = &head[start..];
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}
