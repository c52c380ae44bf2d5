//! What an Android package says of itself: the binary XML of its manifest, out of a zip file. Nothing of it is run, no signature is
//! checked, and resources are not read: a label that is one is taken from the package's name.

use std::io::{Cursor, Read};

use crate::world::AddedPackage;

/// Bytes of a manifest, texts of its pool, and letters of a name.
const MANIFEST_MAX: u64 = 1 << 20;
const TEXTS_MAX: usize = 20_000;
const NAME_MAX: usize = 100;

/// Why a file is no package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApkError {
    #[error("INSTALL_PARSE_FAILED_NOT_APK: {0}")]
    NotApk(String),
    #[error("INSTALL_PARSE_FAILED_BAD_MANIFEST: {0}")]
    BadManifest(&'static str),
    #[error("INSTALL_PARSE_FAILED_BAD_PACKAGE_NAME: {0:?} is no name of a package")]
    BadName(String),
}

/// Reads a package.
pub(super) fn read(bytes: &[u8]) -> Result<AddedPackage, ApkError> {
    let not_apk = |error: zip::result::ZipError| ApkError::NotApk(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(not_apk)?;
    let file = archive.by_name("AndroidManifest.xml").map_err(not_apk)?;
    let mut manifest = Vec::new();
    let read = file.take(MANIFEST_MAX + 1).read_to_end(&mut manifest);
    read.map_err(|error| ApkError::NotApk(error.to_string()))?;
    if MANIFEST_MAX < manifest.len() as u64 {
        return Err(ApkError::BadManifest("it is too long"));
    }
    let elements = elements(&manifest).ok_or(ApkError::BadManifest("it is no binary XML"))?;
    package(&elements)
}

/// An element that begins. An attribute's value that is no text, such as the number of a resource, is `None`.
struct Tag {
    name: String,
    attributes: Vec<(String, Option<String>)>,
}

/// An element that begins; `None` where one ends.
type Element = Option<Tag>;

fn package(elements: &[Element]) -> Result<AddedPackage, ApkError> {
    let mut path: Vec<&str> = Vec::new();
    let mut package = None;
    let (mut label, mut version, mut activity) = (None, None, None);
    // The activity that is being read, and what its filter has said so far.
    let (mut present, mut is_main, mut is_launcher) = (None::<String>, false, false);
    for element in elements {
        let Some(Tag { name, attributes }) = element else {
            if path.pop() == Some("intent-filter") && is_main && is_launcher {
                activity = activity.or_else(|| present.clone());
            }
            continue;
        };
        path.push(name);
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, value)| value.clone()).map(|value| clean(&value)).filter(|value| !value.is_empty())
        };
        match &path[..] {
            ["manifest"] => (package, version) = (value("package"), value("versionName")),
            ["manifest", "application"] => label = value("label"),
            ["manifest", "application", "activity" | "activity-alias"] => present = value("name"),
            [.., "intent-filter"] => (is_main, is_launcher) = (false, false),
            [.., "intent-filter", "action"] => {
                is_main |= value("name").as_deref() == Some("android.intent.action.MAIN")
            }
            [.., "intent-filter", "category"] => {
                is_launcher |= value("name").as_deref() == Some("android.intent.category.LAUNCHER");
            }
            _ => {}
        }
    }
    let package = package.ok_or(ApkError::BadManifest("it names no package"))?;
    if !is_package(&package) {
        return Err(ApkError::BadName(package));
    }
    let activity = activity.unwrap_or_else(|| ".MainActivity".to_owned());
    let activity = activity.strip_prefix(&package).filter(|rest| rest.starts_with('.')).unwrap_or(&activity).to_owned();
    let last = package.rsplit('.').next().unwrap_or_default().to_owned();
    Ok(AddedPackage {
        label: label.unwrap_or(last),
        version: version.unwrap_or_else(|| "1.0".to_owned()),
        activity,
        package,
    })
}

/// A text in one line, as long as a name is.
fn clean(text: &str) -> String {
    let words: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME_MAX).collect()
}

fn is_package(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.len() < NAME_MAX && name.contains('.') && name.split('.').all(is_part)
}

/// Little-endian numbers at places that may not be there.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn short(&self, at: usize) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(self.0.get(at..at.checked_add(2)?)?.try_into().ok()?)))
    }
    fn word(&self, at: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.0.get(at..at.checked_add(4)?)?.try_into().ok()?)).ok()
    }
}

/// The elements of binary XML, in order; `None` if it is something else.
fn elements(bytes: &[u8]) -> Option<Vec<Element>> {
    const XML: usize = 0x0003;
    const TEXTS: usize = 0x0001;
    const BEGIN: usize = 0x0102;
    const END: usize = 0x0103;
    let file = Bytes(bytes);
    if file.short(0)? != XML {
        return None;
    }
    let mut at = file.short(2)?;
    let (mut texts, mut found) = (Vec::new(), Vec::new());
    while at + 8 <= bytes.len() {
        let (kind, size) = (file.short(at)?, file.word(at + 4)?);
        let chunk = bytes.get(at..at.checked_add(size)?)?;
        match kind {
            TEXTS if texts.is_empty() => texts = pool(chunk)?,
            BEGIN => found.push(Some(element(chunk, &texts)?)),
            END => found.push(None),
            _ => {}
        }
        if size < 8 {
            return None;
        }
        at += size;
    }
    Some(found)
}

/// The texts of a pool.
fn pool(chunk: &[u8]) -> Option<Vec<String>> {
    const UTF_8: usize = 1 << 8;
    let bytes = Bytes(chunk);
    let (head, count, flags, start) = (bytes.short(2)?, bytes.word(8)?, bytes.word(16)?, bytes.word(20)?);
    if TEXTS_MAX < count {
        return None;
    }
    let text = |index: usize| {
        let at = start.checked_add(bytes.word(head + 4 * index)?)?;
        if flags & UTF_8 != 0 {
            // Its length in letters, then in bytes: each in one byte, or in two if the first is marked.
            let skip = |at: usize| Some(if chunk.get(at)? & 0x80 == 0 { 1 } else { 2 });
            let at = at + skip(at)?;
            let first = usize::from(*chunk.get(at)?);
            let length = if first & 0x80 == 0 { first } else { (first & 0x7f) << 8 | usize::from(*chunk.get(at + 1)?) };
            let begin = at + skip(at)?;
            return Some(String::from_utf8_lossy(chunk.get(begin..begin + length)?).into_owned());
        }
        let first = bytes.short(at)?;
        let (length, begin) = match first & 0x8000 {
            0 => (first, at + 2),
            _ => ((first & 0x7fff) << 16 | bytes.short(at + 2)?, at + 4),
        };
        let units = chunk.get(begin..begin.checked_add(2 * length)?)?.chunks_exact(2);
        let units: Vec<u16> = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(String::from_utf16_lossy(&units))
    };
    (0..count).map(text).collect()
}

/// An element's name and attributes.
fn element(chunk: &[u8], texts: &[String]) -> Option<Tag> {
    const ATTRIBUTES_MAX: usize = 200;
    const TEXT: u8 = 3;
    let bytes = Bytes(chunk);
    let head = bytes.short(2)?;
    let name = texts.get(bytes.word(head + 4)?)?.clone();
    let (start, size, count) = (bytes.short(head + 8)?, bytes.short(head + 10)?, bytes.short(head + 12)?);
    let attribute = |index: usize| {
        let at = head + start + index * size;
        let name = texts.get(bytes.word(at + 4)?)?.clone();
        let is_text = *chunk.get(at + 15)? == TEXT;
        let value = if is_text { texts.get(bytes.word(at + 16)?).cloned() } else { None };
        Some((name, value))
    };
    let attributes = (0..count.min(ATTRIBUTES_MAX)).map(attribute).collect::<Option<Vec<_>>>()?;
    Some(Tag { name, attributes })
}
