//! The phone's place in the network, as far as it has one: `ip`, `ifconfig`, `ping`.

use super::Call;

/// The address that it has while its Wi-Fi is on, and who gave it.
const ADDRESS: &str = "10.0.2.16";
const ROUTER: &str = "10.0.2.2";

fn has_wifi(call: &Call<'_>) -> bool {
    call.handle().facts().get("wifi.on").is_some_and(|on| on == "true")
}

pub(super) fn ip(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let words: Vec<&str> = arguments.iter().copied().filter(|word| !word.starts_with('-') && *word != "inet").collect();
    let up = has_wifi(call);
    match &words[..] {
        ["addr" | "address" | "a" | "ad", rest @ ..] | ["link" | "l", rest @ ..] => {
            let wanted = rest.iter().rfind(|word| !matches!(**word, "show" | "list" | "dev")).copied();
            let with_addresses = !matches!(words[0], "link" | "l");
            let text = match wanted {
                None => loopback(with_addresses) + &wireless(up, with_addresses),
                Some("lo") => loopback(with_addresses),
                Some("wlan0") => wireless(up, with_addresses),
                Some(other) => {
                    call.complain(&format!("Device \"{other}\" does not exist.\n"));
                    return 1;
                }
            };
            call.say(&text);
            0
        }
        ["route" | "r" | "ro", ..] => {
            if up {
                call.say(&format!("10.0.2.0/24 dev wlan0 proto kernel scope link src {ADDRESS}\n"));
            }
            0
        }
        _ => {
            call.complain("Usage: ip [ OPTIONS ] { addr | link | route } [ show [ dev DEVICE ] ]: the rest is not supported on this phone\n");
            255
        }
    }
}

fn loopback(with_addresses: bool) -> String {
    let mut text = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    \
                    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
        .to_owned();
    if with_addresses {
        text += "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n";
    }
    text
}

fn wireless(up: bool, with_addresses: bool) -> String {
    let (flags, state) = if up { ("BROADCAST,MULTICAST,UP,LOWER_UP", "UP") } else { ("BROADCAST,MULTICAST", "DOWN") };
    let mut text = format!(
        "2: wlan0: <{flags}> mtu 1500 qdisc mq state {state} group default qlen 1000\n    \
         link/ether 02:15:b2:00:00:00 brd ff:ff:ff:ff:ff:ff\n"
    );
    if up && with_addresses {
        text += &format!(
            "    inet {ADDRESS}/24 brd 10.0.2.255 scope global wlan0\n       valid_lft forever preferred_lft forever\n"
        );
    }
    text
}

pub(super) fn ifconfig(call: &mut Call<'_>) -> u8 {
    let wanted = call.arguments.iter().find(|word| !word.starts_with('-')).cloned();
    let lo = "lo        Link encap:Local Loopback\n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n";
    let (address, flags) = match has_wifi(call) {
        true => {
            (format!("          inet addr:{ADDRESS}  Bcast:10.0.2.255  Mask:255.255.255.0\n"), "UP BROADCAST RUNNING")
        }
        false => (String::new(), "BROADCAST"),
    };
    let wlan = format!(
        "wlan0     Link encap:Ethernet  HWaddr 02:15:b2:00:00:00\n{address}          {flags} MULTICAST  MTU:1500  Metric:1\n\n"
    );
    match wanted.as_deref() {
        None => call.say(&format!("{wlan}{lo}")),
        Some("lo") => call.say(lo),
        Some("wlan0") => call.say(&wlan),
        Some(other) => {
            call.complain(&format!("ifconfig: {other}: No such device\n"));
            return 1;
        }
    }
    0
}

/// Nothing of this phone reaches a network: only it and its router are there.
pub(super) fn ping(call: &mut Call<'_>) -> u8 {
    let arguments = call.arguments();
    let host = arguments.iter().rfind(|word| !word.starts_with('-') && word.parse::<u64>().is_err()).copied();
    let Some(host) = host else {
        call.complain("Usage: ping [-c count] destination\n");
        return 2;
    };
    let reached = matches!(host, "127.0.0.1" | "localhost") || (has_wifi(call) && matches!(host, ADDRESS | ROUTER));
    if reached {
        call.say(&format!(
            "PING {host} ({host}) 56(84) bytes of data.\n64 bytes from {host}: icmp_seq=1 ttl=64 time=0.05 ms\n\n\
             --- {host} ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n"
        ));
        return 0;
    }
    let is_address = host.split('.').count() == 4 && host.split('.').all(|part| part.parse::<u8>().is_ok());
    call.complain(&match is_address {
        true => "connect: Network is unreachable\n".to_owned(),
        false => format!("ping: unknown host {host}\n"),
    });
    2
}
