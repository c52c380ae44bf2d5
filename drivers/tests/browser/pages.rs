//! Serves pages to browsers, over plain HTTP on a port of this machine.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// What a path is answered with: its content type and its body.
pub type Page = (&'static str, Vec<u8>);

/// Serves what `page` returns for a path and the server's port, for as long as the test runs; returns the port. Where it returns
/// nothing, the connection is closed without an answer.
pub fn serve(address: &str, page: impl Fn(&str, u16) -> Option<Page> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = Arc::new(page);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let page = page.clone();
            // Each on its own: some pages never come.
            thread::spawn(move || {
                let path = requested_path(&mut stream)?;
                let (kind, body) = page(&path, port)?;
                let about = format!("Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close", body.len());
                let head = format!("HTTP/1.1 200 OK\r\n{about}\r\n\r\n");
                // A browser that is closed does not want it any more.
                stream.write_all(&[head.as_bytes(), &body].concat()).ok()
            });
        }
    });
    port
}

fn requested_path(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
    String::from_utf8_lossy(&request).split(' ').nth(1).map(str::to_owned)
}
