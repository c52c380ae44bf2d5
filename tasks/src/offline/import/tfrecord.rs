//! TensorFlow's container of records, read as a stream: a length, its checksum, so many bytes, and theirs, one record after the other; the
//! whole mostly in gzip. The format is that of `tensorflow/core/lib/io/record_writer.h`: numbers are little-endian, and a checksum is a
//! CRC-32C that was rotated by 15 bits and to which a constant was added.
//!
//! A file says how long its records are, and may say anything: a length is believed once its checksum is right and it is no longer than
//! [`RECORD_BYTES_MAX`], and memory is taken as bytes come, so that neither a length of 2^60 nor gzip that unpacks without end is a danger.
//! No crate is used: of the TFRecord crates none bounds a record, and what is needed of the format is this file.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tapwright_contract::file;

use super::super::OfflineError;

/// A record of AndroidControl is a whole episode with its pictures: tens of megabytes, for the longest.
pub const RECORD_BYTES_MAX: u64 = 512 << 20;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The length and its checksum.
const HEAD_BYTES: usize = 12;
const FOOT_BYTES: usize = 4;
const BUFFER_BYTES: usize = 1 << 20;
const MASK_DELTA: u32 = 0xa282_ead8;

/// Reads one record after the other.
pub struct RecordReader {
    at: PathBuf,
    source: Box<dyn Read>,
    /// Of the record that is read, from 1 on.
    number: usize,
    bytes_max: u64,
}

impl RecordReader {
    /// Opens a file, in gzip or not.
    ///
    /// # Errors
    /// `OfflineError` if it is no regular file, or cannot be read.
    pub fn open(at: &Path) -> Result<RecordReader, OfflineError> {
        RecordReader::open_bounded(at, RECORD_BYTES_MAX)
    }

    /// The same with another limit.
    pub fn open_bounded(at: &Path, bytes_max: u64) -> Result<RecordReader, OfflineError> {
        let open = || -> io::Result<Box<dyn Read>> {
            let is_gzip = starts_with(at, &GZIP_MAGIC)?;
            let file = BufReader::with_capacity(BUFFER_BYTES, file::open_regular(at)?);
            Ok(if is_gzip {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file)))
            } else {
                Box::new(file)
            })
        };
        let source = open().map_err(OfflineError::file(at))?;
        Ok(RecordReader { at: at.to_owned(), source, number: 0, bytes_max })
    }

    /// The next record; nothing behind the last one.
    ///
    /// # Errors
    /// `OfflineError` if it breaks off, its checksums are wrong, or it is too long.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, OfflineError> {
        self.number += 1;
        let mut head = [0; HEAD_BYTES];
        if !self.fill(&mut head)? {
            return Ok(None);
        }
        let [length, sum] = [&head[..8], &head[8..]];
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        if masked_crc32c(&head[..8]) != u32::from_le_bytes(sum.try_into().unwrap_or_default()) {
            return Err(self.wrong("the checksum of its length is wrong: the file is damaged, or no TFRecord file"));
        }
        if length > self.bytes_max {
            let most = self.bytes_max;
            return Err(self.wrong(&format!("it is {length} bytes long, and at most {most} are read of one")));
        }
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(length).read_to_end(&mut bytes);
        read.map_err(|error| self.unreadable(&error))?;
        let mut foot = [0; FOOT_BYTES];
        if (bytes.len() as u64) < length || !self.fill(&mut foot)? {
            return Err(self.wrong("the file breaks off within it"));
        }
        if masked_crc32c(&bytes) != u32::from_le_bytes(foot) {
            return Err(self.wrong("its checksum is wrong: the file is damaged"));
        }
        Ok(Some(bytes))
    }

    /// Fills a buffer; says whether there was a first byte at all.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, OfflineError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(self.wrong("the file breaks off within it")),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(true)
    }

    fn unreadable(&self, error: &io::Error) -> OfflineError {
        match error.kind() {
            ErrorKind::UnexpectedEof => self.wrong("the file breaks off within it"),
            _ => self.wrong(&format!("it cannot be read: {error}")),
        }
    }

    /// What is wrong with the record that was read last.
    pub fn wrong(&self, why: &str) -> OfflineError {
        OfflineError::Record { at: self.at.clone(), record: self.number, why: why.to_owned() }
    }
}

/// Whether a file may be one of records: it is gzip, or its first length has the right checksum.
pub fn is_record_file(at: &Path) -> io::Result<bool> {
    if starts_with(at, &GZIP_MAGIC)? {
        return Ok(true);
    }
    let mut head = [0; HEAD_BYTES];
    match file::open_regular(at)?.read_exact(&mut head) {
        Ok(()) => Ok(masked_crc32c(&head[..8]).to_le_bytes() == head[8..]),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn starts_with(at: &Path, magic: &[u8]) -> io::Result<bool> {
    let mut start = Vec::new();
    let file: File = file::open_regular(at)?;
    file.take(magic.len() as u64).read_to_end(&mut start)?;
    Ok(start == magic)
}

/// The checksum as it is written: one of bytes that hold checksums themselves would say little otherwise.
pub fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Castagnoli's polynomial, its bits reversed. flate2's crc32fast computes another one.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// For eight bytes at a time: `TABLES[n][byte]` is what a byte does that `n` others follow.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

fn crc32c(bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut sum = !0_u32;
    for eight in eights {
        let eight = (u64::from_le_bytes(*eight) ^ u64::from(sum)).to_le_bytes();
        sum = (0..8).fold(0, |sum, at| sum ^ TABLES[7 - at][usize::from(eight[at])]);
    }
    !rest.iter().fold(sum, |sum, byte| sum >> 8 ^ TABLES[0][usize::from(sum as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, B.4, and the check value of the catalogue of CRCs.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
    }
}
