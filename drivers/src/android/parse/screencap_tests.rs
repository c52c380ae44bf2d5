//! Pictures as `screencap` gives them, whole and broken.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn small_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 2, 3, 255, 4, 5, 6, 255]).unwrap();
    drop(writer);
    bytes
}

fn check(shot: Result<Screenshot, DriverErrorKind>, expected: Expect) {
    let told = shot
        .and_then(|shot| shot.picture())
        .map(|picture| format!("{} {:?}", picture.size(), picture.rgba()))
        .unwrap_or_else(|kind| kind.to_string());
    expected.assert_eq(&told);
}

#[test]
fn raw_pictures() {
    let rgba = [words(&[2, 1, 1, 0]), vec![1, 2, 3, 4, 5, 6, 7, 8]].concat();
    check(raw(rgba.clone()), expect!["2x1 [1, 2, 3, 4, 5, 6, 7, 8]"]);
    check(raw([words(&[2, 1, 1]), vec![1, 2, 3, 255, 5, 6, 7, 8]].concat()), expect!["2x1 [1, 2, 3, 255, 5, 6, 7, 8]"]);
    check(raw([words(&[1, 1, 2, 0]), vec![1, 2, 3, 0]].concat()), expect!["1x1 [1, 2, 3, 255]"]);
    check(raw([words(&[1, 1, 3, 0]), vec![1, 2, 3]].concat()), expect!["1x1 [1, 2, 3, 255]"]);
    check(raw([words(&[1, 1, 5, 0]), vec![1, 2, 3, 255]].concat()), expect!["1x1 [3, 2, 1, 255]"]);
    check(raw([words(&[1, 1, 4, 0]), vec![0x00, 0xf8]].concat()), expect!["1x1 [255, 0, 0, 255]"]);
    let warned = [b"[Warning] Multiple displays were found, but no display id was specified!\n".to_vec(), rgba.clone()];
    check(raw(warned.concat()), expect!["2x1 [1, 2, 3, 4, 5, 6, 7, 8]"]);
    check(raw(rgba[..20].to_vec()), expect!["malformed response: a truncated screenshot (20 bytes)"]);
    check(raw(words(&[0, 0, 1, 0])), expect!["malformed response: 16 bytes that are no screenshot"]);
    check(raw(words(&[u32::MAX, u32::MAX, 1, 0])), expect!["malformed response: 16 bytes that are no screenshot"]);
}

#[test]
fn png_pictures() {
    let bytes = small_png();
    check(png(bytes.clone()), expect!["2x1 [1, 2, 3, 255, 4, 5, 6, 255]"]);
    check(
        png([b"[Warning] two displays\n".to_vec(), bytes.clone()].concat()),
        expect!["2x1 [1, 2, 3, 255, 4, 5, 6, 255]"],
    );
    let half = bytes.len() / 2;
    check(png(bytes[..half].to_vec()), expect!["malformed response: a truncated screenshot (37 bytes)"]);
    let mut damaged = bytes.clone();
    damaged[half + 8] ^= 0x55;
    assert!(matches!(png(damaged).and_then(|shot| shot.picture()), Err(DriverErrorKind::MalformedResponse { .. })));
}

/// Lines of other programs before a picture and behind it, on the same stream.
#[test]
fn pictures_among_noise() {
    let linker = b"WARNING: linker: Warning: unable to normalize \"\"\n".to_vec();
    let warning = b"[Warning] Multiple displays were found, but no display id was specified! Defaulting to the first display \
        found, however this default is not guaranteed to be consistent across captures.\nA display ID can be specified.\n"
        .to_vec();
    let pixels = vec![1, 2, 3, 255, 5, 6, 7, 255];
    let new = [words(&[2, 1, 1, 1]), pixels.clone()].concat();
    let old = [words(&[2, 1, 1]), pixels].concat();
    let noises: [&[&[u8]]; 6] = [&[], &[&linker], &[&warning], &[&linker, &warning], &[b"no end of line"], &[b"x"]];
    for before in noises {
        for behind in noises {
            let (before, behind) = (before.concat(), behind.concat());
            let warns = before.ends_with(&warning);
            for raw_picture in [&new, &old] {
                let shot = raw([&before[..], raw_picture, &behind].concat()).unwrap();
                assert_eq!(shot.is_of_any_display, warns);
                check(Ok(shot), expect!["2x1 [1, 2, 3, 255, 5, 6, 7, 255]"]);
            }
            let shot = png([&before[..], &small_png(), &behind].concat()).unwrap();
            assert_eq!(shot.is_of_any_display, warns);
            check(Ok(shot), expect!["2x1 [1, 2, 3, 255, 4, 5, 6, 255]"]);
        }
    }
    // Equal pictures are equal whatever stands around them.
    let plain = raw(new.clone()).unwrap();
    assert!(plain == raw([&linker[..], &new, &linker].concat()).unwrap());
    // Half a picture with words behind it is half a picture.
    check(raw([&new[..20], &linker[..3]].concat()), expect!["malformed response: a truncated screenshot (23 bytes)"]);
    check(raw(new[..new.len() - 4].to_vec()), expect!["malformed response: a truncated screenshot (20 bytes)"]);
    check(
        png([&small_png()[..37], &linker[..]].concat()),
        expect!["malformed response: a truncated screenshot (86 bytes)"],
    );
    // Megabytes behind a small picture are something else.
    check(raw([new, vec![7; 100_000]].concat()), expect!["malformed response: 100024 bytes that are no screenshot"]);
}

#[test]
fn excuses() {
    check(png(vec![]), expect!["the screen cannot be seen: screencap sent nothing, as it does for protected windows"]);
    check(
        raw(b"Status: -1\nFailed to take screenshot\n".to_vec()),
        expect!["the screen cannot be seen: screencap says: Failed to take screenshot"],
    );
    check(
        png(b"/system/bin/sh: screencap: not found\n".to_vec()),
        expect!["refused: /system/bin/sh: screencap: not found"],
    );
    check(raw(b"no permission".to_vec()), expect!["the screen cannot be seen: screencap says: no permission"]);
    check(
        raw(b"WARNING: linker: x has text relocations\n\x1b[31mError: capture failed\x1b[0m\r\n\0".to_vec()),
        expect!["the screen cannot be seen: screencap says: Error: capture failed"],
    );
    check(
        png(b"WARNING: linker: x has text relocations\n".to_vec()),
        expect!["the screen cannot be seen: screencap says: WARNING: linker: x has text relocations"],
    );
    check(
        raw(b"\xff\xfe garbage \x01\x02 of 39 bytes that is no text".to_vec()),
        expect!["the screen cannot be seen: screencap says: �� garbage  of 39 bytes that is no text"],
    );
    check(png(vec![0xff; 9000]), expect!["malformed response: 9000 bytes that are no screenshot"]);
}

proptest! {
    #[test]
    fn any_bytes_are_a_picture_or_an_excuse(
        head in proptest::collection::vec(0u32..9, 0..5),
        tail in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [words(&head), tail.clone()].concat();
        let _ = raw(bytes.clone()).and_then(|shot| shot.picture());
        let _ = png(bytes).and_then(|shot| shot.picture());
        let _ = png([PNG, &tail, b"\0\0\0\0IEND\xaeB`\x82"].concat()).and_then(|shot| shot.picture());
    }
}
