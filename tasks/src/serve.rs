//! Serves a virtual phone to any adb client.

use std::io;
use std::net::SocketAddr;

use tapwright_agent::stop::Stop;
use tapwright_phone::Options;

use crate::device::plug_in;

/// Serves a phone until it is stopped. `ready` is told where, once clients can connect.
///
/// # Errors
/// If nothing can be listened on there.
pub async fn phone(
    listen: SocketAddr,
    phone: &Options,
    mut stop: Stop,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let daemon = plug_in(listen, phone).await?;
    ready(daemon.address());
    stop.stopped().await;
    daemon.kill().await;
    Ok(())
}
