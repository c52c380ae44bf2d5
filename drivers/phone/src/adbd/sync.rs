//! The `sync:` service: `adb push`, `pull`, `ls` and what asks for a file's size before.

use super::files::{FileError, Node, PATH_MAX, resolve};
use super::handle::Handle;
use super::stream::{Disconnected, Stream};
use super::sync_wire::{self as wire, DATA_MAX, FileStatus, Request, Requests, SyncError};

/// Answers requests until the client quits, leaves, or says something else.
pub(super) async fn serve(stream: &mut Stream, handle: &Handle) -> Result<(), Disconnected> {
    let mut requests = Requests::default();
    loop {
        let request = match next(&mut requests, stream).await? {
            Ok(request) => request,
            Err(bad) => return refuse(stream, &bad.to_string()).await,
        };
        match request {
            Request::Stat(path) => stream.write(&wire::stat(about(handle, &path))).await?,
            Request::Stat2(id, path) => stream.write(&wire::stat2(id, about(handle, &path))).await?,
            Request::List { path, wide } => stream.write(&list(handle, &path, wide)).await?,
            Request::Receive(path) => receive(stream, handle, &path).await?,
            Request::Send(path) => {
                let sent = match send(&mut requests, stream, handle, &path).await? {
                    Ok(sent) => sent,
                    Err(bad) => return refuse(stream, &bad.to_string()).await,
                };
                match sent {
                    Ok(()) => stream.write(&wire::message(b"OKAY", b"")).await?,
                    Err(error) => refuse(stream, &format!("couldn't create file: {error}")).await?,
                }
            }
            // Left over from a file that was refused.
            Request::Data(_) | Request::Done(_) => {}
            Request::Quit => return Ok(()),
        }
    }
}

async fn next(requests: &mut Requests, stream: &mut Stream) -> Result<Result<Request, SyncError>, Disconnected> {
    loop {
        match requests.next() {
            Ok(Some(request)) => return Ok(Ok(request)),
            Ok(None) => requests.push(&stream.read().await.ok_or(Disconnected)?),
            Err(bad) => return Ok(Err(bad)),
        }
    }
}

async fn refuse(stream: &mut Stream, why: &str) -> Result<(), Disconnected> {
    stream.write(&wire::message(b"FAIL", why.as_bytes())).await
}

fn about(handle: &Handle, path: &str) -> Option<FileStatus> {
    let path = resolve("/", path);
    handle.files().find(&path).ok().map(|node| describe(&path, node))
}

fn describe(path: &str, node: &Node) -> FileStatus {
    // Only has to tell files apart; clients compare it to avoid copying a file onto itself.
    let number = path
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    FileStatus { mode: node.mode(), size: node.size(), modified: node.modified, number }
}

fn list(handle: &Handle, path: &str, wide: bool) -> Vec<u8> {
    let path = resolve("/", path);
    let files = handle.files();
    let mut bytes = Vec::new();
    // A folder that is not there looks empty, as phones have it.
    for (name, node) in files.list(&path).unwrap_or_default() {
        bytes.extend(wire::entry(name, describe(&format!("{path}/{name}"), node), wide));
    }
    bytes.extend(wire::list_end(wide));
    bytes
}

async fn receive(stream: &mut Stream, handle: &Handle, path: &str) -> Result<(), Disconnected> {
    let read = handle.files().read(&resolve("/", path));
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => return refuse(stream, &format!("open failed: {error}")).await,
    };
    let mut packet = Vec::new();
    let mut pieces = bytes.chunks(DATA_MAX).peekable();
    while let Some(piece) = pieces.next() {
        packet.extend(wire::message(b"DATA", piece));
        if stream.payload_max <= packet.len() + DATA_MAX && pieces.peek().is_some() {
            stream.write(&packet).await?;
            packet.clear();
        }
    }
    packet.extend(wire::message(b"DONE", b""));
    stream.write(&packet).await
}

/// Takes a file piece by piece. What is wrong with it is only said at its end: clients do not listen before.
async fn send(
    requests: &mut Requests,
    stream: &mut Stream,
    handle: &Handle,
    path: &str,
) -> Result<Result<Result<(), FileError>, SyncError>, Disconnected> {
    let mut upload = Upload { handle, bytes: Vec::new(), reserved: 0 };
    let mut result = if PATH_MAX < path.len() { Err(FileError::NameTooLong) } else { Ok(()) };
    loop {
        match next(requests, stream).await? {
            Ok(Request::Data(piece)) if result.is_ok() => {
                result = upload.add(&piece);
                if result.is_err() {
                    upload.forget();
                }
            }
            Ok(Request::Data(_)) => {}
            Ok(Request::Done(modified)) => {
                return Ok(Ok(result.and_then(|()| upload.finish(&resolve("/", path), modified))));
            }
            Ok(_) => return Ok(Err(SyncError::Unknown(*b"SEND"))),
            Err(bad) => return Ok(Err(bad)),
        }
    }
}

/// A file that is still arriving; the space for it is taken, and given back if it never ends.
struct Upload<'a> {
    handle: &'a Handle,
    bytes: Vec<u8>,
    reserved: u64,
}

impl Upload<'_> {
    fn add(&mut self, piece: &[u8]) -> Result<(), FileError> {
        self.handle.files().reserve(piece.len() as u64)?;
        self.reserved += piece.len() as u64;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn forget(&mut self) {
        self.handle.files().release(self.reserved);
        self.reserved = 0;
        self.bytes = Vec::new();
    }

    fn finish(mut self, path: &str, modified: u32) -> Result<(), FileError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.shrink_to_fit(); // It was allowed to grow in leaps, and is kept now.
        let mut files = self.handle.files();
        files.release(std::mem::take(&mut self.reserved));
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if files.find(folder).is_err() {
            files.make_folder(folder, true, u64::from(modified))?;
        }
        files.write(path, bytes, u64::from(modified))
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if 0 < self.reserved {
            self.forget();
        }
    }
}
