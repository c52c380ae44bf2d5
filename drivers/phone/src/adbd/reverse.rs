//! `adb reverse`: which ports of the phone stand for ports of the computer. They are kept for as long as the computer is
//! connected, listed and removed; nothing on this phone connects to a port, so none is ever used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Forwards of one client.
const FORWARDS_MAX: usize = 64;
/// The first port that is given to who asks for any.
const FIRST_PORT: u16 = 40_000;

#[derive(Debug, Default)]
pub(super) struct Reverse {
    /// By the phone's end.
    forwards: Mutex<BTreeMap<String, String>>,
}

impl Reverse {
    /// Does what a client asks for, and says it in the words of the protocol.
    pub fn answer(&self, request: &str) -> String {
        let mut forwards = self.forwards.lock().unwrap_or_else(PoisonError::into_inner);
        let (verb, rest) = request.split_once(':').unwrap_or((request, ""));
        match verb {
            "list-forward" => {
                let lines: String =
                    forwards.iter().map(|(phone, computer)| format!("host-1 {phone} {computer}\n")).collect();
                with_length(&lines)
            }
            "killforward-all" => {
                forwards.clear();
                "OKAY".to_owned()
            }
            "killforward" => match forwards.remove(rest) {
                Some(_) => "OKAY".to_owned(),
                None => failure(&format!("listener '{rest}' not found")),
            },
            "forward" => {
                let (rebind, rest) = match rest.strip_prefix("norebind:") {
                    Some(rest) => (false, rest),
                    None => (true, rest),
                };
                let Some((phone, computer)) = rest.split_once(';') else { return failure("bad forward: no ;") };
                let Some(phone) = end(phone, &forwards).filter(|_| is_end(computer)) else {
                    return failure(&format!("cannot bind {phone}: only tcp: and local: ends are known"));
                };
                if !rebind && forwards.contains_key(&phone) {
                    return failure(&format!("cannot rebind existing socket '{phone}'"));
                }
                if FORWARDS_MAX <= forwards.len() && !forwards.contains_key(&phone) {
                    return failure("too many forwards");
                }
                let chosen = rest.starts_with("tcp:0;").then(|| with_length(phone.trim_start_matches("tcp:")));
                forwards.insert(phone, computer.to_owned());
                format!("OKAY{}", chosen.unwrap_or_default())
            }
            unknown => failure(&format!("unknown request {unknown}")),
        }
    }
}

fn is_end(text: &str) -> bool {
    match text.split_once(':') {
        Some(("tcp", port)) => port.parse::<u16>().is_ok(),
        Some(("localabstract" | "localreserved" | "localfilesystem" | "local", name)) => {
            !name.is_empty() && name.len() < 108
        }
        _ => false,
    }
}

/// The phone's end; for port 0 one that is free.
fn end(text: &str, forwards: &BTreeMap<String, String>) -> Option<String> {
    if text == "tcp:0" {
        return (FIRST_PORT..).map(|port| format!("tcp:{port}")).find(|end| !forwards.contains_key(end));
    }
    is_end(text).then(|| text.to_owned())
}

fn with_length(text: &str) -> String {
    format!("{:04x}{text}", text.len())
}

/// That it cannot be done.
fn failure(why: &str) -> String {
    format!("FAIL{}", with_length(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_kept_listed_and_removed() {
        let reverse = Reverse::default();
        for (request, answer) in [
            ("list-forward", "0000"),
            ("forward:tcp:7000;tcp:6100", "OKAY"),
            ("forward:localabstract:scrcpy;tcp:27183", "OKAY"),
            ("forward:norebind:tcp:7000;tcp:1", "FAIL0028cannot rebind existing socket 'tcp:7000'"),
            ("forward:tcp:7000;tcp:6200", "OKAY"),
            ("forward:tcp:0;tcp:5", "OKAY000540000"),
            (
                "list-forward",
                "0056host-1 localabstract:scrcpy tcp:27183\nhost-1 tcp:40000 tcp:5\nhost-1 tcp:7000 tcp:6200\n",
            ),
            ("killforward:tcp:9", "FAIL001alistener 'tcp:9' not found"),
            ("killforward:tcp:7000", "OKAY"),
            ("forward:nonsense", "FAIL0011bad forward: no ;"),
            ("killforward-all", "OKAY"),
            ("list-forward", "0000"),
        ] {
            assert_eq!(reverse.answer(request), answer, "{request}");
        }
        for number in 0..100 {
            reverse.answer(&format!("forward:tcp:{number};tcp:1"));
        }
        assert!(reverse.answer("forward:tcp:200;tcp:1").contains("too many"));
    }
}
