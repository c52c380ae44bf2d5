//! Which page an address leads to, and whose it is: what a policy of a browser goes by.

use std::sync::LazyLock;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use tapwright_contract::device::{DriverErrorKind, Front, InstalledApp};
use url::Url;

/// What the page says that a browser of ours begins with.
const START: &str = "<!doctype html><meta charset=utf-8><title>Start page</title>\
    <body style='font:16px sans-serif;margin:3em;background:#eef2f7;color:#223'><h1>Start page</h1>\
    <p>Launch a site by its address, such as https://example.com</p>";

/// The page that a browser of ours begins with, by its address. No page can lead there: browsers do not let them.
pub(super) fn start_page() -> &'static str {
    static ADDRESS: LazyLock<String> =
        LazyLock::new(|| format!("data:text/html;base64,{}", base64::prelude::BASE64_STANDARD.encode(START)));
    &ADDRESS
}

/// No address is longer; browsers cut or refuse them.
const ADDRESS_MAX: usize = 8192;
/// So many sites are named where one is unknown.
const LIKE_MAX: usize = 5;

/// A site that can be launched by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    pub name: String,
    /// Its address, with `https://` or `http://`.
    pub address: String,
}

impl Site {
    /// # Errors
    /// What is wrong with its address.
    pub fn new(name: &str, address: &str) -> Result<Site, String> {
        match web_address(address) {
            Some(url) => Ok(Site { name: name.to_owned(), address: url.into() }),
            None => Err(format!("{address:.200?} is no whole address of the web")),
        }
    }
}

/// What is to be launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundSite {
    pub address: Url,
    pub label: String,
    /// Whether any page of the site will do, not only that of the address.
    pub is_site: bool,
}

impl FoundSite {
    pub fn app(&self) -> InstalledApp {
        InstalledApp { id: owner(&self.address), label: self.label.clone(), aliases: Vec::new() }
    }

    /// Whether a page is what is meant.
    pub fn is_at(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| match self.is_site {
            true => owner(&url) == owner(&self.address),
            false => url == self.address,
        })
    }
}

/// An address that may be opened: of the web, and of nothing on this machine or inside the browser.
pub(super) fn web_address(words: &str) -> Option<Url> {
    let url = Url::parse(words.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.has_host() && words.len() <= ADDRESS_MAX).then_some(url)
}

/// The site or the address that a name means.
pub(super) fn find(sites: &[Site], name: &str) -> Result<FoundSite, DriverErrorKind> {
    if let Some(address) = web_address(name) {
        let site = sites.iter().find(|site| web_address(&site.address).is_some_and(|of| owner(&of) == owner(&address)));
        let label = site.map_or_else(|| host(&address), |site| site.name.clone());
        // The name of a site's owner and nothing behind it means the site, wherever in it one is.
        let is_site = site.is_some() && owner(&address) == name.trim().trim_end_matches('/');
        return Ok(FoundSite { address, label, is_site });
    }
    let wanted = name.trim().to_lowercase();
    let named = sites.iter().find(|site| !wanted.is_empty() && site.name.to_lowercase() == wanted);
    if let Some((site, address)) = named.and_then(|site| Some((site, web_address(&site.address)?))) {
        return Ok(FoundSite { address, label: site.name.clone(), is_site: true });
    }
    let mut like: Vec<String> = sites.iter().take(LIKE_MAX).map(|site| site.name.clone()).collect();
    like.push("an address such as https://example.com".to_owned());
    Err(DriverErrorKind::NoSuchApp { app: name.to_owned(), like })
}

/// Whose a page is, by its address: the origin of a page of the web. A page's title is its own word, and so says nothing.
fn owner(url: &Url) -> String {
    match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        "blob" | "filesystem" if url.origin().is_tuple() => url.origin().ascii_serialization(),
        "file" => format!("file://{}", url.path()),
        scheme => format!("{scheme}:"),
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What is in front when a page of this address is. A blank page belongs to whoever opened it: `opener` is its address.
pub(super) fn front(sites: &[Site], address: &str, opener: Option<&str>) -> Front {
    if address == start_page() {
        return Front { id: "browser:start".to_owned(), label: "Start page".to_owned(), aliases: Vec::new() };
    }
    let Ok(url) = Url::parse(address) else {
        return Front { id: "about:".to_owned(), label: "Blank page".to_owned(), aliases: Vec::new() };
    };
    match (url.scheme(), opener) {
        ("about", Some(opener)) if opener != address => return front(sites, opener, None),
        _ => {}
    }
    let id = owner(&url);
    let named = sites.iter().find(|site| web_address(&site.address).is_some_and(|of| owner(&of) == id));
    let label = match (named, url.scheme()) {
        (Some(site), _) => site.name.clone(),
        (None, "http" | "https") => host(&url),
        (None, "file") => url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or("a file").to_owned(),
        (None, "about") => "Blank page".to_owned(),
        (None, _) => id.clone(),
    };
    Front { id, label, aliases: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites() -> Vec<Site> {
        vec![Site { name: "Mail".to_owned(), address: "https://mail.example.com/inbox".to_owned() }]
    }

    #[test]
    fn a_page_belongs_to_its_origin_whatever_it_calls_itself() {
        for (address, id, label) in [
            ("https://mail.example.com/a?b#c", "https://mail.example.com", "Mail"),
            ("https://mail.example.com:8443/", "https://mail.example.com:8443", "mail.example.com:8443"),
            ("http://mail.example.com/", "http://mail.example.com", "mail.example.com"),
            ("https://mail.example.com.evil.net/", "https://mail.example.com.evil.net", "mail.example.com.evil.net"),
            ("https://mail.example.com@evil.net/", "https://evil.net", "evil.net"),
            // Cyrillic letters that look like Latin ones.
            ("https://\u{440}\u{430}ypal.com/", "https://xn--ypal-43d9g.com", "xn--ypal-43d9g.com"),
            ("blob:https://evil.net/1-2", "https://evil.net", "https://evil.net"),
            ("file:///home/me/a%20b.html?x", "file:///home/me/a%20b.html", "a%20b.html"),
            ("data:text/html,<title>Mail</title>", "data:", "data:"),
            ("about:blank", "about:", "Blank page"),
            ("nonsense", "about:", "Blank page"),
        ] {
            assert_eq!(
                front(&sites(), address, None),
                Front { id: id.to_owned(), label: label.to_owned(), aliases: Vec::new() },
                "{address}"
            );
        }
        assert_eq!(front(&sites(), "about:blank", Some("https://evil.net/x")).id, "https://evil.net");
        assert_eq!(front(&sites(), start_page(), None).label, "Start page");
    }

    #[test]
    fn only_sites_and_addresses_of_the_web_are_launched() {
        let found = |name: &str| find(&sites(), name).map(|site| (site.app().id, site.app().label, site.is_site)).ok();
        let mail = |is_site| Some(("https://mail.example.com".to_owned(), "Mail".to_owned(), is_site));
        assert_eq!(found("mail"), mail(true));
        assert_eq!(found("https://mail.example.com"), mail(true));
        assert_eq!(found("https://mail.example.com/other"), mail(false));
        assert_eq!(
            found(" HTTPS://Example.com "),
            Some(("https://example.com".to_owned(), "example.com".to_owned(), false))
        );
        for name in [
            "",
            "example.com",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "chrome://settings",
            "data:text/html,x",
            "view-source:https://example.com",
            "https://",
            "about:blank",
            "-p",
            &format!("https://e.com/{}", "x".repeat(9000)),
        ] {
            assert!(matches!(find(&sites(), name), Err(DriverErrorKind::NoSuchApp { .. })), "{name:.60}");
        }
    }
}
