//! Files of records that are damaged, or made to do harm.

use super::super::recognition;
use super::super::tfrecord::is_record_file;
use super::*;

/// Reads a file whole, with a limit of 1000 bytes a record.
fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("shard");
    fs::write(&at, bytes).unwrap();
    let mut reader = RecordReader::open_bounded(&at, 1000).unwrap();
    let mut records = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Ok(records),
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[test]
fn records_are_read_from_gzip_and_without_and_from_several_members() {
    let two = [record(b"one"), record(b"")].concat();
    assert_eq!(read(&two).unwrap(), [b"one".to_vec(), Vec::new()]);
    assert_eq!(read(&gzip(&two)).unwrap().len(), 2);
    assert_eq!(read(&[gzip(&two), gzip(&record(b"three"))].concat()).unwrap().len(), 3);
    assert_eq!(read(b"").unwrap().len(), 0);
}

#[test]
fn what_is_damaged_is_said_with_the_records_number() {
    let whole = [record(b"the first one"), record(b"the second one")].concat();
    let length =
        |length: u64| [&length.to_le_bytes()[..], &masked_crc32c(&length.to_le_bytes()).to_le_bytes()].concat();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let packed = gzip(&whole);
    let long = record(&[7; 1001]);
    for (bytes, why) in [
        (whole[..whole.len() - 1].to_vec(), "record 2: the file breaks off"),
        (whole[..whole.len() - 6].to_vec(), "record 2: the file breaks off"),
        (whole[..32].to_vec(), "record 2: the file breaks off"),
        (packed[..packed.len() - 12].to_vec(), "record 2: the file breaks off"),
        (flipped(2), "record 1: the checksum of its length is wrong"),
        (flipped(15), "record 1: its checksum is wrong"),
        (flipped(whole.len() - 1), "record 2: its checksum is wrong"),
        (
            [&record(b"x")[..], &length(1 << 60)].concat(),
            "record 2: it is 1152921504606846976 bytes long, and at most 1000",
        ),
        ([&record(b"x")[..], &length(900), b"short"].concat(), "record 2: the file breaks off"),
        (long.clone(), "record 1: it is 1001 bytes long"),
        (gzip(&long), "record 1: it is 1001 bytes long"),
        (b"{\"a\": [1, 2, 3], \"b\": 4}".to_vec(), "record 1: the checksum of its length is wrong"),
    ] {
        let said = read(&bytes).unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
    }
}

/// A few kilobytes of gzip that unpack to a thousand times as much, by a length that has the right checksum: nothing of it is unpacked.
#[test]
fn gzip_that_unpacks_without_end_ends_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("bomb");
    let length = (u64::MAX >> 1).to_le_bytes();
    let mut encoder = GzEncoder::new(fs::File::create(&at).unwrap(), Compression::fast());
    encoder.write_all(&length).unwrap();
    encoder.write_all(&masked_crc32c(&length).to_le_bytes()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap();
    let said = RecordReader::open(&at).unwrap().next().unwrap_err().to_string();
    assert!(said.contains("at most 536870912 are read of one"), "{said}");
}

#[test]
fn a_file_of_records_is_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let is = |bytes: &[u8]| {
        let at = folder.path().join("file");
        fs::write(&at, bytes).unwrap();
        is_record_file(&at).unwrap()
    };
    assert!(is(&record(b"x")) && is(&gzip(b"x")));
    assert!(!is(b"{\"train\": [1, 2, 3]}") && !is(b"") && !is(b"short"));
}

/// A length of which the lowest byte is that of a bracket, or stands before one.
#[test]
fn a_file_of_records_is_no_list_whatever_its_first_byte_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    let at = folder.path().join("in/shard");
    for wanted in [usize::from(b'['), usize::from(b'[') << 8 | usize::from(b'\n')] {
        // A field that nobody asks for, whose tag and length take four bytes.
        let example = android_control::tiny();
        let rest = 0x1_0000 + wanted - example.len() - 4;
        let bytes = [example, message(9, &vec![0; rest])].concat();
        assert_eq!(bytes.len(), 0x1_0000 + wanted);
        fs::write(&at, record(&bytes)).unwrap();
        assert_eq!(recognition::recognize(std::slice::from_ref(&at)).unwrap(), SetFormat::AndroidControl);
    }
}

/// A few kilobytes of each of many lists would be gigabytes in all.
#[test]
fn an_example_has_no_more_values_than_any_set() {
    let values = |count: usize| Values::Integers(vec![1; count]);
    assert!(Example::read(&example(&[("a", values(900_000)), ("b", texts(&["c"]))])).is_ok());
    for last in [values(600_000), Values::Floats(vec![1.0; 600_000]), texts(&vec![""; 600_000])] {
        let bytes = example(&[("a", values(600_000)), ("b", last)]);
        let said = Example::read(&bytes).unwrap_err().to_string();
        assert!(said.contains("more values than an example of any set"), "{said}");
    }
}

/// Examples of two sets with bytes put in, taken out and changed, in records whose checksums are right: what is wrong is said, and nothing else
/// comes of it. A seed is a bug report.
#[test]
fn no_bytes_of_an_example_do_harm() {
    let folder = tempfile::tempdir().unwrap();
    let options = ImportOptions { skip_faulty: true, ..ImportOptions::default() };
    let (mut read, mut refused) = (0, 0);
    for seed in 0..3000_u64 {
        let mut dice = seed;
        let mut draw = |below: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % below
        };
        let (set, format, mut bytes) = match seed % 2 {
            0 => (ShardSet::AndroidControl, SetFormat::AndroidControl, android_control::tiny()),
            _ => (ShardSet::Aitw, SetFormat::Aitw, aitw::tiny()),
        };
        for _ in 0..=draw(3) {
            let at = draw(bytes.len());
            match draw(4) {
                0 => bytes[at] = draw(256) as u8,
                1 => bytes[at] ^= 1 << draw(8),
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, [0xff, 0x80, 0, 8][draw(4)]),
            }
        }
        let mut collection = Collection::new(&options, folder.path(), None, ImportReport::of(format));
        match read_example(set, &bytes, &mut collection) {
            Ok(()) => read += 1,
            Err(Fault::Content(_)) => refused += 1,
            Err(Fault::Fatal(error)) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
