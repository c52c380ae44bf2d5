//! Which page an address leads to, and whose it is: what a policy of a browser goes by.

use std::sync::LazyLock;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use tapwright_contract::device::{DriverErrorKind, Front, InstalledApp};
use url::{Host, Url};

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

/// What is in front while it is.
const START_ID: &str = "browser:start";
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

/// What a name in a policy stands for in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedSite {
    /// The pages of one origin, by their id: `https://mail.example.com`. What may be done goes by this alone.
    Origin(String),
    /// The pages of a host, and of all below it, whatever their scheme and port: `example.com`. It counts against a page, and never for it.
    Host(String),
}

impl NamedSite {
    /// Reads one: an origin, a host, or the name that one of `sites` was given.
    ///
    /// # Errors
    /// What is wrong with it, and what a name is here.
    pub fn read(name: &str, sites: &[Site]) -> Result<NamedSite, String> {
        let name = name.trim();
        if let Some(url) = web_address(name) {
            let origin = owner(&url);
            if !is_bare(&url) {
                return Err(format!("{name:.200?} is one page, and a policy goes by sites: write {origin}"));
            }
            return Ok(NamedSite::Origin(origin));
        }
        if let Some(address) = named(sites, name).and_then(|site| web_address(&site.address)) {
            return Ok(NamedSite::Origin(owner(&address)));
        }
        // What is in front where no site is: told by the browser alone.
        let is_scheme = |name: &str| {
            name.strip_suffix(':').is_some_and(|scheme| Url::parse(name).is_ok_and(|url| url.scheme() == scheme))
        };
        if name == START_ID || is_scheme(name) || name.starts_with("file:///") {
            return Ok(NamedSite::Origin(name.to_owned()));
        }
        if let Some(host) = bare_host(name) {
            return Ok(NamedSite::Host(host));
        }
        let mut known: Vec<&str> = sites.iter().take(LIKE_MAX).map(|site| site.name.as_str()).collect();
        if known.is_empty() {
            known.push("there are none");
        }
        let known = known.join(", ");
        Err(format!(
            "no site is called {name:.200?}: in a browser write an origin (https://mail.example.com), a host with all below it \
             (example.com), or a name under `[device] sites` ({known})"
        ))
    }
}

/// A host as it is written without a scheme: with a dot or a port, or this machine's, so that a slip of another name is none.
fn bare_host(name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['/', '\\', '@', '?', '#', '*']) || name.contains(char::is_whitespace) {
        return None;
    }
    let host = host(&web_address(&format!("http://{name}"))?);
    (host.contains(['.', ':']) || host == "localhost").then_some(host)
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
        InstalledApp { id: owner(&self.address), label: self.label.clone(), aliases: aliases(&self.address) }
    }

    /// Whether a page is what is meant.
    pub fn is_at(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| match self.is_site {
            true => owner(&url) == owner(&self.address),
            false => canonical(url) == canonical(self.address.clone()),
        })
    }
}

/// An address that may be opened: of the web, and of nothing on this machine or inside the browser.
pub(super) fn web_address(words: &str) -> Option<Url> {
    let url = Url::parse(words.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.has_host() && words.len() <= ADDRESS_MAX).then_some(url)
}

fn named<'a>(sites: &'a [Site], name: &str) -> Option<&'a Site> {
    let wanted = name.trim().to_lowercase();
    sites.iter().find(|site| !wanted.is_empty() && site.name.to_lowercase() == wanted)
}

/// The apps that a name stands for: a host without a scheme is meant with either.
pub(super) fn find_apps(sites: &[Site], name: &str) -> Result<Vec<InstalledApp>, DriverErrorKind> {
    match (find(sites, name), NamedSite::read(name, sites)) {
        (Ok(site), _) => Ok(vec![site.app()]),
        (Err(_), Ok(NamedSite::Host(host))) => {
            let either =
                ["https", "http"].map(|scheme| find(sites, &format!("{scheme}://{host}")).map(|site| site.app()));
            either.into_iter().collect()
        }
        // What only the browser itself shows can be named, and not launched.
        (Err(_), Ok(NamedSite::Origin(id))) => Ok(vec![InstalledApp { label: id.clone(), id, aliases: Vec::new() }]),
        (Err(kind), _) => Err(kind),
    }
}

/// The site or the address that a name means.
pub(super) fn find(sites: &[Site], name: &str) -> Result<FoundSite, DriverErrorKind> {
    if let Some(address) = web_address(name) {
        let site = sites.iter().find(|site| web_address(&site.address).is_some_and(|of| owner(&of) == owner(&address)));
        let label = site.map_or_else(|| host(&address), |site| site.name.clone());
        // The name of a site's owner and nothing behind it means the site, wherever in it one is.
        let is_site = site.is_some() && is_bare(&address);
        return Ok(FoundSite { address, label, is_site });
    }
    if let Some((site, address)) = named(sites, name).and_then(|site| Some((site, web_address(&site.address)?))) {
        return Ok(FoundSite { address, label: site.name.clone(), is_site: true });
    }
    let mut like: Vec<String> = sites.iter().take(LIKE_MAX).map(|site| site.name.clone()).collect();
    like.push("an address such as https://example.com".to_owned());
    Err(DriverErrorKind::NoSuchApp { app: name.to_owned(), like })
}

/// Whether an address is that of a site, with nothing behind it.
fn is_bare(url: &Url) -> bool {
    url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
}

/// An address with its host in the one spelling that all comparing goes by. Case, the letters of other scripts, numbers of IPv4 and
/// usual ports are `url`'s to unify; left are the dot that ends a name, and an IPv4 address written as one of IPv6.
fn canonical(mut url: Url) -> Url {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.strip_suffix('.').filter(|name| !name.ends_with('.')).map(str::to_owned),
        Some(Host::Ipv6(address)) => address.to_ipv4_mapped().map(|address| address.to_string()),
        Some(Host::Ipv4(_)) | None => None,
    };
    if let Some(host) = host {
        // Where it cannot be, it stays another one.
        let _ = url.set_host(Some(&host));
    }
    url
}

/// Whose a page is, by its address: the origin of a page of the web. A page's title is its own word, and so says nothing.
fn owner(url: &Url) -> String {
    match url.scheme() {
        "http" | "https" => canonical(url.clone()).origin().ascii_serialization(),
        "blob" | "filesystem" => {
            let inner = Url::parse(&url.origin().ascii_serialization());
            inner.map_or_else(|_| format!("{}:", url.scheme()), |inner| owner(&inner))
        }
        "file" => format!("file://{}", url.path()),
        scheme => format!("{scheme}:"),
    }
}

/// Its host, and its port if it is no usual one.
fn host(url: &Url) -> String {
    let url = canonical(url.clone());
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// By what else a page of the web goes: its host, with its port and without, and the domains that this is below, the widest first.
fn aliases(url: &Url) -> Vec<String> {
    let url = match url.scheme() {
        "http" | "https" => canonical(url.clone()),
        "blob" | "filesystem" => match Url::parse(&owner(url)) {
            Ok(inner) => inner,
            Err(_) => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut aliases = vec![url.host_str().unwrap_or_default().to_owned()];
    if url.port().is_some() {
        aliases.push(host(&url));
    }
    if let Some(Host::Domain(name)) = url.host() {
        let ends = name.rmatch_indices('.').map(|(at, _)| &name[at + 1..]);
        aliases.extend(ends.filter(|end| end.contains('.')).map(str::to_owned));
    }
    aliases
}

/// A browser's debugging port by its address, in one spelling: two that lead to one browser are one. `None` if it is no address.
pub(super) fn canonical_endpoint(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "ws"))?;
    let url = canonical(url);
    let is_local = match url.host()? {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        // Who connects to no address in particular comes to this machine.
        Host::Ipv4(address) => address.is_loopback() && address.octets()[3] == 1 || address.is_unspecified(),
        Host::Ipv6(address) => address.is_loopback() || address.is_unspecified(),
    };
    let host = if is_local { "127.0.0.1" } else { url.host_str()? };
    Some(format!("http://{host}:{}", url.port_or_known_default()?))
}

/// What is in front when a page of this address is. A blank page belongs to whoever opened it: `opener` is its address.
pub(super) fn front(sites: &[Site], address: &str, opener: Option<&str>) -> Front {
    if address == start_page() {
        return Front { id: START_ID.to_owned(), label: "Start page".to_owned(), aliases: Vec::new() };
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
    Front { id, label, aliases: aliases(&url) }
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
            let front = front(&sites(), address, None);
            assert_eq!((&*front.id, &*front.label), (id, label), "{address}");
        }
        assert_eq!(front(&sites(), "about:blank", Some("https://evil.net/x")).id, "https://evil.net");
        assert_eq!(front(&sites(), start_page(), None).label, "Start page");
    }

    #[test]
    fn a_host_is_one_host_however_it_is_written() {
        for (one, others) in [
            (
                "https://mail.example.com",
                &["HTTPS://Mail.EXAMPLE.com.", "https://mail.example.com:443/", " https://ｍａｉｌ.example.com/ "][..],
            ),
            ("https://xn--bcher-kva.example", &["https://bücher.example", "https://BÜCHER.example./"]),
            (
                "http://1.2.3.4",
                &["http://1.2.3.4.", "http://0x01020304:80", "http://[::ffff:1.2.3.4]/", "http://[::ffff:102:304]"],
            ),
            ("http://localhost:9777", &["http://LOCALHOST.:9777/"]),
        ] {
            for other in others {
                assert_eq!(NamedSite::read(other, &[]), Ok(NamedSite::Origin(one.to_owned())), "{other}");
                assert_eq!(front(&[], other.trim(), None).id, one, "{other}");
                let site = Site::new("It", one).unwrap();
                assert_eq!(front(std::slice::from_ref(&site), other.trim(), None).label, "It", "{other}");
                assert!(find(&[site], other).unwrap().is_site, "{other}");
            }
        }
        for (one, other) in [
            ("https://example.com", "http://example.com"),
            ("https://example.com", "https://example.com:8443"),
            ("https://example.com", "https://example.com.evil.net"),
            ("http://[::ffff:1.2.3.4]", "http://[::1]"),
        ] {
            assert_ne!(front(&[], one, None).id, front(&[], other, None).id);
        }
    }

    #[test]
    fn a_name_in_a_policy_is_a_site_or_a_mistake() {
        let origin = |of: &str| Ok(NamedSite::Origin(of.to_owned()));
        let host = |of: &str| Ok(NamedSite::Host(of.to_owned()));
        for (name, expected) in [
            ("mail", origin("https://mail.example.com")),
            ("https://Mail.Example.com", origin("https://mail.example.com")),
            ("http://localhost:9777", origin("http://localhost:9777")),
            ("Example.com.", host("example.com")),
            ("localhost:9777", host("localhost:9777")),
            ("[::1]", host("[::1]")),
            ("browser:start", origin("browser:start")),
            ("about:", origin("about:")),
        ] {
            assert_eq!(NamedSite::read(name, &sites()), expected, "{name}");
        }
        for (name, wanted) in [
            ("Gmial", "(Mail)"),
            ("微信", "an origin"),
            ("*.example.com", "a host with all below it"),
            ("my bank", "an origin"),
            ("", "an origin"),
            ("https://mail.example.com/inbox", "write https://mail.example.com"),
            ("example.com/inbox", "an origin"),
            ("https://me@evil.net", "write https://evil.net"),
        ] {
            let error = NamedSite::read(name, &sites()).unwrap_err();
            assert!(error.contains(wanted), "{name}: {error}");
        }
        assert!(NamedSite::read("x", &[]).unwrap_err().contains("there are none"));
    }

    #[test]
    fn a_page_goes_by_its_host_and_what_this_is_below() {
        for (address, expected) in [
            ("https://a.b.Example.com./x", &["a.b.example.com", "example.com", "b.example.com"][..]),
            ("http://localhost:9777/", &["localhost", "localhost:9777"]),
            ("http://[::ffff:1.2.3.4]/", &["1.2.3.4"]),
            ("blob:https://evil.net/1-2", &["evil.net"]),
            ("data:text/html,x", &[]),
            ("file:///etc/passwd", &[]),
        ] {
            assert_eq!(front(&[], address, None).aliases, expected, "{address}");
        }
        let found =
            |name: &str| find_apps(&sites(), name).map(|apps| apps.into_iter().map(|app| app.id).collect::<Vec<_>>());
        assert_eq!(found("Example.com").unwrap(), ["https://example.com", "http://example.com"]);
        assert_eq!(found("mail").unwrap(), ["https://mail.example.com"]);
        assert!(found("Gmial").is_err());
    }

    #[test]
    fn one_browser_has_one_address() {
        for address in [
            "http://127.0.0.1:9222",
            "http://127.0.0.1:9222/",
            "http://LocalHost:9222",
            "http://localhost.:9222/json/version",
            "ws://127.0.0.1:9222/devtools/browser/1-2",
            "http://[::1]:9222",
            "http://[::ffff:127.0.0.1]:9222",
            "http://127.1:9222",
            "http://0.0.0.0:9222",
        ] {
            assert_eq!(canonical_endpoint(address).as_deref(), Some("http://127.0.0.1:9222"), "{address}");
        }
        for (address, expected) in [
            ("http://127.0.0.1", Some("http://127.0.0.1:80")),
            ("ws://Box.lan./devtools", Some("http://box.lan:80")),
            ("http://127.0.0.2:1", Some("http://127.0.0.2:1")),
            ("https://127.0.0.1:1", None),
            ("privat", None),
        ] {
            assert_eq!(canonical_endpoint(address).as_deref(), expected, "{address}");
        }
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
