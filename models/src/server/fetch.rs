//! Pictures that are named by their address. Whoever may have them fetched must not reach what only this machine can reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

use super::ServerLimits;
use super::body::MemoryPermit;
use super::error::ErrorResponse;

/// Which addresses pictures may be fetched from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlPolicy {
    /// From none.
    None,
    /// From the Internet.
    Public,
    /// From this machine and its neighbours too.
    Any,
}

const REDIRECTS_MAX: usize = 3;

/// Fetches pictures.
pub struct Fetcher {
    client: Client,
    urls: UrlPolicy,
    bytes_max: usize,
}

impl Fetcher {
    /// # Errors
    /// What the client says if there can be none.
    pub fn new(urls: UrlPolicy, limits: &ServerLimits) -> Result<Fetcher, String> {
        let follow = move |attempt: redirect::Attempt<'_>| {
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("it was sent on too often")
            } else if let Err(why) = check_address(attempt.url(), urls) {
                attempt.error(why)
            } else {
                attempt.follow()
            }
        };
        let mut client = Client::builder()
            .timeout(limits.fetch_within)
            .redirect(redirect::Policy::custom(follow))
            // A proxy would look names up by itself, and could reach what we must not.
            .no_proxy();
        if urls == UrlPolicy::Public {
            client = client.dns_resolver(std::sync::Arc::new(Public));
        }
        let client = client.build().map_err(|error| error.to_string())?;
        Ok(Fetcher { client, urls, bytes_max: limits.fetch_bytes_max })
    }

    /// The bytes that lie there; what the request holds grows with them.
    pub async fn fetch(&self, url: Url, memory: &mut MemoryPermit) -> Result<Vec<u8>, FetchError> {
        check_address(&url, self.urls)?;
        let mut response = self.client.get(url).send().await.map_err(|error| innermost(&error))?;
        if !response.status().is_success() {
            return Err(FetchError::Wrong(format!("the address answers {}", response.status())));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| innermost(&error))? {
            if bytes.len() + piece.len() > self.bytes_max {
                return Err(FetchError::Wrong(format!("what lies there is longer than {} bytes", self.bytes_max)));
            }
            memory.take(piece.len() as u64).map_err(FetchError::Full)?;
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// Why there is no picture.
#[derive(Debug)]
pub enum FetchError {
    /// A sentence about the address.
    Wrong(String),
    /// There is no memory for it now.
    Full(ErrorResponse),
}

impl From<String> for FetchError {
    fn from(why: String) -> FetchError {
        FetchError::Wrong(why)
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("it cannot be fetched: {cause}")
}

/// The address that stands where a name could stand.
fn host_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Looks at what an address itself says; names are looked at when they are looked up.
fn check_address(url: &Url, urls: UrlPolicy) -> Result<(), String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("{}: is no http: or https: address", url.scheme()));
    }
    match (urls, host_address(url)) {
        (UrlPolicy::None, _) => Err("this server fetches no pictures".to_owned()),
        (UrlPolicy::Public, Some(address)) if !is_public(address) => Err(NOT_PUBLIC.to_owned()),
        _ => Ok(()),
    }
}

const NOT_PUBLIC: &str = "pictures are fetched from public addresses only";

/// Looks names up and leaves out what is not public, so that no name can point at a neighbour.
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::other(NOT_PUBLIC).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the Internet at large.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmarks = a == 198 && (18..20).contains(&b);
    let protocols = a == 192 && b == 0 && c == 0;
    !(a == 0
        || a >= 224
        || shared
        || benchmarks
        || protocols
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    // Ways to write a v4 address as a v6 one: mapped, NAT64, 6to4.
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match words {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            v4(high, low)
        }
        // Teredo, and what documents use.
        [0x2001, 0 | 0xdb8, ..] => false,
        // All that is given out to the Internet begins so.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::MemoryBudget;
    use super::*;

    #[test]
    fn neighbours_are_not_public_however_they_are_written() {
        for (url, expected) in [
            ("http://127.0.0.1/x", false),
            ("http://2130706433/x", false), // The same, as one number.
            ("http://0x7f.1/x", false),
            ("http://10.1.2.3/x", false),
            ("http://192.168.0.1/x", false),
            ("http://169.254.169.254/latest", false),
            ("http://100.64.0.1/", false),
            ("http://0.0.0.0/", false),
            ("http://255.255.255.255/", false),
            ("http://[::1]/x", false),
            ("http://[::ffff:127.0.0.1]/x", false),
            ("http://[64:ff9b::a00:1]/x", false),
            ("http://[2002:7f00:1::]/x", false),
            ("http://[fe80::1]/x", false),
            ("http://[fd00::1]/x", false),
            ("ftp://example.com/x", false),
            ("file:///etc/passwd", false),
            ("http://8.8.8.8/x", true),
            ("https://[2606:4700::1111]/x", true),
            ("https://example.com/x", true),
        ] {
            assert_eq!(check_address(&Url::parse(url).unwrap(), UrlPolicy::Public).is_ok(), expected, "{url}");
        }
        assert!(check_address(&Url::parse("http://127.0.0.1/x").unwrap(), UrlPolicy::Any).is_ok());
        assert!(check_address(&Url::parse("http://8.8.8.8/x").unwrap(), UrlPolicy::None).is_err());
    }

    #[tokio::test]
    async fn a_name_that_points_at_a_neighbour_is_not_followed() {
        let fetcher = Fetcher::new(UrlPolicy::Public, &ServerLimits::USUAL).unwrap();
        let mut memory = MemoryBudget::new(1 << 20).permit();
        let Err(FetchError::Wrong(why)) = fetcher.fetch(Url::parse("http://localhost:1/x").unwrap(), &mut memory).await
        else {
            panic!("it was fetched")
        };
        assert!(why.contains(NOT_PUBLIC), "{why}");
    }
}
