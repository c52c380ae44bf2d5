//! The phone over its wire: what clients that behave get, and what those that do not.

mod client;

use std::time::Duration;

use client::*;
use tapwright_phone::World;
use tapwright_phone::adbd::{Access, Daemon, DaemonLimits, DaemonOptions, Handle, PublicKey, SteadyClock};

/// Answers that a phone in good health gives.
async fn alive(address: std::net::SocketAddr) {
    let mut client = Client::connect(address).await;
    assert_eq!(client.run("shell:echo alive").await, b"alive\n");
}

#[tokio::test]
async fn a_client_is_greeted_and_served() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    assert_eq!(
        client.banner,
        "device::ro.product.name=tapwright;ro.product.model=Tapwright Phone;ro.product.device=virtual;\
         features=shell_v2,cmd,abb_exec,stat_v2,ls_v2,fixed_push_mkdir,sendrecv_v2"
    );
    assert_eq!(client.run("shell:wm size").await, b"Physical size: 540x1200\n");
    let framed = client.run("shell,v2,TERM=xterm,raw:echo out; ls /none; exit 5").await;
    let expected = ("out\n".to_owned(), "ls: /none: No such file or directory\n".to_owned(), Some(5));
    assert_eq!(unframe(&framed), expected);
    let png = client.run("exec:screencap '-p'").await;
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(png[16..24], [0, 0, 2, 28, 0, 0, 4, 176], "540 by 1200");
    let raw = client.run("exec:screencap").await;
    assert_eq!(raw.len(), 16 + 4 * 540 * 1200);
    let buffer = client.run("framebuffer:").await;
    assert_eq!(buffer.len(), 56 + 4 * 540 * 1200);
    assert_eq!(buffer[56..], raw[16..]);
    assert_eq!(client.run("root:").await, b"adbd cannot run as root in production builds\n");
    assert_eq!(client.open("localabstract:scrcpy").await, None);
    assert_eq!(client.run("shell:echo still here").await, b"still here\n");
}

#[tokio::test]
async fn an_old_client_gets_sums_and_small_packets_and_has_to_give_sums() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::mute(phone.address()).await;
    client.hello(0x0100_0000, 4096).await;
    let (local, remote) = client.open("shell,v2,raw:screencap").await.unwrap();
    let (mut length, mut packets) = (0, 0);
    loop {
        let packet = client.receive().await.unwrap();
        let sum = packet.payload.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
        assert_eq!(packet.sum, sum, "an old client needs the sum");
        if packet.command == CLSE {
            break;
        }
        assert!(packet.payload.len() <= 4096);
        (length, packets) = (length + packet.payload.len(), packets + 1);
        client.send(OKAY, local, remote, b"").await;
    }
    assert!(16 + 4 * 540 * 1200 < length && 600 < packets, "{length} {packets}");
    let mut wrong = packet(OPEN, 9, 0, b"shell:echo\0");
    wrong[16] ^= 1;
    client.raw(&wrong).await;
    while client.receive().await.is_some() {}
    alive(phone.address()).await;
}

/// Servers that lost the phone dial again, and leave the sums out from their first packet on.
#[tokio::test]
async fn who_dials_again_is_greeted_without_sums() {
    let phone = daemon(DaemonOptions::default()).await;
    Client::connect(phone.address()).await;
    let unsummed = |command: u32, first: u32, second: u32, payload: &[u8]| {
        let mut bytes = packet(command, first, second, payload);
        bytes[16..20].fill(0);
        bytes
    };
    let mut again = Client::mute(phone.address()).await;
    again.raw(&unsummed(CNXN, 0x0100_0001, 1 << 20, b"host::features=shell_v2,cmd")).await;
    assert_eq!(again.receive().await.expect("the phone says hello").command, CNXN);
    assert_eq!(again.run("shell:echo back").await, b"back\n");

    let (options, public) = phone_with_keys();
    let phone = daemon(options).await;
    let mut again = Client::mute(phone.address()).await;
    again.raw(&unsummed(CNXN, 0x0100_0001, 1 << 20, b"host::")).await;
    token(&mut again).await;
    again.raw(&unsummed(AUTH, 2, 0, &[7; 256])).await;
    token(&mut again).await;
    again.raw(&unsummed(AUTH, 3, 0, public.as_bytes())).await;
    let mut changes = phone.handle().changes();
    while !phone.handle().look(|world| world.window().contains("UsbDebuggingActivity")) {
        tokio::time::timeout(PATIENCE, changes.changed()).await.expect("its owner is asked").unwrap();
    }
}

#[tokio::test]
async fn what_is_not_adb_ends_its_connection_and_nothing_else() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut huge = packet(WRTE, 1, 1, b"");
    huge[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let cases: [(&str, Vec<u8>); 6] = [
        ("another protocol", b"GET / HTTP/1.1\r\nHost: localhost:5555\r\n\r\n".to_vec()),
        ("zeros", vec![0; 100]),
        ("a stream before the hello", packet(OPEN, 1, 0, b"shell:echo\0")),
        ("a hello of before time", packet(CNXN, 1, 4096, b"host::")),
        ("a hello that takes no payload", packet(CNXN, 0x0100_0001, 0, b"host::")),
        ("a payload of 4 GiB", huge.clone()),
    ];
    for (what, bytes) in cases {
        let mut client = Client::mute(phone.address()).await;
        client.raw(&bytes).await;
        assert_eq!(client.receive().await, None, "{what}");
    }
    let mut client = Client::connect(phone.address()).await;
    client.raw(&huge).await;
    assert_eq!(client.receive().await, None, "a payload of 4 GiB after the hello");
    alive(phone.address()).await;
}

#[tokio::test]
async fn one_packet_is_under_way_until_it_is_acknowledged() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("exec:screencap").await.unwrap();
    let first = client.receive().await.unwrap();
    assert_eq!((first.command, first.second), (WRTE, local));
    // Three exchanges with another stream: the first one had all the time to go wrong.
    for _ in 0..3 {
        assert_eq!(client.run("shell:echo other").await, b"other\n");
    }
    client.send(OKAY, local, remote, b"").await;
    let length = first.payload.len() + client.rest(local, remote).await.len();
    assert_eq!(length, 16 + 4 * 540 * 1200);
    // The other way round there is a pipe. A client that does not wait when that is full, and then some, loses its stream.
    let (local, remote) = client.open("shell:sleep 50").await.unwrap();
    let large = vec![b'x'; 1 << 20];
    for (payload, answer) in [(&b"one"[..], Some(OKAY)), (b"two", Some(OKAY)), (&large, None), (&large, Some(CLSE))] {
        client.send(WRTE, local, remote, payload).await;
        let Some(command) = answer else { continue };
        let answer = client.receive().await.unwrap();
        assert_eq!((answer.command, answer.first, answer.second), (command, remote, local), "{}", payload.len());
    }
    alive(phone.address()).await;
}

#[tokio::test]
async fn acknowledgements_that_nobody_asked_for_do_no_harm() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("shell,v2,raw:").await.unwrap();
    for _ in 0..1000 {
        client.send(OKAY, local, remote, b"").await;
        client.send(OKAY, local, remote + 7, b"").await;
        client.send(WRTE, local, remote + 7, b"for nobody").await;
        client.send(CLSE, local, remote + 7, b"").await;
        client.send(0x4141_4141, 1, 2, b"from the future").await;
    }
    let said = client.write(local, remote, &frame(0, b"echo x $?\n")).await;
    let said = client.read_until(local, remote, said, |said| said.ends_with(b"\n")).await;
    assert_eq!(unframe(&said).0, "x 0\n");
}

#[tokio::test]
async fn a_shell_stays_open_and_runs_lines_as_they_come() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("shell,v2,TERM=dumb,raw:").await.unwrap();
    for (line, expected) in [("true", "M:0\n"), ("X=1; false", "M:1\n"), ("echo $X", "1\nM:0\n"), ("nope", "M:127\n")] {
        let said = client.write(local, remote, &frame(0, format!("{line}; echo M:$?\n").as_bytes())).await;
        let ended = |said: &[u8]| unframe(said).0.contains("M:");
        let said = client.read_until(local, remote, said, ended).await;
        assert_eq!(unframe(&said).0, expected, "{line}");
    }
    // Two lines in one packet and one in two.
    let said =
        client.write(local, remote, &[frame(0, b"echo a\nec"), frame(5, b"24x80"), frame(0, b"ho b\n")].concat()).await;
    let said = client.read_until(local, remote, said, |said| unframe(said).0.contains('b')).await;
    assert_eq!(unframe(&said).0, "a\nb\n");
    let mut said = client.write(local, remote, &frame(0, b"exit 9\n")).await;
    said.extend(client.rest(local, remote).await);
    assert_eq!(unframe(&said), (String::new(), String::new(), Some(9)));
    // A closed input ends the shell as well, and a cat that reads it.
    let (local, remote) = client.open("shell,v2,raw:cat > /sdcard/in; wc -c < /sdcard/in").await.unwrap();
    client.write(local, remote, &frame(0, b"hello")).await;
    let mut said = client.write(local, remote, &frame(4, b"")).await;
    said.extend(client.rest(local, remote).await);
    assert_eq!(unframe(&said), ("5\n".to_owned(), String::new(), Some(0)));
    // A person's shell.
    let (local, remote) = client.open("shell:").await.unwrap();
    let said = client.read_until(local, remote, Vec::new(), |said| said.ends_with(b"$ ")).await;
    assert_eq!(said, b"virtual:/ $ ");
    let said = client.write(local, remote, b"id -u\r").await;
    let said = client.read_until(local, remote, said, |said| said.ends_with(b"$ ")).await;
    assert_eq!(String::from_utf8(said).unwrap(), "id -u\r\n2000\r\nvirtual:/ $ ");
}

#[tokio::test]
async fn a_second_hello_starts_over() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("shell,v2,raw:").await.unwrap();
    client.open("shell:sleep 50").await.unwrap();
    client.hello(0x0100_0001, 1 << 20).await;
    client.send(WRTE, local, remote, &frame(0, b"echo x\n")).await;
    client.next = 1;
    assert_eq!(client.run("shell:echo anew").await, b"anew\n");
}

#[tokio::test]
async fn streams_and_clients_are_counted() {
    let limits = DaemonLimits { streams_max: 3, clients_max: 2, ..DaemonLimits::default() };
    let phone = daemon(DaemonOptions { limits, ..DaemonOptions::default() }).await;
    let mut client = Client::connect(phone.address()).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(client.open("shell:sleep 50").await.unwrap());
    }
    assert_eq!(client.open("shell:echo").await, None, "three are open");
    // Whoever closes is answered, need not wait for the sleep, and makes room.
    let (local, remote) = open[1];
    client.send(CLSE, local, remote, b"").await;
    let closed = client.receive().await.unwrap();
    assert_eq!((closed.command, closed.first, closed.second), (CLSE, remote, local));
    assert_eq!(client.run("shell:echo room").await, b"room\n");
    let second = Client::connect(phone.address()).await;
    let mut third = Client::mute(phone.address()).await;
    third.send(CNXN, 0x0100_0001, 4096, b"host::").await;
    assert_eq!(third.receive().await, None, "two clients are there");
    drop(second);
    // The place is free as soon as the phone has seen that the second one left.
    tokio::time::timeout(PATIENCE, async {
        loop {
            let mut fourth = Client::mute(phone.address()).await;
            fourth.send(CNXN, 0x0100_0001, 4096, b"host::").await;
            if fourth.receive().await.is_some() {
                break;
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let limits = DaemonLimits { hello: Duration::from_millis(20), ..DaemonLimits::default() };
    let phone = daemon(DaemonOptions { limits, ..DaemonOptions::default() }).await;
    let mut client = Client::mute(phone.address()).await;
    assert_eq!(client.receive().await, None);
    let mut client = Client::mute(phone.address()).await;
    client.raw(&packet(CNXN, 0x0100_0001, 4096, b"host::")[..20]).await;
    assert_eq!(client.receive().await, None, "most of a hello is none");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_else() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut rude = Client::connect(phone.address()).await;
    // More pictures than there are turns and more than the sockets hold; none is ever acknowledged.
    for number in 1..=20u32 {
        rude.send(OPEN, number, 0, b"exec:screencap\0").await;
    }
    for _ in 0..3 {
        let mut client = Client::connect(phone.address()).await;
        assert_eq!(client.run("exec:screencap").await.len(), 16 + 4 * 540 * 1200);
    }
}

#[tokio::test]
async fn a_killed_phone_is_gone_and_its_world_is_not() {
    let phone = daemon(DaemonOptions::default()).await;
    let (address, handle) = (phone.address(), phone.handle().clone());
    let mut client = Client::connect(address).await;
    let mut other = Client::connect(address).await;
    client.open("exec:screencap").await.unwrap();
    other.open("shell,v2,raw:").await.unwrap();
    client.receive().await.unwrap();
    phone.kill().await;
    assert_eq!(client.receive().await, None);
    assert_eq!(other.receive().await, None);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens");
    assert!(!handle.facts().is_empty());
}

#[tokio::test]
async fn a_reboot_drops_all_clients_and_comes_back() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut other = Client::connect(phone.address()).await;
    let mut client = Client::connect(phone.address()).await;
    client.run("shell:monkey -p com.android.settings -c android.intent.category.LAUNCHER 1").await;
    assert_eq!(phone.handle().facts()["front"], "com.android.settings");
    client.send(OPEN, 50, 0, b"reboot:\0").await;
    while client.receive().await.is_some() {}
    assert_eq!(other.receive().await, None);
    alive(phone.address()).await;
    assert_ne!(phone.handle().facts()["front"], "com.android.settings");
}

#[tokio::test]
async fn what_is_done_is_told_to_who_waits() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut changes = phone.handle().changes();
    let mut client = Client::connect(phone.address()).await;
    let before = phone.handle().facts()["wifi.on"].clone();
    let wanted = if before == "true" { "disable" } else { "enable" };
    client.run(&format!("shell:svc wifi {wanted}")).await;
    tokio::time::timeout(PATIENCE, changes.changed()).await.unwrap().unwrap();
    assert_ne!(phone.handle().facts()["wifi.on"], before);
}

/// One request of `sync:` and the answer's first bytes.
async fn ask(client: &mut Client, stream: (u32, u32), request: &[u8], length: usize) -> Vec<u8> {
    let said = client.write(stream.0, stream.1, request).await;
    client.read_until(stream.0, stream.1, said, |said| length <= said.len()).await
}

fn message(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&id[..], &(content.len() as u32).to_le_bytes(), content].concat()
}

#[tokio::test]
async fn files_come_and_go() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let stream = client.open("sync:").await.unwrap();
    let content: Vec<u8> = (0..200_000u32).map(|number| (number * 7 % 251) as u8).collect();
    let mut upload = message(b"SEND", b"/sdcard/new/folder/a,b.bin,33188");
    for piece in content.chunks(65_536) {
        upload.extend(message(b"DATA", piece));
    }
    upload.extend(b"DONE\x05\x00\x00\x00");
    // Packets that end anywhere.
    let pieces: Vec<&[u8]> = upload.chunks(70_001).collect();
    let (last, first) = pieces.split_last().unwrap();
    for piece in first {
        assert!(client.write(stream.0, stream.1, piece).await.is_empty());
    }
    assert_eq!(ask(&mut client, stream, last, 8).await, b"OKAY\0\0\0\0");
    let stat = ask(&mut client, stream, &message(b"STAT", b"/sdcard/new/folder/a,b.bin"), 16).await;
    assert_eq!(
        stat,
        [&b"STAT"[..], &0o100_660u32.to_le_bytes(), &200_000u32.to_le_bytes(), &5u32.to_le_bytes()].concat()
    );
    let stat = ask(&mut client, stream, &message(b"STA2", b"/sdcard/"), 72).await;
    assert_eq!(stat[24..28], 0o040_771u32.to_le_bytes(), "a folder, links or not");
    let stat = ask(&mut client, stream, &message(b"LST2", b"/none"), 72).await;
    assert_eq!(stat[4..8], [2, 0, 0, 0]);
    let list = ask(&mut client, stream, &message(b"LIST", b"/sdcard/new"), 46).await;
    assert_eq!(list[20..26], *b"folder");
    assert_eq!(list[26..30], *b"DONE");
    let length = 200_000 + 4 * 8 + 8;
    let received = ask(&mut client, stream, &message(b"RECV", b"/sdcard/new/folder/a,b.bin"), length).await;
    let mut whole = Vec::new();
    let mut rest = &received[..];
    while rest.starts_with(b"DATA") {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        whole.extend_from_slice(&rest[8..8 + length]);
        rest = &rest[8 + length..];
    }
    assert_eq!(rest, b"DONE\0\0\0\0");
    assert!(whole == content, "the same bytes come back");
    let fail = ask(&mut client, stream, &message(b"RECV", b"/none"), 46).await;
    assert_eq!(fail, message(b"FAIL", b"open failed: No such file or directory"));
    // What is not allowed is said at the end of the upload, and the session goes on.
    let upload = [message(b"SEND", b"/system/x,33188"), message(b"DATA", b"x"), b"DONE\0\0\0\0".to_vec()].concat();
    let fail = ask(&mut client, stream, &upload, 46).await;
    assert_eq!(fail, message(b"FAIL", b"couldn't create file: Permission denied"));
    assert_eq!(ask(&mut client, stream, &message(b"STAT", b"/none"), 16).await[4..], [0; 12]);
    client.send(WRTE, stream.0, stream.1, b"QUIT\0\0\0\0").await;
    assert!(client.rest(stream.0, stream.1).await.is_empty());
}

#[tokio::test]
async fn uploads_are_bounded_and_given_up_ones_take_no_room() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let piece = message(b"DATA", &[7; 65_536]);
    let pieces = piece.repeat(15);
    // 63 MiB of 64, and then the client leaves without an end: twice, so that room not given back would be missed.
    for _ in 0..2 {
        let stream = client.open("sync:").await.unwrap();
        client.write(stream.0, stream.1, &message(b"SEND", b"/sdcard/big,33188")).await;
        for _ in 0..63 * 16 / 15 {
            assert!(client.write(stream.0, stream.1, &pieces).await.is_empty());
        }
        client.send(CLSE, stream.0, stream.1, b"").await;
        assert_eq!(client.receive().await.unwrap().command, CLSE);
    }
    let stream = client.open("sync:").await.unwrap();
    client.write(stream.0, stream.1, &message(b"SEND", b"/sdcard/big,33188")).await;
    for _ in 0..65 * 16 / 15 + 1 {
        assert!(client.write(stream.0, stream.1, &pieces).await.is_empty(), "nothing is said before the end");
    }
    let fail = ask(&mut client, stream, b"DONE\0\0\0\0", 51).await;
    assert_eq!(fail, message(b"FAIL", b"couldn't create file: No space left on device"));
    assert_eq!(
        client.run("shell:ls /sdcard/big; df | tail -1 | grep -o '0% /.*'").await,
        b"ls: /sdcard/big: No such file or directory\n0% /storage/emulated\n"
    );
}

#[tokio::test]
async fn several_clients_with_several_streams_each() {
    let phone = daemon(DaemonOptions::default()).await;
    let address = phone.address();
    let clients: Vec<_> = (0..4)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut open = std::collections::BTreeMap::new();
                for stream in 0..6 {
                    let local = 100 + stream;
                    let service = format!("shell:screencap | head -c 300000; echo {number}-{stream}\0");
                    client.send(OPEN, local, 0, service.as_bytes()).await;
                    open.insert(local, (0, Vec::new(), format!("{number}-{stream}\n")));
                }
                // Whatever comes belongs to one of them, in any order.
                while !open.is_empty() {
                    let packet = client.receive().await.unwrap();
                    let local = packet.second;
                    let entry = open.get_mut(&local).unwrap();
                    match packet.command {
                        OKAY => entry.0 = packet.first,
                        WRTE => {
                            assert_eq!(packet.first, entry.0);
                            entry.1.extend(packet.payload);
                            client.send(OKAY, local, packet.first, b"").await;
                        }
                        CLSE => {
                            let (_, said, expected) = open.remove(&local).unwrap();
                            assert_eq!(said.len(), 300_000 + expected.len());
                            assert!(said.ends_with(expected.as_bytes()));
                        }
                        other => panic!("{other:#x}"),
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

/// Packets with good heads and random content, many at a time: nothing that comes of them may reach other clients.
#[tokio::test]
async fn nonsense_in_good_packets_is_survived() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut state = 7u64;
    let mut dice = |sides: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    let services =
        ["shell:", "shell,v2,raw:", "sync:", "exec:screencap", "shell:cat", "framebuffer:", "x", "exec:sh", ""];
    let mut ended = 0;
    for _ in 0..30 {
        let mut client = Client::connect(phone.address()).await;
        let mut bytes = Vec::new();
        for _ in 0..200 {
            let command = [OPEN, OPEN, OKAY, WRTE, WRTE, WRTE, CLSE, CNXN, 0x4548_5541][dice(9) as usize];
            let payload = match command {
                OPEN => services[dice(services.len() as u64) as usize].as_bytes().to_vec(),
                CNXN => b"host::".to_vec(),
                _ => (0..dice(60)).map(|_| dice(256) as u8).collect(),
            };
            let first = if command == CNXN { 0x0100_0001 } else { dice(12) as u32 };
            bytes.extend(packet(command, first, dice(12) as u32, &payload));
        }
        let (mut read, mut write) = client.socket.split();
        let flood = async {
            use tokio::io::AsyncWriteExt;
            let _ = write.write_all(&bytes).await;
            let _ = write.shutdown().await;
        };
        let drain = async {
            use tokio::io::AsyncReadExt;
            let mut all = Vec::new();
            let _ = read.read_to_end(&mut all).await;
        };
        tokio::time::timeout(PATIENCE, async { tokio::join!(flood, drain) }).await.expect("the phone closes");
        ended += 1;
    }
    assert_eq!(ended, 30);
    alive(phone.address()).await;
}

/// A phone that wants keys, and a public key that nobody here has the other half of.
fn phone_with_keys() -> (DaemonOptions, String) {
    use base64::Engine as _;
    let mut bytes = vec![0; 524];
    bytes[..4].copy_from_slice(&64u32.to_le_bytes());
    bytes[8..264].fill(0xFB);
    bytes[520..].copy_from_slice(&65537u32.to_le_bytes());
    let text = format!("{} me@laptop\0", base64::engine::general_purpose::STANDARD.encode(bytes));
    let access = Access::Keys(vec![PublicKey::parse(&text).expect("it has the form of one")]);
    (DaemonOptions { access, ..DaemonOptions::default() }, text)
}

/// Says hello and returns the token that is to be signed.
async fn challenge(client: &mut Client) -> Vec<u8> {
    client.send(CNXN, 0x0100_0001, 1 << 20, b"host::").await;
    token(client).await
}

async fn token(client: &mut Client) -> Vec<u8> {
    let asked = client.receive().await.expect("a token");
    assert_eq!((asked.command, asked.first, asked.payload.len()), (AUTH, 1, 20));
    asked.payload
}

#[tokio::test]
async fn who_shows_no_key_does_nothing() {
    let (options, public) = phone_with_keys();
    let phone = daemon(options).await;
    let mut rude = Client::mute(phone.address()).await;
    challenge(&mut rude).await;
    rude.send(OPEN, 1, 0, b"shell:input keyevent 3\0").await;
    assert_eq!(rude.receive().await, None);

    let mut client = Client::mute(phone.address()).await;
    let first = challenge(&mut client).await;
    client.send(AUTH, 2, 0, &[7; 256]).await;
    assert_ne!(token(&mut client).await, first, "a token is for one answer");
    client.send(AUTH, 2, 0, b"short").await;
    token(&mut client).await;
    // To say a key that the phone knows shows nothing: its owner is asked like about any other.
    client.send(AUTH, 3, 0, public.as_bytes()).await;
    let asks = |world: &World| world.window().contains("UsbDebuggingActivity");
    let mut changes = phone.handle().changes();
    while !phone.handle().look(asks) {
        tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it is asked").unwrap();
    }
    // Whatever else it says is not heard.
    client.send(AUTH, 2, 0, &[7; 256]).await;
    client.send(AUTH, 3, 0, public.as_bytes()).await;
    drop(client);
    while phone.handle().look(asks) {
        tokio::time::timeout(PATIENCE, changes.changed()).await.expect("the question goes").unwrap();
    }
    assert_eq!(phone.handle().look(World::debugging), None);
}

#[tokio::test]
async fn nobody_guesses_for_ever() {
    let (options, public) = phone_with_keys();
    let limits = DaemonLimits { unknown_client: Duration::from_millis(50), ..DaemonLimits::default() };
    let phone = daemon(DaemonOptions { limits, ..options.clone() }).await;
    let mut client = Client::mute(phone.address()).await;
    challenge(&mut client).await;
    client.send(AUTH, 3, 0, public.as_bytes()).await;
    assert_eq!(client.receive().await, None, "it is not waited for longer than that");

    let phone = daemon(options).await;
    let mut client = Client::mute(phone.address()).await;
    challenge(&mut client).await;
    let mut tries = 0;
    loop {
        client.send(AUTH, 2, 0, &[7; 256]).await;
        match client.receive().await {
            Some(_) => tries += 1,
            None => break,
        }
    }
    assert_eq!(tries, 64);
    for nonsense in [b"no key".as_slice(), b"", &[0xFF; 3000]] {
        let mut client = Client::mute(phone.address()).await;
        challenge(&mut client).await;
        client.send(AUTH, 3, 0, nonsense).await;
        assert_eq!(client.receive().await, None);
    }
    let mut early = Client::mute(phone.address()).await;
    early.send(AUTH, 3, 0, public.as_bytes()).await;
    assert_eq!(early.receive().await, None);
}

/// A command that reads its input may still be at it when its client has said all and closed the stream.
#[tokio::test]
async fn what_a_client_sent_before_it_left_is_read() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client
        .open("exec:sleep 0.1; cat > /sdcard/in; echo nobody hears this; echo more > /sdcard/after")
        .await
        .unwrap();
    assert!(client.write(local, remote, b"first ").await.is_empty());
    client.send(WRTE, local, remote, b"second").await;
    client.send(CLSE, local, remote, b"").await;
    let mut read = Vec::new();
    for _ in 0..100 {
        read = Client::connect(phone.address()).await.run("shell:cat /sdcard/in /sdcard/after").await;
        if read.ends_with(b"more\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(String::from_utf8(read).unwrap(), "first secondmore\n");
}

#[tokio::test]
async fn a_command_does_not_outlive_its_client_for_long() {
    let limits = DaemonLimits { linger: Duration::from_millis(50), ..DaemonLimits::default() };
    let phone = daemon(DaemonOptions { limits, ..DaemonOptions::default() }).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("exec:sleep 0.5; echo x > /sdcard/late").await.unwrap();
    client.send(CLSE, local, remote, b"").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut other = Client::connect(phone.address()).await;
    assert!(other.run("shell:ls /sdcard").await.starts_with(b"Android\n"));
    assert!(!String::from_utf8(other.run("shell:ls /sdcard").await).unwrap().contains("late"));
}

#[tokio::test]
async fn a_person_stops_a_command_with_control_c() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("shell,v2,TERM=xterm,pty:").await.unwrap();
    for endless in ["sleep 50", "while true; do sleep 1; done", "logcat", "while true; do :; done"] {
        let said = client.write(local, remote, &frame(0, format!("{endless}\r").as_bytes())).await;
        client.read_until(local, remote, said, |said| unframe(said).0.contains(&format!("{endless}\r\n"))).await;
        let said = client.write(local, remote, &frame(0, b"\x03")).await;
        let said = client.read_until(local, remote, said, |said| unframe(said).0.contains("^C")).await;
        assert!(unframe(&said).0.contains("^C\r\n"), "{endless}");
        let said = client.write(local, remote, &frame(0, b"echo \"on $?\"\r")).await;
        client.read_until(local, remote, said, |said| unframe(said).0.contains("on 130\r\n")).await;
    }
    // A loop may be written over several lines.
    let said = client.write(local, remote, &frame(0, b"for x in a b\rdo\recho got-$x\rdone\r")).await;
    client.read_until(local, remote, said, |said| unframe(said).0.contains("got-b\r\n")).await;
}

#[tokio::test]
async fn a_loop_says_what_it_does_while_it_does_it() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let (local, remote) = client.open("shell:for i in 1 2 3; do echo round $i; sleep 20; done").await.unwrap();
    let said = client.read_until(local, remote, Vec::new(), |said| said.ends_with(b"\n")).await;
    assert_eq!(said, b"round 1\n");
    let (local, remote) = client.open("shell:exec logcat -v raw").await.unwrap();
    client.read_until(local, remote, Vec::new(), |said| said.ends_with(b"UNLOCKED\n")).await;
    let mut other = Client::connect(phone.address()).await;
    other.run("shell:log -t mine here it comes").await;
    let said = client.read_until(local, remote, Vec::new(), |said| said.ends_with(b"\n")).await;
    assert_eq!(said, b"here it comes\n");
}

#[tokio::test]
async fn a_computers_ports_are_kept_as_long_as_it_is_connected() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    assert_eq!(client.run("reverse:forward:tcp:7000;tcp:6100").await, b"OKAY");
    assert_eq!(client.run("reverse:list-forward").await, b"0019host-1 tcp:7000 tcp:6100\n");
    assert_eq!(client.run("reverse:killforward:tcp:1").await, b"FAIL001alistener 'tcp:1' not found");
    let mut other = Client::connect(phone.address()).await;
    assert_eq!(other.run("reverse:list-forward").await, b"0000");
    // Nothing listens on the phone, which is what a closed stream says.
    for closed in ["tcp:7777", "localabstract:scrcpy", "localfilesystem:/x"] {
        assert_eq!(client.open(closed).await, None, "{closed}");
    }
    assert_eq!(client.run("jdwp").await, b"");
}

#[tokio::test]
async fn commands_come_without_a_shell_too() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    assert_eq!(client.run("abb_exec:settings\0get\0global\0adb_enabled").await, b"1\n");
    assert_eq!(
        client.run("abb_exec:package\0install\0/sdcard/x.apk").await,
        b"Failure [INSTALL_FAILED_INVALID_URI: /sdcard/x.apk: No such file or directory]\n"
    );
    assert_eq!(client.run("abb_exec:nothing\0$(reboot)").await, b"cmd: Can't find service: nothing\n");
}

#[tokio::test]
async fn a_gesture_takes_its_time() {
    let up = |phone: &Daemon| phone.handle().look(World::uptime);
    for (gesture, millis) in [
        ("input swipe 100 900 100 300 750", 750),
        ("input swipe 100 900 100 300", 300),
        ("cmd input touchscreen swipe 1 1 1 1 1000", 1000),
        ("input draganddrop 100 900 100 300 200", 600),
        ("input keyevent --longpress HOME", 400),
        ("input tap 1 1", 0),
        ("input swipe 1 2 3", 0),
    ] {
        let phone = daemon(DaemonOptions::default()).await;
        Client::connect(phone.address()).await.run(&format!("shell:{gesture}")).await;
        assert_eq!(up(&phone), millis, "{gesture}");
        let phone = daemon(DaemonOptions { instant_gestures: true, ..DaemonOptions::default() }).await;
        Client::connect(phone.address()).await.run(&format!("shell:{gesture}")).await;
        assert_eq!(up(&phone), 0, "{gesture}");
    }
    // What the finger does is done when it has.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = Handle::new(World::new(Default::default()), SteadyClock::new());
    let phone = Daemon::start(listener, handle, DaemonOptions::default()).unwrap();
    let mut client = Client::connect(phone.address()).await;
    client.run("shell:monkey -p com.android.settings 1").await;
    let before = phone.handle().look(World::draw);
    let (local, remote) = client.open("shell:input swipe 270 900 270 300 400").await.unwrap();
    let began = up(&phone);
    assert!(phone.handle().look(World::draw) == before || 400 <= up(&phone) - began);
    client.rest(local, remote).await;
    assert!(phone.handle().look(World::draw) != before && 390 <= up(&phone) - began);
}
