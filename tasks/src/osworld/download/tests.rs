//! Downloads from a server of our own that breaks off, lies and refuses.

use std::sync::{Arc, Mutex};

use tapwright_osworld::task::OsworldTask;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::osworld::assets::{Assets, wanted_assets};

const CONTENT: &[u8] = b"0123456789abcdefghij";

/// What was asked: paths, with the byte from which.
type Asked = Arc<Mutex<Vec<String>>>;

async fn answer(mut stream: TcpStream, asked: Asked) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let from =
        head.lines().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let is_first = {
        let mut asked = asked.lock().unwrap();
        let is_first = !asked.iter().any(|before| before.starts_with(&path));
        asked.push(from.map_or_else(|| path.clone(), |from| format!("{path}+{from}")));
        is_first
    };
    let whole = |content: &[u8]| {
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len()).as_bytes(), content].concat()
    };
    let reply = match path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default() {
        // The first time it breaks off in the middle.
        "cut.bin" if is_first => whole(CONTENT)[..whole(CONTENT).len() - 13].to_vec(),
        "stubborn.bin" if is_first => whole(CONTENT)[..whole(CONTENT).len() - 13].to_vec(),
        "cut.bin" => match from {
            Some(from) => {
                let rest = &CONTENT[from..];
                let range = format!("content-range: bytes {from}-{}/{}", CONTENT.len() - 1, CONTENT.len());
                let head = format!("HTTP/1.1 206 Partial\r\n{range}\r\ncontent-length: {}\r\n\r\n", rest.len());
                [head.as_bytes(), rest].concat()
            }
            None => whole(CONTENT),
        },
        "page.xlsx" => whole(b"<!DOCTYPE html><title>Sign in</title>"),
        "page.html" => whole(b"<!DOCTYPE html><title>It is one</title>"),
        "empty.txt" => whole(b""),
        "pointer.pdf" => whole(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "large.bin" => b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\nx".to_vec(),
        "gone.bin" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "busy.bin" if is_first => b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "silent.bin" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Vec::new()
        }
        _ => whole(CONTENT),
    };
    stream.write_all(&reply).await?;
    stream.shutdown().await
}

async fn serve() -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let kept = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, asked.clone()));
        }
    });
    (address, kept)
}

fn asset(name: &str) -> WantedAsset {
    let source = format!(
        r#"{{"id": "t", "instruction": "x", "config": [{{"type": "download", "parameters": {{"files": [{{"url":
        "https://example.org/files/{name}?download=true", "path": "/home/user/{name}"}}]}}}}], "evaluator": {{"func": "infeasible"}}}}"#
    );
    wanted_assets(&OsworldTask::read("t.json", "os", &source).unwrap()).remove(0)
}

fn download(folder: &Path, mirror: &str) -> AssetDownload {
    AssetDownload {
        folder: folder.to_owned(),
        mirror: Some(format!("{mirror}/")),
        silence: Duration::from_millis(500),
        tries: 3,
    }
}

async fn fetch(of: &AssetDownload, names: &[&str]) -> Vec<Fetched> {
    let assets: Vec<WantedAsset> = names.iter().map(|name| asset(name)).collect();
    let mut ended = 0;
    let came = of.fetch(&assets, |progress| ended += usize::from(matches!(progress, DownloadProgress::Ended { .. })));
    let mut came = came.await.unwrap();
    assert_eq!(ended, came.len());
    assets.iter().map(|asset| came.remove(&asset.name).unwrap()).collect()
}

#[tokio::test]
async fn what_broke_off_goes_on_and_what_is_there_is_not_fetched_again() {
    let (mirror, asked) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let of = download(folder.path(), &mirror);
    let bytes = CONTENT.len() as u64;
    let came = fetch(&of, &["cut.bin", "stubborn.bin", "busy.bin", "page.html"]).await;
    assert_eq!(came[..3], [Fetched::Done { bytes }, Fetched::Done { bytes }, Fetched::Done { bytes }]);
    assert!(matches!(came[3], Fetched::Done { .. }));
    let asked_for = asked.lock().unwrap().clone();
    assert_eq!(asked_for[..2], ["/files/cut.bin?download=true", "/files/cut.bin?download=true+7"]);
    // One that starts over in spite of what it was asked for.
    assert_eq!(asked_for[2..4], ["/files/stubborn.bin?download=true", "/files/stubborn.bin?download=true+7"]);
    let assets = Assets::open(folder.path()).unwrap();
    for name in ["cut.bin", "stubborn.bin", "busy.bin", "page.html"] {
        assets.verify(&asset(name)).unwrap();
    }
    let before = asked.lock().unwrap().len();
    assert_eq!(fetch(&of, &["cut.bin", "busy.bin"]).await, [Fetched::Here, Fetched::Here]);
    assert_eq!(asked.lock().unwrap().len(), before);
    // One that was changed is told, by whoever looks.
    let at = folder.path().join(asset("cut.bin").name);
    fs::write(&at, "other").unwrap();
    assert!(Assets::open(folder.path()).unwrap().verify(&asset("cut.bin")).is_err());
    assert!(matches!(&fetch(&of, &["cut.bin"]).await[0], Fetched::Failed { why } if why.contains(SUMS)));
    // Taken away, it has to be the same again.
    fs::remove_file(&at).unwrap();
    assert_eq!(fetch(&of, &["cut.bin"]).await, [Fetched::Done { bytes }]);
    let sums = fs::read_to_string(folder.path().join(SUMS)).unwrap();
    let other = sums.replace(&hex::encode(Sha256::digest(CONTENT)), &"0".repeat(64));
    fs::write(folder.path().join(SUMS), other).unwrap();
    fs::remove_file(&at).unwrap();
    assert!(matches!(&fetch(&of, &["cut.bin"]).await[0], Fetched::Failed { why } if why.contains("its digest is")));
    assert!(!at.exists());
}

#[tokio::test]
async fn what_is_no_such_file_is_refused() {
    let (mirror, asked) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let of = download(folder.path(), &mirror);
    for (name, why, times) in [
        ("page.xlsx", "a web page came", 1),
        ("pointer.pdf", "Git's pointer", 1),
        ("empty.txt", "is empty", 1),
        ("large.bin", "is larger than", 1),
        ("gone.bin", "404", 1),
        ("silent.bin", "another try goes on", 3),
    ] {
        let came = fetch(&of, &[name]).await;
        assert!(matches!(&came[0], Fetched::Failed { why: said } if said.contains(why)), "{name}: {came:?}");
        let asked = asked.lock().unwrap().iter().filter(|path| path.contains(name)).count();
        assert_eq!(asked, times, "{name}");
        assert!(Assets::open(folder.path()).unwrap().verify(&asset(name)).is_err());
        assert!(!folder.path().join(asset(name).name).exists(), "{name}");
    }
    // What an earlier version has taken for the file is told, too.
    let at = folder.path().join(asset("empty.txt").name);
    fs::write(&at, "").unwrap();
    assert!(matches!(&fetch(&of, &["empty.txt"]).await[0], Fetched::Failed { why } if why.contains("is empty")));
    assert!(!fs::read_to_string(folder.path().join(SUMS)).unwrap().contains("empty.txt"));
    // Names that would lead out of the folder.
    let mut outside = asset("a.bin");
    outside.name = "../a.bin".to_owned();
    let came = of.fetch(&[outside], |_| ()).await.unwrap();
    assert!(matches!(came.values().next(), Some(Fetched::Failed { .. })), "{came:?}");
    let nobody = download(folder.path(), "http://127.0.0.1:9");
    assert!(matches!(&fetch(&nobody, &["b.bin"]).await[0], Fetched::Failed { .. }));
}
