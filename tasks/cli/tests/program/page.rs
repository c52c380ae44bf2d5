//! A page that the program serves, from outside: HTTP as a browser or a program speaks it.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// In small letters.
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A page by its address.
pub struct Page {
    /// `127.0.0.1:PORT`
    pub at: String,
    pub token: String,
}

impl Page {
    pub fn at(url: &str) -> Page {
        let (at, token) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        Page { at: at.to_owned(), token: token.trim_end_matches('/').to_owned() }
    }

    /// Sends whole lines, and reads until the other side is done.
    pub fn send(&self, head: &str, body: &str) -> Response {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()); // It may have refused the head already.
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{bytes:?}"));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response { status, head: head.to_lowercase(), body: bytes[end + 4..].to_vec() }
    }

    pub fn get(&self, path: &str) -> Response {
        self.send(&format!("GET /{}/{path} HTTP/1.1\r\nhost: {}", self.token, self.at), "")
    }

    pub fn post(&self, path: &str, kind: &str, body: &str) -> Response {
        let Page { at, token } = self;
        let head = format!(
            "POST /{token}/{path} HTTP/1.1\r\nhost: {at}\r\ncontent-type: {kind}\r\ncontent-length: {}",
            body.len()
        );
        self.send(&head, body)
    }

    /// Does something to a live screen.
    pub fn input(&self, input: &Value) -> Response {
        self.post("input", "application/json", &input.to_string())
    }

    /// The latest picture of a live screen, once its number is another one.
    pub fn frame(&self, after: u64, wait: u64) -> Response {
        self.get(&format!("frame?after={after}&wait={wait}"))
    }
}
