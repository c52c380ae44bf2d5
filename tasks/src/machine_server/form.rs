//! Forms as clients send them: pairs of a page's form, and a form with a file.

/// The value of a field of `a=b&c=d`.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A form with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileForm<'a> {
    /// Where the file goes.
    pub path: String,
    pub content: &'a [u8],
}

impl<'a> FileForm<'a> {
    /// Reads the two fields of an upload: `file_path` and `file_data`.
    ///
    /// # Errors
    /// What is missing.
    pub fn read(kind: &str, body: &'a [u8]) -> Result<FileForm<'a>, &'static str> {
        const WANTED: &str = "file_path and file_data are required, as multipart/form-data";
        let boundary = boundary(kind).ok_or(WANTED)?;
        let (mut path, mut content) = (None, None);
        for part in parts(body, boundary.as_bytes()).ok_or("the form is not whole")? {
            let end = find(part, b"\r\n\r\n").ok_or("a part of the form has no head")?;
            let head = String::from_utf8_lossy(&part[..end]).to_string();
            let value = &part[end + 4..];
            match name(&head).as_deref() {
                Some("file_path") => {
                    path = Some(String::from_utf8(value.to_vec()).map_err(|_| "file_path is no text")?)
                }
                Some("file_data") => content = Some(value),
                _ => {}
            }
        }
        Ok(FileForm { path: path.filter(|path| !path.is_empty()).ok_or(WANTED)?, content: content.ok_or(WANTED)? })
    }
}

fn boundary(kind: &str) -> Option<String> {
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let values = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let mut boundaries = values.filter(|(key, _)| key.eq_ignore_ascii_case("boundary"));
    let boundary = boundaries.next()?.1.trim_matches('"');
    (1..=200).contains(&boundary.len()).then(|| boundary.to_owned())
}

/// What stands between the boundaries; `None` if the last one is missing.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Option<Vec<&'a [u8]>> {
    const PARTS_MAX: usize = 16;
    let line = [b"--", boundary].concat();
    let between = [b"\r\n", &line[..]].concat();
    let mut rest = body.strip_prefix(&line[..])?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, &between)?;
        parts.push(&rest[..end]);
        rest = &rest[end + between.len()..];
        if parts.len() > PARTS_MAX {
            return None;
        }
    }
    Some(parts)
}

/// The name of a part, by its head.
fn name(head: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let (_, rest) = line.split_once(" name=").or_else(|| line.split_once(";name="))?;
    Some(match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?.to_owned(),
        None => rest.split(';').next()?.trim().to_owned(),
    })
}

/// Where some bytes begin. Boundaries are long and rare, so that looking for their first byte is nearly all the work.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=abc";

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (head, value) in parts {
            body.extend(format!("--abc\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
            body.extend_from_slice(value);
            body.extend(b"\r\n");
        }
        body.extend(b"--abc--\r\n");
        body
    }

    #[test]
    fn a_file_arrives_whatever_is_in_it() {
        for content in [&b""[..], b"a", b"\r\n--ab\r\n\0\xff--abc", b"\r\n\r\n"] {
            let body = form(&[
                ("name=\"file_path\"", "/home/user/ü b".as_bytes()),
                ("name=\"file_data\"; filename=\"b\"", content),
            ]);
            let read = FileForm::read(KIND, &body).unwrap();
            assert_eq!(read, FileForm { path: "/home/user/ü b".to_owned(), content });
        }
        let body = form(&[("name=file_data; filename=b", b"1"), ("name=file_path", b"/a")]);
        assert_eq!(FileForm::read("Multipart/Form-Data; boundary=\"abc\"", &body).unwrap().path, "/a");
    }

    #[test]
    fn half_a_form_is_none() {
        let whole = form(&[("name=\"file_path\"", b"/a"), ("name=\"file_data\"; filename=\"a\"", b"1")]);
        for end in 0..whole.len() - 4 {
            assert!(FileForm::read(KIND, &whole[..end]).is_err(), "{end}");
        }
        for kind in [
            "",
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=x",
        ] {
            assert!(FileForm::read(kind, &whole).is_err(), "{kind}");
        }
        assert!(FileForm::read(KIND, &form(&[("name=\"file_path\"", b"/a")])).is_err());
        assert!(FileForm::read(KIND, &form(&[("name=\"file_data\"", b"/a")])).is_err());
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        assert_eq!(field(b"a=1&file_path=%2Fhome%2Fa+b", "file_path").unwrap(), "/home/a b");
        assert_eq!(field(b"a=1", "b"), None);
    }
}
