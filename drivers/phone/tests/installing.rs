//! Packages that come over ADB: an app appears with an icon and a page of its own, and goes again.

mod client;
#[path = "client/package.rs"]
mod package;

use client::{CLSE, Client, OKAY, WRTE, daemon, unframe};
use package::{Value, apk, binary_xml, manifest, tiny};
use tapwright_phone::adbd::DaemonOptions;

/// What a client gets that sends bytes to a service and waits for its answer, without ending what it sends.
async fn feed(client: &mut Client, service: &str, bytes: &[u8]) -> String {
    let (local, remote) = client.open(service).await.unwrap();
    for piece in bytes.chunks(4000) {
        client.send(WRTE, local, remote, piece).await;
    }
    let mut answer = Vec::new();
    loop {
        let packet = client.receive().await.unwrap();
        match packet.command {
            WRTE => {
                answer.extend(packet.payload);
                client.send(OKAY, local, remote, b"").await;
            }
            CLSE => return String::from_utf8(answer).unwrap(),
            _ => {}
        }
    }
}

async fn shell(client: &mut Client, command: &str) -> String {
    let (out, err, _) = unframe(&client.run(&format!("shell,v2,raw:{command}")).await);
    out + &err
}

#[tokio::test]
async fn a_package_appears_as_an_app_with_a_page_and_goes_again() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let before = phone.handle().look(tapwright_phone::World::clone);
    let package = tiny();
    let service = format!("abb_exec:package\0install\0-S\0{}", package.len());
    assert_eq!(feed(&mut client, &service, &package).await, "Success\n");
    assert_eq!(shell(&mut client, "pm list packages -3 tiny").await, "package:com.example.tiny\n");
    assert_eq!(shell(&mut client, "pm path com.example.tiny").await, "package:/data/app/com.example.tiny/base.apk\n");
    assert_eq!(
        shell(&mut client, "cmd package resolve-activity --brief com.example.tiny").await.lines().last(),
        Some("com.example.tiny/.Start")
    );
    assert!(shell(&mut client, "dumpsys package com.example.tiny").await.contains("Package [com.example.tiny]"));
    assert!(phone.handle().facts()["launcher.icons"].ends_with(", Tiny 小"));
    // Where it stands on the home screen, a finger opens it.
    let home = phone.handle().look(tapwright_phone::World::hierarchy);
    assert!(home.contains("Tiny 小"), "{home}");
    shell(&mut client, "am start -n com.example.tiny/.Start").await;
    let page = phone.handle().look(tapwright_phone::World::hierarchy);
    for text in ["Tiny 小", "com.example.tiny", "Version 2.5", "Its program does not run on this phone."] {
        assert!(page.contains(&format!("text=\"{text}\"")), "{text}: {page}");
    }
    assert_eq!(phone.handle().look(|world| world.front().package), "com.example.tiny");
    // Another version takes its place.
    let service = format!("exec:cmd package 'install' -r -S {}", package.len());
    assert_eq!(feed(&mut client, &service, &package).await, "Success\n");
    assert_eq!(phone.handle().facts()["launcher.icons"].matches("Tiny").count(), 1);
    assert_eq!(shell(&mut client, "pm uninstall com.example.tiny").await, "Success\n");
    assert_eq!(
        shell(&mut client, "pm uninstall com.example.tiny").await,
        "Failure [not installed for 0: com.example.tiny]\n"
    );
    assert_eq!(shell(&mut client, "pm list packages tiny").await, "");
    assert_eq!(phone.handle().facts(), before.facts());
    shell(&mut client, "input keyevent HOME").await;
    assert!(phone.handle().look(|world| world.draw() == before.draw()));
    // And it can come again.
    let service = format!("abb_exec:package\0install\0-S\0{}", package.len());
    assert_eq!(feed(&mut client, &service, &package).await, "Success\n");
    assert_eq!(shell(&mut client, "pm list packages -3 tiny").await, "package:com.example.tiny\n");
}

#[tokio::test]
async fn a_label_that_is_a_resource_is_the_packages_name() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let package = apk(&manifest("com.example.other_app", Value::Resource(0x7f01_0000), false));
    let told = feed(&mut client, &format!("exec:pm install -S {}", package.len()), &package).await;
    assert_eq!(told, "Success\n");
    assert!(phone.handle().facts()["launcher.icons"].ends_with(", other_app"));
}

#[tokio::test]
async fn what_is_no_package_is_refused_with_the_words_that_tools_look_for() {
    let phone = daemon(DaemonOptions::default()).await;
    let mut client = Client::connect(phone.address()).await;
    let before = phone.handle().facts();
    let mut cut = manifest("com.example.tiny", Value::Text("Tiny"), true);
    cut.truncate(150);
    let zipped = tiny();
    for (bytes, word) in [
        (b"not a zip at all".to_vec(), "INSTALL_PARSE_FAILED_NOT_APK"),
        (zipped[..zipped.len() / 2].to_vec(), "INSTALL_PARSE_FAILED_NOT_APK"),
        (apk(b"<manifest package='com.example.tiny'/>"), "INSTALL_PARSE_FAILED_BAD_MANIFEST"),
        (apk(&cut), "INSTALL_PARSE_FAILED_BAD_MANIFEST"),
        (apk(&binary_xml(&[Some(("manifest", &[])), None], true)), "INSTALL_PARSE_FAILED_BAD_MANIFEST"),
        (apk(&manifest("nodots", Value::Text("x"), true)), "INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME"),
        (apk(&manifest("com.a b;reboot", Value::Text("x"), true)), "INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME"),
        (apk(&manifest("com.android.notes", Value::Text("x"), true)), "INSTALL_FAILED_UPDATE_INCOMPATIBLE"),
    ] {
        let told = feed(&mut client, &format!("abb_exec:package\0install\0-S\0{}", bytes.len()), &bytes).await;
        assert!(told.starts_with(&format!("Failure [{word}")), "{word}: {told}");
    }
    for (command, told) in [
        ("pm install /sdcard/none.apk", "INSTALL_FAILED_INVALID_URI"),
        ("pm install", "INSTALL_FAILED_INVALID_APK"),
        ("pm uninstall com.android.notes", "DELETE_FAILED_INTERNAL_ERROR"),
        ("pm install-create -S 9", "INSTALL_FAILED_INVALID_APK"),
    ] {
        let said = shell(&mut client, command).await;
        assert!(said.contains(told), "{command}: {said}");
    }
    assert_eq!(phone.handle().facts(), before);
}

#[tokio::test]
async fn a_permission_that_is_granted_is_one_that_the_app_has() {
    let world = tapwright_phone::World::new(tapwright_phone::Options {
        apps: tapwright_phone::AppSelection::All,
        ..Default::default()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = tapwright_phone::adbd::Handle::new(world, tapwright_phone::adbd::ManualClock::default());
    let phone = tapwright_phone::adbd::Daemon::start(listener, handle, DaemonOptions::default()).unwrap();
    let mut client = Client::connect(phone.address()).await;
    let fact = || phone.handle().facts().get("permission.com.android.gallery3d.photos").cloned();
    assert_eq!(fact(), None);
    shell(&mut client, "pm grant com.android.gallery3d android.permission.READ_MEDIA_IMAGES").await;
    assert_eq!(fact().as_deref(), Some("granted"));
    shell(&mut client, "monkey -p com.android.gallery3d 1").await;
    assert!(!phone.handle().look(tapwright_phone::World::hierarchy).contains("may not see your photos"));
    shell(&mut client, "pm revoke com.android.gallery3d android.permission.READ_MEDIA_IMAGES").await;
    assert_eq!(fact(), None);
    assert!(phone.handle().look(tapwright_phone::World::hierarchy).contains("may not see your photos"));
}
