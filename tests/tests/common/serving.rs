//! A model behind this program's own server, on a port of this machine.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use tapwright_models::server::{self, ServerLimits, ServerOptions, UrlPolicy};
use tapwright_models::{Local, Sampling};
use tokio::net::TcpListener;

/// Serves it for as long as the runtime is there: greedy, without a key, and with no pictures from addresses.
pub async fn serve(model: Local, name: &str, limits: ServerLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let options = ServerOptions {
        name: name.to_owned(),
        sampling: Sampling::GREEDY,
        key: None,
        open_to_all: false,
        urls: UrlPolicy::None,
        limits,
        observer: None,
    };
    tokio::spawn(server::serve(listener, Arc::new(model), options, pending()));
    at
}
