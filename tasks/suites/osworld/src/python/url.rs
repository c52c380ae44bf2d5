//! Addresses as `urllib.parse` and `tldextract` take them apart.

/// The six parts of `urlparse`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    pub scheme: String,
    pub netloc: String,
    pub path: String,
    pub params: String,
    pub query: String,
    pub fragment: String,
}

const USES_PARAMS: [&str; 14] =
    ["", "ftp", "hdl", "prospero", "http", "https", "shttp", "rtsp", "rtsps", "sip", "sips", "mms", "sftp", "tel"];

impl UrlParts {
    /// `urlparse(text)`; `None` where Python raises, which is for brackets that do not match.
    pub fn parse(text: &str) -> Option<UrlParts> {
        let text: String = text
            .trim_start_matches(|char: char| char <= ' ')
            .chars()
            .filter(|char| !matches!(char, '\t' | '\r' | '\n'))
            .collect();
        let mut rest = text.as_str();
        let mut scheme = String::new();
        if let Some((name, after)) = rest.split_once(':')
            && name.starts_with(|char: char| char.is_ascii_alphabetic())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
        {
            scheme = name.to_ascii_lowercase();
            rest = after;
        }
        let mut netloc = "";
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            (netloc, rest) = after.split_at(end);
            if netloc.contains('[') != netloc.contains(']') {
                return None;
            }
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (path, params) = if USES_PARAMS.contains(&scheme.as_str()) { split_params(path) } else { (path, "") };
        Some(UrlParts {
            netloc: netloc.to_owned(),
            path: path.to_owned(),
            params: params.to_owned(),
            query: query.to_owned(),
            fragment: fragment.to_owned(),
            scheme,
        })
    }

    /// `urlunparse(parts)`.
    pub fn unparse(&self) -> String {
        let mut url = self.path.clone();
        if !self.params.is_empty() {
            url = format!("{url};{}", self.params);
        }
        if !self.netloc.is_empty() {
            let slash = if url.is_empty() || url.starts_with('/') { "" } else { "/" };
            url = format!("//{}{slash}{url}", self.netloc);
        } else if url.starts_with("//") {
            url = format!("//{url}");
        }
        if !self.scheme.is_empty() {
            url = format!("{}:{url}", self.scheme);
        }
        if !self.query.is_empty() {
            url = format!("{url}?{}", self.query);
        }
        if !self.fragment.is_empty() {
            url = format!("{url}#{}", self.fragment);
        }
        url
    }
}

/// Parameters follow a `;` in the last part of the path.
fn split_params(path: &str) -> (&str, &str) {
    let last = path.rfind('/').unwrap_or(0);
    match path[last..].find(';') {
        Some(at) => (&path[..last + at], &path[last + at + 1..]),
        None => (path, ""),
    }
}

/// What `parse_qs(query)[key][0]` is; pairs without a value do not count.
pub fn query_value(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (unquote_plus(name) == key && !value.is_empty()).then(|| unquote_plus(value))
    })
}

fn unquote_plus(text: &str) -> String {
    unquote(&text.replace('+', " "))
}

/// `unquote(text)`: bytes behind `%`, with what is no UTF-8 replaced.
pub fn unquote(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte =
            hex.and_then(|hex| std::str::from_utf8(hex).ok()).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// A host as `tldextract` splits it, without the public suffix: `("www", "airbnb")` of `www.airbnb.co.uk`.
pub fn registered_name(netloc: &str) -> (String, String) {
    let host = netloc.rsplit_once('@').map_or(netloc, |(_, host)| host);
    if host.starts_with('[') {
        let end = host.find(']').map_or(host.len(), |at| at + 1);
        return (String::new(), host[..end].to_owned());
    }
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_end_matches('.').replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".").to_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let suffix = suffix_labels(&labels);
    if suffix == 0 && labels.len() == 4 && host.parse::<std::net::Ipv4Addr>().is_ok() {
        return (String::new(), host);
    }
    let Some(domain) = (labels.len() - suffix).checked_sub(1) else { return (String::new(), String::new()) };
    (labels[..domain].join("."), labels[domain].to_owned())
}

/// How many labels at the end are a suffix of ICANN's part of the list; what companies let others register under does not count.
fn suffix_labels(labels: &[&str]) -> usize {
    for begin in 0..labels.len() {
        let rest = labels[begin..].join(".");
        let Some(suffix) = psl::suffix(rest.as_bytes()) else { continue };
        match suffix.typ() {
            Some(psl::Type::Icann) => return suffix.as_bytes().iter().filter(|byte| **byte == b'.').count() + 1,
            // Below it may be one of ICANN's.
            Some(psl::Type::Private) => {}
            None => return 0,
        }
    }
    0
}

/// `compare_urls`: whether two addresses mean the same page, whatever country the site's host ends in.
///
/// # Errors
/// The address that Python cannot take apart.
pub fn same_page<'a>(a: &'a str, b: &'a str) -> Result<bool, &'a str> {
    Ok(normalized(a).ok_or(a)? == normalized(b).ok_or(b)?)
}

fn normalized(url: &str) -> Option<String> {
    let scheme_ends = url.find("://").filter(|end| {
        let name = &url[..*end];
        name.starts_with(|char: char| char.is_ascii_alphabetic())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
    });
    let parts = match scheme_ends {
        Some(_) => UrlParts::parse(url)?,
        None => UrlParts::parse(&format!("http://{url}"))?,
    };
    let (subdomain, domain) = registered_name(&parts.netloc);
    let netloc = match subdomain.as_str() {
        "" | "www" => domain,
        subdomain => format!("{subdomain}.{domain}"),
    };
    let path = if parts.path == "/" { String::new() } else { parts.path.clone() };
    Some(UrlParts { netloc, path, ..parts }.unparse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_suffix() {
        for (host, expected) in [
            ("www.airbnb.com.sg", ("www", "airbnb")),
            ("airbnb.com", ("", "airbnb")),
            ("localhost:8080", ("", "localhost")),
            ("127.0.0.1", ("", "127.0.0.1")),
            ("a.b.github.io", ("a.b", "github")),
            ("user@docs.python.org", ("docs", "python")),
            ("com", ("", "")),
            (".amazon.com", ("", "amazon")),
            ("password-manager", ("", "password-manager")),
        ] {
            let (sub, domain) = registered_name(host);
            assert_eq!((sub.as_str(), domain.as_str()), expected, "{host}");
        }
    }

    #[test]
    fn addresses_of_one_page() {
        for (a, b, same) in [
            ("https://www.airbnb.com", "https://airbnb.de/", true),
            ("airbnb.com", "http://www.airbnb.com/", true),
            ("https://github.com", "http://github.com", false),
            ("https://a.com/x?y=1", "https://a.com/x?y=2", false),
            ("https://a.com/x#top", "https://a.com/x", false),
            ("chrome://settings/", "chrome://settings", true),
            ("https://m.a.com/", "https://a.com/", false),
        ] {
            assert_eq!(same_page(a, b), Ok(same), "{a} {b}");
        }
        assert_eq!(same_page("http://[::1/", "x"), Err("http://[::1/"));
    }

    #[test]
    fn queries() {
        let query = "a=1&b=&c=x+y%20z&c=2&d=%E4%B8%AD&e=%zz";
        for (key, value) in
            [("a", Some("1")), ("b", None), ("c", Some("x y z")), ("d", Some("中")), ("e", Some("%zz")), ("f", None)]
        {
            assert_eq!(query_value(query, key).as_deref(), value, "{key}");
        }
    }
}
