//! Android packages of a manifest, as small as they can be.

#![allow(dead_code)] // Each test binary uses its part.

use std::io::Write as _;

/// An element that begins, with its attributes; `None` where one ends.
pub type Tag<'a> = Option<(&'a str, &'a [(&'a str, Value)])>;

/// A manifest in Android's binary XML: elements with attributes, and `None` where one ends.
pub fn binary_xml(elements: &[Tag<'_>], is_utf8: bool) -> Vec<u8> {
    let mut texts: Vec<String> = Vec::new();
    let mut place = |text: &str| match texts.iter().position(|known| known == text) {
        Some(at) => at as u32,
        None => {
            texts.push(text.to_owned());
            texts.len() as u32 - 1
        }
    };
    let mut body = Vec::new();
    for element in elements {
        let mut chunk = Vec::new();
        let words = |chunk: &mut Vec<u8>, words: &[u32]| words.iter().for_each(|word| chunk.extend(word.to_le_bytes()));
        match element {
            Some((name, attributes)) => {
                words(&mut chunk, &[1, u32::MAX, u32::MAX, place(name)]);
                for short in [20u16, 20, attributes.len() as u16, 0, 0, 0] {
                    chunk.extend(short.to_le_bytes());
                }
                for (name, value) in *attributes {
                    let name = place(name);
                    let (kind, raw, data) = match *value {
                        Value::Text(text) => (3u8, place(text), place(text)),
                        Value::Resource(number) => (1, u32::MAX, number),
                    };
                    words(&mut chunk, &[u32::MAX, name, raw]);
                    chunk.extend([8, 0, 0, kind]);
                    words(&mut chunk, &[data]);
                }
                body.extend(0x0102u16.to_le_bytes());
            }
            None => {
                words(&mut chunk, &[1, u32::MAX, u32::MAX, 0]);
                body.extend(0x0103u16.to_le_bytes());
            }
        }
        body.extend(16u16.to_le_bytes());
        body.extend((chunk.len() as u32 + 8).to_le_bytes());
        body.extend(chunk);
    }
    let mut pool = Vec::new();
    let mut offsets = Vec::new();
    for text in &texts {
        offsets.extend((pool.len() as u32).to_le_bytes());
        if is_utf8 {
            pool.extend([text.chars().count() as u8, text.len() as u8]);
            pool.extend(text.as_bytes());
            pool.push(0);
        } else {
            pool.extend((text.encode_utf16().count() as u16).to_le_bytes());
            text.encode_utf16().for_each(|unit| pool.extend(unit.to_le_bytes()));
            pool.extend([0, 0]);
        }
    }
    pool.resize(pool.len().next_multiple_of(4), 0);
    let start = 28 + offsets.len() as u32;
    let mut file = Vec::new();
    for (kind, head, content) in [(0x0001u16, 28u16, [&offsets[..], &pool].concat())] {
        file.extend(kind.to_le_bytes());
        file.extend(head.to_le_bytes());
        let flags = if is_utf8 { 256 } else { 0 };
        for word in [28 + content.len() as u32, texts.len() as u32, 0, flags, start, 0] {
            file.extend(word.to_le_bytes());
        }
        file.extend(content);
    }
    file.extend(body);
    let mut all = Vec::new();
    all.extend(0x0003u16.to_le_bytes());
    all.extend(8u16.to_le_bytes());
    all.extend((file.len() as u32 + 8).to_le_bytes());
    all.extend(file);
    all
}

#[derive(Clone, Copy)]
pub enum Value {
    Text(&'static str),
    Resource(u32),
}

pub fn manifest(package: &'static str, label: Value, is_utf8: bool) -> Vec<u8> {
    let text = Value::Text;
    binary_xml(
        &[
            Some(("manifest", &[("package", text(package)), ("versionName", text("2.5"))])),
            Some(("application", &[("label", label)])),
            Some(("activity", &[("name", text("com.example.other.Hidden"))])),
            None,
            Some(("activity", &[("name", text("com.example.tiny.Start"))])),
            Some(("intent-filter", &[])),
            Some(("action", &[("name", text("android.intent.action.MAIN"))])),
            None,
            Some(("category", &[("name", text("android.intent.category.LAUNCHER"))])),
            None,
            None,
            None,
            None,
            None,
        ],
        is_utf8,
    )
}

pub fn apk(manifest: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("AndroidManifest.xml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(manifest).unwrap();
    zip.start_file("classes.dex", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"dex\n035\0").unwrap();
    zip.finish().unwrap().into_inner()
}

pub fn tiny() -> Vec<u8> {
    apk(&manifest("com.example.tiny", Value::Text("Tiny 小"), true))
}
