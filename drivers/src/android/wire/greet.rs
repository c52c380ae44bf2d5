//! Greets a device, which may want to be shown a key first: it sends a token, we send it back signed, and the next key is tried
//! if it does not know this one. One that knows none of them is told a public key, and asks its owner.

use std::path::PathBuf;
use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::direct::{End, receive};
use crate::android::keys::{AdbKey, FoundKeys, Keys, TOKEN};
use crate::android::parse::packet::{self, Greeting};
use crate::deadline::Deadline;

/// What we tell the device about ourselves: only what this client really does.
const BANNER: &[u8] = b"host::features=shell_v2,cmd";
/// A daemon answers at once or not at all, however long its owner may take afterwards.
const GREETS: Duration = Duration::from_secs(10);

/// A device that has greeted us.
pub(super) struct GreetedDevice {
    pub greeting: Greeting,
    pub read: BufReader<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
}

/// What a device has come to say.
enum DeviceMessage {
    Greeting(Greeting),
    /// It asks its owner about the key of this file.
    AsksAbout(PathBuf),
}

/// Connects and greets.
pub(super) async fn greet(address: &str, keys: &Keys, deadline: Deadline) -> Result<GreetedDevice, DriverErrorKind> {
    let lost = |error| DriverErrorKind::Lost { why: format!("no device answers at {address}: {error}") };
    let introduction = async {
        let mut socket = TcpStream::connect(address).await.map_err(lost)?;
        let _ = socket.set_nodelay(true); // Only slower without.
        let hello = packet::packet(packet::CONNECT, packet::VERSION_WITHOUT_SUMS, packet::PAYLOAD_MAX, BANNER, 0);
        socket.write_all(&hello).await.map_err(lost)?;
        let (read, mut write) = socket.into_split();
        let mut read = BufReader::with_capacity(64 << 10, read);
        let said = introduce(address, keys, &mut read, &mut write).await?;
        Ok((said, read, write))
    };
    let (said, mut read, write) = deadline.or_sooner(GREETS).hold("to connect to the device", introduction).await?;
    let greeting = match said {
        DeviceMessage::Greeting(greeting) => greeting,
        DeviceMessage::AsksAbout(key) => wait_for_permission(&mut read, key, keys, deadline).await?,
    };
    Ok(GreetedDevice { greeting, read, write })
}

/// Shows the device our keys, if it wants to see them.
async fn introduce(
    address: &str,
    keys: &Keys,
    read: &mut BufReader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
) -> Result<DeviceMessage, DriverErrorKind> {
    let mut found: Option<FoundKeys> = None;
    let mut tried = 0;
    loop {
        // Until both have greeted each other, the older rules hold.
        let (header, payload) = receive(read, 0).await.map_err(|end| end.kind())?;
        match header.command {
            packet::CONNECT => return Ok(DeviceMessage::Greeting(packet::greeting(&header, &payload))),
            packet::AUTH => {}
            packet::TLS => {
                return Err(DriverErrorKind::Refused {
                    why: format!(
                        "the device wants TLS, as wireless debugging does, and this client speaks none: go through an adb server \
                         (`adb pair` once, `adb connect {address}`, then use the serial {address})"
                    ),
                });
            }
            _ => {
                return Err(DriverErrorKind::MalformedResponse {
                    why: "the device did not answer a greeting with one".to_owned(),
                });
            }
        }
        let token = <[u8; TOKEN]>::try_from(payload).ok().filter(|_| header.arg0 == packet::AUTH_TOKEN);
        let token = token.ok_or_else(|| DriverErrorKind::MalformedResponse {
            why: "the device asked for a key in no known way".to_owned(),
        })?;
        let found = match &mut found {
            Some(found) => found,
            none => none.insert(keys.read().await),
        };
        if let Some(key) = found.keys.get(tried) {
            let signed = key.sign(&token).map_err(|why| DriverErrorKind::Refused { why: unusable(key, &why) })?;
            tracing::debug!(key = %key.at.display(), "shows a key to the device");
            tell(write, packet::AUTH_SIGNATURE, &signed).await?;
            tried += 1;
        } else if let Some(key) = found.keys.first() {
            tell(write, packet::AUTH_PUBLIC, &key.public()).await?;
            // Whoever waits for us has to know what for, so this has a name of its own that is always listened to.
            tracing::warn!(
                target: "tapwright_person",
                "the device asks on its screen whether to allow this computer: say yes there"
            );
            return Ok(DeviceMessage::AsksAbout(key.at.clone()));
        } else {
            return Err(DriverErrorKind::Refused { why: no_key(address, keys, found) });
        }
    }
}

/// Waits until the device's owner has allowed the key.
async fn wait_for_permission(
    read: &mut BufReader<OwnedReadHalf>,
    key: PathBuf,
    keys: &Keys,
    deadline: Deadline,
) -> Result<Greeting, DriverErrorKind> {
    let patience = deadline.or_sooner(keys.person);
    let waits = patience.remaining();
    let refused = |what: &str| DriverErrorKind::Refused {
        why: format!(
            "{what}: allow this computer on the device's screen (\"always\", or it is asked again), then try again; its key is {}",
            key.display()
        ),
    };
    match tokio::time::timeout(waits, receive(read, 0)).await {
        Ok(Ok((header, payload))) if header.command == packet::CONNECT => Ok(packet::greeting(&header, &payload)),
        Ok(Ok(_) | Err(End::Lost(_))) => Err(refused("the device did not take the key of this computer")),
        Ok(Err(end)) => Err(end.kind()),
        Err(_) => Err(refused(&format!("nobody said yes within {:.1} s", waits.as_secs_f32()))),
    }
}

async fn tell(write: &mut OwnedWriteHalf, what: u32, payload: &[u8]) -> Result<(), DriverErrorKind> {
    let packet = packet::packet(packet::AUTH, what, 0, payload, 0);
    let lost = |error| DriverErrorKind::Lost { why: format!("the connection broke: {error}") };
    write.write_all(&packet).await.map_err(lost)
}

fn unusable(key: &AdbKey, why: &str) -> String {
    format!("the key {} signs nothing: {why}", key.at.display())
}

fn no_key(address: &str, keys: &Keys, found: &FoundKeys) -> String {
    // Nobody is advised to write over what is there.
    let free = keys.files.iter().find(|file| !file.exists());
    let (lacks, make) = match (found.troubles.as_slice(), free) {
        ([], Some(file)) => (String::new(), format!("make one (`adb keygen {}`), or ", file.display())),
        ([], None) => (String::new(), String::new()),
        (troubles, _) => (format!(" that can be used ({})", troubles.join("; ")), String::new()),
    };
    format!(
        "the device wants to know the key of this computer, and there is none{lacks}: {make}go through an adb server, which makes its own (`adb connect {address}`, allow it on the device, then use the serial {address})"
    )
}
