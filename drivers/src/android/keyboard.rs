//! The keyboard that takes text from adb: whether it may be used, how it is selected, and that the owner's comes back.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use super::Address;
use super::parse::answers;
use super::shell::Shell;
use super::wire::Link;
use crate::deadline::{AttemptLog, Deadline};
use crate::quote::quote;

/// The input method that takes text from adb, and the package that it is in.
pub(crate) const ADB_KEYBOARD: &str = "com.android.adbkeyboard/.AdbIME";
pub(super) const ADB_KEYBOARD_PACKAGE: &str = "com.android.adbkeyboard";
/// On the device: what was selected before, in case that whoever selected the ADB keyboard dies.
const MARK: &str = "/data/local/tmp/tapwright-keyboard";
/// How long a keyboard may take to come up after it was selected.
const COMES_UP: Duration = Duration::from_secs(2);

/// How text gets into the device, and what to put back in the end.
#[derive(Default)]
pub(crate) struct Keyboard {
    method: Option<InputMethod>,
    /// What was selected before, if that was another one.
    pub original: Option<String>,
}

/// How text gets into a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputMethod {
    /// Any script.
    AdbKeyboard,
    /// `input text`, which finds keys for plain ASCII; `lacking` says what to do for more.
    KeyEvents { lacking: String },
}

impl InputMethod {
    /// Why a text with this letter cannot be typed.
    pub fn refusal(lacking: &str, letter: char) -> DriverErrorKind {
        let why = format!("this device can be sent plain ASCII only, and {letter:?} is not: {lacking}");
        DriverErrorKind::Refused { why }
    }
}

impl Keyboard {
    /// Another device, or the same after a restart: finds out again, but does not forget what was selected at first.
    pub fn forget_method(&mut self) {
        self.method = None;
    }

    /// How to type now, with the ADB keyboard selected if it can be.
    pub(super) async fn method(
        &mut self,
        shell: &mut Shell,
        link: &Link,
        deadline: Deadline,
    ) -> Result<InputMethod, DriverErrorKind> {
        if let Some(method) = &self.method {
            return Ok(method.clone());
        }
        let (method, lasts) = self.choose(shell, link, deadline).await?;
        tracing::debug!(?method, "found out how to type");
        self.method = lasts.then(|| method.clone());
        Ok(method)
    }

    /// The method, and whether it will be the same for the next text.
    async fn choose(
        &mut self,
        shell: &mut Shell,
        link: &Link,
        deadline: Deadline,
    ) -> Result<(InputMethod, bool), DriverErrorKind> {
        let (before, is_told) = match selected_method(shell, link, deadline).await {
            Err(DriverErrorKind::Refused { .. }) => (None, false),
            result => (result?, true),
        };
        if before.as_deref() == Some(ADB_KEYBOARD) {
            // Left by a run that died, or by the owner's own choice; the mark tells them apart. Nobody has to be asked to select it,
            // which some phones allow only their owners.
            if self.original.is_none() {
                self.original = left_behind(shell, link, deadline).await?;
            }
            return Ok((InputMethod::AdbKeyboard, true));
        }
        if !switch_on(shell, link, deadline).await? {
            let lacking = format!("install ADB Keyboard ({ADB_KEYBOARD_PACKAGE}) on it to type any script");
            return Ok((InputMethod::KeyEvents { lacking }, true));
        }
        if !is_told {
            // It could not be put back. Plain ASCII can be typed on a phone that does not even tell.
            let lacking = "ADB Keyboard is installed, but this phone does not tell which keyboard is selected, so that it could not be put \
                           back; select ADB Keyboard by hand in its settings, under languages and input"
                .to_owned();
            return Ok((InputMethod::KeyEvents { lacking }, true));
        }
        match self.select(shell, link, before, deadline).await? {
            Selection::Up => Ok((InputMethod::AdbKeyboard, true)),
            Selection::Refused { why } => {
                let lacking = format!(
                    "ADB Keyboard is installed, but this phone does not let adb select it ({why}); select it by hand in its settings, \
                     under languages and input"
                );
                Ok((InputMethod::KeyEvents { lacking }, true))
            }
            Selection::Down { why } => {
                let lacking =
                    format!("ADB Keyboard was selected and did not come up ({why}); tap the field, then type again");
                Ok((InputMethod::KeyEvents { lacking }, false))
            }
        }
    }

    /// Selects it again after somebody else has selected another one.
    pub(super) async fn select_again(
        &mut self,
        shell: &mut Shell,
        link: &Link,
        deadline: Deadline,
    ) -> Result<InputMethod, DriverErrorKind> {
        tracing::debug!("selects the ADB keyboard again");
        self.method = None;
        self.method(shell, link, deadline).await
    }

    /// Selects the ADB keyboard and waits until it is up. It stays selected: each change would cost seconds.
    async fn select(
        &mut self,
        shell: &mut Shell,
        link: &Link,
        before: Option<String>,
        deadline: Deadline,
    ) -> Result<Selection, DriverErrorKind> {
        if let Some(before) = &before {
            // Before the deed, so that it can be undone by whoever comes next. Without storage it is done all the same.
            let word = quote(before).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?;
            let marked = shell.run(link, &format!("echo {word} > {MARK}"), deadline).await?;
            if marked.status != 0 {
                tracing::warn!(said = answers::shortened(&marked.output), "cannot note which keyboard was selected");
            }
        }
        // Before it is known whether it was: an answer that is late is no reason to leave ours selected.
        let first = self.original.is_none();
        if first {
            // Somebody's choice is restored; what cannot be one ("null", anything else) is not.
            self.original = before;
        }
        let set = shell.run(link, &format!("ime set {ADB_KEYBOARD}"), deadline).await?;
        if let Some(why) = answers::selection_refusal(set.status, &set.output) {
            if first {
                self.original = None;
            }
            let unmarked = shell.run(link, &format!("rm -f {MARK}"), deadline).await?;
            tracing::debug!(why, status = unmarked.status, "the device does not let adb select a keyboard");
            return Ok(Selection::Refused { why });
        }
        let patience = deadline.or_sooner(COMES_UP);
        let mut tries = AttemptLog::new("the ADB keyboard to be up");
        loop {
            let began = Instant::now();
            let now = selected_method(shell, link, deadline).await?;
            if now.as_deref() == Some(ADB_KEYBOARD) && is_connected(shell, link, deadline).await? {
                return Ok(Selection::Up);
            }
            tries.note(format!("{} is selected", now.as_deref().unwrap_or("nothing")));
            if patience.is_over() {
                let why = tries.tell(&patience);
                return if deadline.is_over() {
                    Err(DriverErrorKind::TimedOut { tries: why })
                } else {
                    Ok(Selection::Down { why })
                };
            }
            patience.rest_until(began + Duration::from_millis(20)).await;
        }
    }

    /// Selects what was selected at first, by us or by a run that died.
    pub async fn restore(&mut self, shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<(), DriverErrorKind> {
        let original = match &self.original {
            Some(original) => original.clone(),
            None => match left_behind(shell, link, deadline).await? {
                Some(original) => original,
                None => return Ok(()),
            },
        };
        // Whoever has chosen another one since keeps it.
        let ours_is_selected = match selected_method(shell, link, deadline).await {
            Err(DriverErrorKind::Refused { .. }) => true, // As far as anybody knows.
            result => result?.as_deref() == Some(ADB_KEYBOARD),
        };
        if ours_is_selected {
            // Checked by `input_method`, and quoted all the same.
            let word = quote(&original).map_err(|error| DriverErrorKind::Refused { why: error.to_string() })?;
            let set = shell.run(link, &format!("ime set {word}"), deadline).await?;
            if let Some(why) = answers::selection_refusal(set.status, &set.output) {
                return Err(DriverErrorKind::Refused { why });
            }
        }
        shell.run(link, &format!("rm -f {MARK}"), deadline).await?;
        *self = Keyboard::default();
        Ok(())
    }
}

/// What came of selecting the ADB keyboard.
enum Selection {
    Up,
    /// The device said no; nothing was changed.
    Refused {
        why: String,
    },
    /// It was taken, and the keyboard does not run.
    Down {
        why: String,
    },
}

/// The same error with what a person can do about it.
pub(super) fn with_advice(kind: DriverErrorKind, original: &str) -> DriverErrorKind {
    // A name of an input method needs no quotes but for the dollar sign of a nested class.
    let name = if original.contains('$') { format!("'{original}'") } else { original.to_owned() };
    let advice = format!("; put it back with: adb shell ime set {name}");
    match kind {
        DriverErrorKind::Lost { why } => DriverErrorKind::Lost { why: why + &advice },
        DriverErrorKind::TimedOut { tries } => DriverErrorKind::TimedOut { tries: tries + &advice },
        DriverErrorKind::Refused { why } => DriverErrorKind::Refused { why: why + &advice },
        DriverErrorKind::MalformedResponse { why } => DriverErrorKind::MalformedResponse { why: why + &advice },
        kind => kind,
    }
}

/// Puts the owner's keyboard back when nobody has closed the driver: its run has failed, or is being unwound. It goes over a connection
/// of its own, in a thread of its own, so that it does not matter what has ended already, and is waited for.
pub(super) fn put_back_at_last(mut keyboard: Keyboard, address: Address) {
    /// How long that may take.
    const FAREWELL: Duration = Duration::from_secs(2);
    let Some(original) = keyboard.original.clone() else { return };
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let restoring = move || {
        let _done = done; // Dropped when it is over, however that ends.
        let restored = tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| {
            runtime.block_on(async {
                let deadline = Deadline::after(FAREWELL);
                let link = Link::connect(&address, deadline).await?;
                keyboard.restore(&mut Shell::default(), &link, deadline).await
            })
        });
        match restored {
            Ok(Ok(())) => {}
            Ok(Err(kind)) => {
                tracing::error!("the phone's own keyboard was not put back: {}", with_advice(kind, &original))
            }
            Err(error) => tracing::error!(%error, "the phone's own keyboard was not put back"),
        }
    };
    if std::thread::Builder::new().name("farewell".to_owned()).spawn(restoring).is_err() {
        return;
    }
    let wait = || {
        let _ = is_done.recv_timeout(FAREWELL + Duration::from_millis(200));
    };
    match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        // The phone itself may be a task of this only thread: waiting would keep it from answering.
        Ok(tokio::runtime::RuntimeFlavor::CurrentThread) => {}
        Ok(_) => tokio::task::block_in_place(wait),
        Err(_) => wait(),
    }
}

/// Whether the ADB keyboard is there and switched on; it is switched on if need be.
async fn switch_on(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<bool, DriverErrorKind> {
    let listed = shell.run(link, "ime list -s", deadline).await?;
    if answers::lists(&listed.output, ADB_KEYBOARD) {
        return Ok(true);
    }
    if answers::refusal(listed.status, &listed.output).is_some() {
        // `ime` is not for everybody on every phone, but the settings can be read.
        let enabled = shell.run(link, "settings get secure enabled_input_methods", deadline).await?;
        return Ok(answers::enables(&enabled.output, ADB_KEYBOARD));
    }
    let all = shell.run(link, "ime list -s -a", deadline).await?;
    if !answers::lists(&all.output, ADB_KEYBOARD) {
        return Ok(false);
    }
    // Installed, but never switched on. If that is refused, so is the selection, which says why.
    shell.run(link, &format!("ime enable {ADB_KEYBOARD}"), deadline).await?;
    Ok(true)
}

/// What was selected before a run that did not put it back.
async fn left_behind(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<Option<String>, DriverErrorKind> {
    let mark = shell.run(link, &format!("cat {MARK}"), deadline).await?;
    let method = (mark.status == 0).then(|| answers::input_method(&mark.output)).flatten();
    Ok(method.filter(|method| *method != ADB_KEYBOARD).map(str::to_owned))
}

/// The input method that is selected, if that is one at all.
async fn selected_method(
    shell: &mut Shell,
    link: &Link,
    deadline: Deadline,
) -> Result<Option<String>, DriverErrorKind> {
    let output = shell.run(link, "settings get secure default_input_method", deadline).await?.into_output()?;
    Ok(answers::input_method(&output).map(str::to_owned))
}

/// Whether the input method service has begun to run, as far as the device tells: one that does not is not waited for.
async fn is_connected(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<bool, DriverErrorKind> {
    let command = "dumpsys input_method | grep -E 'mHaveConnection=|mHasConnection='";
    let ran = shell.run(link, command, deadline).await?;
    let says = |value: &str| {
        ["mHaveConnection=", "mHasConnection="].iter().any(|key| ran.output.contains(&format!("{key}{value}")))
    };
    Ok(says("true") || !says("false"))
}
