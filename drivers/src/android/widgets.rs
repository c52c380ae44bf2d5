//! Reads the widgets of the screen, and says whether they are of the screen that is looked at.

use std::collections::BTreeSet;

use tapwright_contract::device::{Area, DriverErrorKind, Label};

use super::apps::{self, Apps};
use super::parse::window::Windows;
use super::parse::{answers, hierarchy};
use super::shell::Shell;
use super::wire::{self, Link};
use super::{Android, look, no_link_error};
use crate::deadline::Deadline;
use crate::{Tree, Widget};

/// Where the widgets are written by a phone that cannot write them to us; what is on the screen must not stay there.
const FILE: &str = "/data/local/tmp/tapwright-widgets.xml";

/// The widgets as they are now. Nothing older is taken for them: a phone that fails to write leaves what it wrote before.
pub(super) async fn read(shell: &mut Shell, link: &Link, deadline: Deadline) -> Result<Tree, DriverErrorKind> {
    let answer = link.read("exec:uiautomator dump /dev/tty", 0, wire::ANSWER_MAX);
    let answer = deadline.hold("the widgets", answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.contains("<hierarchy") || hierarchy::complaint(&answer).is_some() {
        return hierarchy::tree(&answer);
    }
    // Some phones do not let it write to a terminal that is none. In one line, so that the file goes though we may have gone.
    let line = format!("rm -f {FILE} && uiautomator dump {FILE} && cat {FILE} && rm -f {FILE}");
    let ran = shell.run(link, &line, deadline).await?;
    if ran.output.contains("<hierarchy") {
        if ran.status != 0 {
            remove(shell, link, deadline).await;
        }
        return hierarchy::tree(&ran.output);
    }
    remove(shell, link, deadline).await;
    match hierarchy::complaint(&ran.output) {
        Some(_) => hierarchy::tree(&ran.output),
        None => Err(DriverErrorKind::Refused {
            why: answers::refusal(ran.status, &ran.output)
                .unwrap_or_else(|| "the device wrote no widget tree".to_owned()),
        }),
    }
}

/// Whether the file could be removed makes no difference to what was read.
async fn remove(shell: &mut Shell, link: &Link, deadline: Deadline) {
    if let Err(kind) = shell.run(link, &format!("rm -f {FILE}"), deadline).await {
        tracing::debug!(%kind, "the widgets may still stand in a file on the device");
    }
}

/// Whether a tree is of what is on the screen. Broken accessibility services give an empty tree of the system, whatever app is
/// in front; and a tree of another app is of another moment.
fn is_of(tree: &Tree, windows: &Windows) -> bool {
    if !tree.tells_anything() {
        return false;
    }
    if windows.contradicts_itself {
        return false;
    }
    let names_apps = tree.widgets.iter().any(|widget| !widget.app.is_empty());
    if windows.front.is_empty() || !names_apps || tree.has_app(&windows.front) {
        return true;
    }
    // The notification shade, a dialog of the system's over an app.
    windows.system_has_focus && ["com.android.systemui", "android"].iter().any(|system| tree.has_app(system))
}

fn is_on_icon(widget: &Widget) -> bool {
    apps::shows_icons(&widget.app) && !widget.label().is_empty()
}

/// Adds the apps that icons open, as labels without words: an app can be touched where none of its widgets is.
fn add_icons(labels: &mut Vec<Label>, tree: &Tree, apps: &Apps) {
    let side = |at: i32| u32::try_from(at).unwrap_or(0);
    for (at, widget) in tree.widgets.iter().enumerate().filter(|(_, widget)| is_on_icon(widget)) {
        let words = widget.words();
        let opened: BTreeSet<String> = words.lines().flat_map(|line| apps.behind_icon(line)).collect();
        if opened.is_empty() {
            continue;
        }
        // A finger goes to the picture as well as to the words below it.
        let [left, top, right, bottom] = tree.reacting(at).bounds.map(side);
        let area = Area { left, top, right, bottom };
        labels.extend(opened.into_iter().map(|app| Label {
            text: String::new(),
            area,
            touchable: false,
            focused: false,
            secret: false,
            app: Some(app),
            role: None,
            value: None,
            is_on: None,
        }));
    }
    labels.sort_by_key(|label| (label.area.top, label.area.left));
}

impl Android {
    pub(super) async fn widgets(&mut self, deadline: Deadline) -> Result<Tree, DriverErrorKind> {
        self.ensure_link(deadline).await?;
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        read(&mut self.shell, link, deadline).await
    }

    /// What is written on the screen; `None` if what the device tells is not of this screen.
    pub(super) async fn read_labels(&mut self, deadline: Deadline) -> Result<Option<Vec<Label>>, DriverErrorKind> {
        let mut tree = self.widgets(deadline).await?;
        if !tree.tells_anything() {
            // Programs that draw by themselves begin to describe what they draw when they are first asked.
            tree = self.widgets(deadline).await?;
        }
        let Android { link, shell, grep, display, .. } = self;
        let link = link.as_ref().ok_or_else(no_link_error)?;
        let windows = match look::windows(shell, link, grep, display.number(), deadline).await {
            Ok(windows) => windows,
            Err(lost @ DriverErrorKind::Lost { .. }) => return Err(lost),
            Err(kind) => {
                tracing::debug!(%kind, "does not know what is in front of the widgets");
                Windows::default()
            }
        };
        if !is_of(&tree, &windows) {
            tracing::debug!(front = windows.front, widgets = tree.widgets.len(), "the widgets are not of this screen");
            return Ok(None);
        }
        let mut labels = tree.labels();
        if tree.widgets.iter().any(is_on_icon) {
            match self.known_apps(deadline).await {
                Ok(()) => add_icons(&mut labels, &tree, &self.apps),
                // As on a phone of which nobody knows what is installed.
                Err(DriverErrorKind::Refused { why }) => {
                    tracing::debug!(why, "does not know which apps the icons open")
                }
                Err(kind) => return Err(kind),
            }
        }
        Ok(Some(labels))
    }
}
