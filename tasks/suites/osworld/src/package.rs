//! Files of Office programs: zip archives of parts that refer to each other, read with bounds and never unpacked onto a disk.

use std::cell::{Cell, RefCell};
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::EvaluatorErrorKind as Kind;
use crate::output::StateFile;
use crate::xml;

/// The archive's own list of what its parts are.
pub const CONTENT_TYPES: &str = "[Content_Types].xml";
const PARTS_MAX: usize = 10_000;
/// What one part may come to when it is unpacked.
const PART_BYTES_MAX: u64 = 64 << 20;
/// What all that is unpacked of one file may come to.
const UNPACKED_BYTES_MAX: u64 = 512 << 20;
const RELATIONSHIPS_MAX: usize = 100_000;

/// An archive of parts.
pub struct Package<'a> {
    /// What the file is called, for messages.
    pub name: &'a str,
    archive: RefCell<ZipArchive<Cursor<&'a [u8]>>>,
    bytes_left: Cell<u64>,
}

/// What a part refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relationship {
    pub id: String,
    /// The last word of the address that says what it is: `worksheet`, `image`.
    pub kind: String,
    /// The part's path in the archive; an address, if it is external.
    pub target: String,
    pub is_external: bool,
}

impl<'a> Package<'a> {
    /// # Errors
    /// If it is no zip archive, is cut off, or has too many parts.
    pub fn open(file: &'a StateFile) -> Result<Package<'a>, Kind> {
        let bytes = file.bounded()?;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Kind::unreadable(&file.name, error))?;
        if archive.len() > PARTS_MAX {
            return Err(Kind::unreadable(&file.name, format!("it has more than {PARTS_MAX} parts")));
        }
        let archive = RefCell::new(archive);
        Ok(Package { name: &file.name, archive, bytes_left: Cell::new(UNPACKED_BYTES_MAX) })
    }

    pub fn contains(&self, path: &str) -> bool {
        self.archive.borrow().index_for_name(path).is_some()
    }

    /// A part; `None` if there is none at that path.
    ///
    /// # Errors
    /// If it is damaged or too large.
    pub fn part(&self, path: &str) -> Result<Option<Vec<u8>>, Kind> {
        let mut archive = self.archive.borrow_mut();
        let part = match archive.by_name(path) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(self.unreadable(path, error)),
        };
        let bytes_max = PART_BYTES_MAX.min(self.bytes_left.get());
        let mut bytes = Vec::new();
        part.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| self.unreadable(path, error))?;
        if bytes.len() as u64 > bytes_max {
            return Err(Kind::TooLarge { what: self.part_name(path), bytes_max });
        }
        self.bytes_left.set(bytes_max.max(self.bytes_left.get()) - bytes.len() as u64);
        Ok(Some(bytes))
    }

    /// A part that is text.
    ///
    /// # Errors
    /// As [`Package::part`], and if it is neither UTF-8 nor marked UTF-16.
    pub fn text(&self, path: &str) -> Result<Option<String>, Kind> {
        let Some(bytes) = self.part(path)? else { return Ok(None) };
        let wide = |unit: fn([u8; 2]) -> u16| {
            let units = bytes[2..].chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or(0)]));
            char::decode_utf16(units).collect::<Result<String, _>>().map_err(|error| self.unreadable(path, error))
        };
        match bytes[..] {
            [0xef, 0xbb, 0xbf, ref rest @ ..] => self.utf8(path, rest.to_vec()).map(Some),
            [0xff, 0xfe, ..] => wide(u16::from_le_bytes).map(Some),
            [0xfe, 0xff, ..] => wide(u16::from_be_bytes).map(Some),
            _ => self.utf8(path, bytes).map(Some),
        }
    }

    fn utf8(&self, path: &str, bytes: Vec<u8>) -> Result<String, Kind> {
        String::from_utf8(bytes).map_err(|error| self.unreadable(path, error))
    }

    /// A part that the file cannot do without.
    ///
    /// # Errors
    /// As [`Package::text`], and if it is not there.
    pub fn required_text(&self, path: &str) -> Result<String, Kind> {
        self.text(path)?.ok_or_else(|| self.unreadable(path, "it is not there"))
    }

    /// What a part refers to; nothing if it has no list of that.
    ///
    /// # Errors
    /// If the list is damaged.
    pub fn relationships(&self, part: &str) -> Result<Vec<Relationship>, Kind> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let path = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
        let Some(text) = self.text(&path)? else { return Ok(Vec::new()) };
        let document = xml::parse(&self.part_name(&path), &text)?;
        let nodes = xml::children(document.root_element(), "Relationship");
        let relationships: Vec<Relationship> = nodes
            .map(|node| {
                let value = |name| node.attribute(name).unwrap_or_default();
                let is_external = value("TargetMode") == "External";
                let target = value("Target");
                Relationship {
                    id: value("Id").to_owned(),
                    kind: value("Type").rsplit('/').next().unwrap_or_default().to_owned(),
                    target: if is_external { target.to_owned() } else { resolve(folder, target) },
                    is_external,
                }
            })
            .collect();
        if relationships.len() > RELATIONSHIPS_MAX {
            return Err(self.unreadable(&path, format!("it has more than {RELATIONSHIPS_MAX} entries")));
        }
        Ok(relationships)
    }

    /// Whether the archive's own list says of any part that it is of one of these kinds.
    ///
    /// # Errors
    /// If there is no such list, or it is damaged.
    pub fn lists_type(&self, kinds: &[&str]) -> Result<bool, Kind> {
        let text = self.required_text(CONTENT_TYPES)?;
        let document = xml::parse(&self.part_name(CONTENT_TYPES), &text)?;
        let root = document.root_element();
        let mut entries = xml::children(root, "Override").chain(xml::children(root, "Default"));
        Ok(entries.any(|entry| entry.attribute("ContentType").is_some_and(|kind| kinds.contains(&kind))))
    }

    /// What kind of content a part has, by the archive's own list: that of its path, else that of how its name ends.
    ///
    /// # Errors
    /// If there is no such list, or it is damaged.
    pub fn content_type(&self, path: &str) -> Result<Option<String>, Kind> {
        let text = self.required_text(CONTENT_TYPES)?;
        let document = xml::parse(&self.part_name(CONTENT_TYPES), &text)?;
        let of = |name: &'static str, key: &'static str, wanted: &str| {
            let is_wanted = |value: &str| value.trim_start_matches('/').eq_ignore_ascii_case(wanted);
            let mut entries = xml::children(document.root_element(), name);
            let entry = entries.find(|entry| entry.attribute(key).is_some_and(is_wanted));
            entry.and_then(|entry| entry.attribute("ContentType")).map(str::to_owned)
        };
        let file = path.rsplit('/').next().unwrap_or(path);
        let by_end = || of("Default", "Extension", file.rsplit_once('.').map_or("", |(_, end)| end));
        Ok(of("Override", "PartName", path).or_else(by_end))
    }

    /// What a part is called in messages.
    pub fn part_name(&self, path: &str) -> String {
        format!("{} ({path})", self.name)
    }

    pub fn unreadable(&self, path: &str, why: impl ToString) -> Kind {
        Kind::unreadable(&self.part_name(path), why)
    }
}

/// A path that is written relative to a folder of the archive.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
