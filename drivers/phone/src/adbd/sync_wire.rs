//! The messages of the `sync:` service: bytes in, requests out, and the answers' bytes. Pure.

/// Bytes of a path with its mode, as the first phones had it.
const PATH_MAX: usize = 1024 + 16;
/// Bytes of one piece of a file.
pub(super) const DATA_MAX: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// `STAT`, in the answer's three words.
    Stat(String),
    /// `STA2` or `LST2`, with the id to answer with.
    Stat2(Id, String),
    /// `LIST` or, with `wide`, `LIS2`.
    List {
        path: String,
        wide: bool,
    },
    /// `RECV` or `RCV2`.
    Receive(String),
    /// `SEND` or `SND2`; `DATA` and `DONE` follow.
    Send(String),
    /// A piece of the file that is being sent.
    Data(Vec<u8>),
    /// The file that is being sent is whole; when it was modified, in seconds since 1970.
    Done(u32),
    Quit,
}

pub(super) type Id = [u8; 4];

/// What a client sent is not `sync`; nothing after it can be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyncError {
    #[error("unknown request {}", String::from_utf8_lossy(.0))]
    Unknown(Id),
    #[error("a path of {0} bytes is too long")]
    PathTooLong(u32),
    #[error("a piece of {0} bytes is too large")]
    DataTooLarge(u32),
    #[error("compressed transfers were not offered")]
    Compressed,
}

/// Cuts a stream's bytes into requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    arrived: Vec<u8>,
    start: usize,
}

impl Requests {
    pub fn push(&mut self, bytes: &[u8]) {
        self.arrived.drain(..self.start);
        self.start = 0;
        self.arrived.extend_from_slice(bytes);
    }

    /// The next request, or `None` if more bytes are needed.
    pub fn next(&mut self) -> Result<Option<Request>, SyncError> {
        let rest = &self.arrived[self.start..];
        let Some(&[i, j, k, l, a, b, c, d]) = rest.first_chunk::<8>() else { return Ok(None) };
        let (id, number) = ([i, j, k, l], u32::from_le_bytes([a, b, c, d]));
        let length = match &id {
            b"QUIT" | b"DONE" => 0,
            b"DATA" if number as usize <= DATA_MAX => number as usize,
            b"DATA" => return Err(SyncError::DataTooLarge(number)),
            b"STAT" | b"STA2" | b"LST2" | b"LIST" | b"LIS2" | b"RECV" | b"RCV2" | b"SEND" | b"SND2" => {
                if PATH_MAX < number as usize {
                    return Err(SyncError::PathTooLong(number));
                }
                number as usize
            }
            _ => return Err(SyncError::Unknown(id)),
        };
        // The second version says more after the path: the id again, the mode of what is sent, and flags.
        let more = match &id {
            b"SND2" => 12,
            b"RCV2" => 8,
            _ => 0,
        };
        let Some(content) = rest.get(8..8 + length) else { return Ok(None) };
        let Some(more) = rest.get(8 + length..8 + length + more) else { return Ok(None) };
        if let Some(flags) = more.last_chunk::<4>()
            && u32::from_le_bytes(*flags) & 0x7 != 0
        {
            return Err(SyncError::Compressed);
        }
        let path = || String::from_utf8_lossy(content).trim_end_matches('\0').to_owned();
        let request = match &id {
            b"QUIT" => Request::Quit,
            b"DONE" => Request::Done(number),
            b"DATA" => Request::Data(content.to_vec()),
            b"STAT" => Request::Stat(path()),
            b"LIST" => Request::List { path: path(), wide: false },
            b"LIS2" => Request::List { path: path(), wide: true },
            b"RECV" | b"RCV2" => Request::Receive(path()),
            b"SND2" => Request::Send(path()),
            b"SEND" => {
                // The mode follows the last comma; there may be others in the path.
                let whole = path();
                Request::Send(whole.rsplit_once(',').map_or(whole.clone(), |(path, _)| path.to_owned()))
            }
            _ => Request::Stat2(id, path()), // STA2 and LST2: the table above has no other.
        };
        self.start += 8 + length + more.len();
        Ok(Some(request))
    }
}

/// What is told about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStatus {
    pub mode: u32,
    pub size: u64,
    pub modified: u64,
    /// Tells files apart.
    pub number: u64,
}

/// The answer to `STAT`; a file that is not there has zeros.
pub(super) fn stat(about: Option<FileStatus>) -> Vec<u8> {
    let mut bytes = b"STAT".to_vec();
    narrow(&mut bytes, about);
    bytes
}

/// The answer to `STA2` and `LST2`.
pub(super) fn stat2(id: Id, about: Option<FileStatus>) -> Vec<u8> {
    let mut bytes = id.to_vec();
    wide(&mut bytes, about);
    bytes
}

/// One line of a listing.
pub(super) fn entry(name: &str, about: FileStatus, is_wide: bool) -> Vec<u8> {
    let mut bytes = if is_wide { b"DNT2" } else { b"DENT" }.to_vec();
    if is_wide {
        wide(&mut bytes, Some(about))
    } else {
        narrow(&mut bytes, Some(about))
    }
    bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

/// The end of a listing: as large as an entry without a name.
pub(super) fn list_end(is_wide: bool) -> Vec<u8> {
    let mut bytes = b"DONE".to_vec();
    bytes.resize(if is_wide { 76 } else { 20 }, 0);
    bytes
}

/// A message with a length: `DATA`, `FAIL`.
pub(super) fn message(id: &Id, content: &[u8]) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

fn narrow(bytes: &mut Vec<u8>, about: Option<FileStatus>) {
    let words = about.map_or([0; 3], |about| [about.mode, clamp(about.size), clamp(about.modified)]);
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

fn wide(bytes: &mut Vec<u8>, about: Option<FileStatus>) {
    const NOT_FOUND: u32 = 2;
    let Some(about) = about else {
        bytes.extend_from_slice(&NOT_FOUND.to_le_bytes());
        bytes.extend_from_slice(&[0; 64]);
        return;
    };
    bytes.extend_from_slice(&0u32.to_le_bytes());
    for word in [1, about.number] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for word in [about.mode, 1, 0, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for word in [about.size, about.modified, about.modified, about.modified] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

fn clamp(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expected: Expect) {
        for step in [1, 5, bytes.len().max(1)] {
            let mut requests = Requests::default();
            let mut seen = String::new();
            'all: for piece in bytes.chunks(step) {
                requests.push(piece);
                loop {
                    match requests.next() {
                        Ok(Some(request)) => seen += &format!("{request:?}\n"),
                        Ok(None) => break,
                        Err(error) => {
                            seen += &format!("{error}\n");
                            break 'all;
                        }
                    }
                }
            }
            expected.assert_eq(&seen);
        }
    }

    #[test]
    fn requests_of_real_clients_are_read() {
        check(
            b"STA2\x0f\x00\x00\x00/sdcard/tmp.pngRECV\x0f\x00\x00\x00/sdcard/tmp.pngQUIT\x00\x00\x00\x00",
            expect![[r#"
                Stat2([83, 84, 65, 50], "/sdcard/tmp.png")
                Receive("/sdcard/tmp.png")
                Quit
            "#]],
        );
        check(
            b"SEND\x13\x00\x00\x00/data/a,b.txt,33188DATA\x02\x00\x00\x00hiDONE\x05\x00\x00\x00",
            expect![[r#"
                Send("/data/a,b.txt")
                Data([104, 105])
                Done(5)
            "#]],
        );
        check(
            b"SND2\x02\x00\x00\x00/aSND2\xa4\x81\x00\x00\x00\x00\x00\x00RCV2\x02\x00\x00\x00/aRCV2\x00\x00\x00\x00LIS2\x01\x00\x00\x00/",
            expect![[r#"
                Send("/a")
                Receive("/a")
                List { path: "/", wide: true }
            "#]],
        );
    }

    #[test]
    fn what_is_not_sync_is_refused_and_says_why() {
        check(b"STAT\xff\xff\xff\xff", expect!["a path of 4294967295 bytes is too long\n"]);
        check(b"DATA\x01\x00\x01\x00", expect!["a piece of 65537 bytes is too large\n"]);
        check(b"HELO\x00\x00\x00\x00", expect!["unknown request HELO\n"]);
        check(b"RCV2\x01\x00\x00\x00/RCV2\x01\x00\x00\x00", expect!["compressed transfers were not offered\n"]);
    }

    #[test]
    fn answers_have_the_sizes_that_clients_expect() {
        let about = FileStatus { mode: 0o100_644, size: 3, modified: 5, number: 7 };
        assert_eq!(stat(Some(about)), b"STAT\xa4\x81\x00\x00\x03\x00\x00\x00\x05\x00\x00\x00");
        assert_eq!(stat(None), b"STAT\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(stat2(*b"STA2", Some(about)).len(), 72);
        assert_eq!(stat2(*b"LST2", None).len(), 72);
        assert_eq!(stat2(*b"LST2", None)[..8], *b"LST2\x02\0\0\0");
        assert_eq!(entry("", about, false).len(), list_end(false).len());
        assert_eq!(entry("", about, true).len(), list_end(true).len());
        assert_eq!((list_end(false).len(), list_end(true).len()), (20, 76));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100), id in 0usize..11) {
            let ids = [b"STAT", b"STA2", b"LST2", b"LIST", b"LIS2", b"RECV", b"RCV2", b"SEND", b"SND2", b"DATA", b"DONE"];
            for start in [&b""[..], &ids[id][..]] {
                let mut requests = Requests::default();
                requests.push(start);
                requests.push(&bytes);
                while let Ok(Some(_)) = requests.next() {}
            }
        }
    }
}
