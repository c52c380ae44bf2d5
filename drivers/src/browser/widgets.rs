//! What a page says of itself in words: its widgets, with their places on the picture.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tapwright_contract::device::DriverErrorKind;

use super::scripts::call_expression;
use super::tabs::{Frame, Tab};
use super::{Browser, sites};
use crate::deadline::Deadline;
use crate::tree::{Tree, Widget};

const WALK: &str = concat!("(caption => ", include_str!("widgets.js"), ")(", include_str!("caption.js"), ")");
/// How long a frame of another site may take to tell its widgets.
const FRAME_MAX: Duration = Duration::from_millis(700);
/// Not more widgets are told.
const WIDGETS_MAX: usize = 4000;

impl Browser {
    pub(super) async fn widgets(&mut self, deadline: Deadline) -> Result<Tree, DriverErrorKind> {
        let tab = self.current()?;
        let Some(seen) = self.seen.clone() else { return Err(DriverErrorKind::Stale) };
        let owner = self.front_of(&tab).id;
        let mut widgets =
            read(&self.connection.ask_seen(&tab, WALK, &[WIDGETS_MAX.into()], deadline).await?, &owner, seen.scale);
        // At once: one that does not answer holds up none of the others.
        let frames = tab.frames.iter().map(|(name, frame)| self.frame(&tab, name, frame, seen.scale, deadline));
        for frame in join_all(frames).await {
            widgets.extend(frame?.into_iter().take(WIDGETS_MAX.saturating_sub(widgets.len())));
        }
        Ok(Tree { size: seen.id.size, widgets })
    }

    /// The widgets of a frame of another site, which has a process of its own, and is asked by itself.
    async fn frame(
        &self,
        tab: &Tab,
        name: &str,
        frame: &Frame,
        scale: f64,
        deadline: Deadline,
    ) -> Result<Vec<Widget>, DriverErrorKind> {
        let (client, soon) = (&self.connection.client, deadline.or_sooner(FRAME_MAX));
        let place = async {
            let owner = client.call(Some(&tab.session), "DOM.getFrameOwner", json!({"frameId": name}), soon).await?;
            let params = json!({"backendNodeId": owner["backendNodeId"]});
            let model = client.call(Some(&tab.session), "DOM.getBoxModel", params, soon).await?;
            let side = |at: usize| (model["model"]["content"][at].as_f64().unwrap_or(0.0) * scale) as i32;
            Ok::<_, DriverErrorKind>([side(0), side(1), side(4), side(5)])
        };
        let owner = |url: &str| sites::front(&self.connection.sites, url, Some(&tab.url)).id;
        let walk = format!("[location.href, {}]", call_expression(WALK, &[WIDGETS_MAX.into()]));
        let told = self.connection.ask_frame(&frame.session, name, &walk, soon);
        let [left, top, right, bottom] = match place.await {
            Ok(place) => place,
            Err(kind) => return widgets_instead(kind, Vec::new()),
        };
        match told.await {
            Ok(told) => {
                let mut inner = read(&told[1], &owner(told[0].as_str().unwrap_or(&frame.url)), scale);
                for widget in &mut inner {
                    let [l, t, r, b] = widget.bounds;
                    widget.bounds = [l + left, t + top, (r + left).min(right), (b + top).min(bottom)];
                    widget.depth += 1;
                }
                Ok(inner)
            }
            // Whose it is, and that it says nothing, is known all the same.
            Err(kind) => {
                let description = "a frame of another site that does not answer".to_owned();
                let bounds = [left, top, right, bottom];
                let class = "Frame".to_owned();
                let silent =
                    Widget { depth: 1, description, class, app: owner(&frame.url), bounds, ..Widget::default() };
                widgets_instead(kind, vec![silent])
            }
        }
    }
}

/// What is told of a frame that cannot be read.
fn widgets_instead(kind: DriverErrorKind, instead: Vec<Widget>) -> Result<Vec<Widget>, DriverErrorKind> {
    match kind {
        DriverErrorKind::Lost { .. } => Err(kind),
        // One that does not answer in time.
        DriverErrorKind::TimedOut { .. } => Ok(instead),
        // A frame within one of another site, or one that is gone.
        kind => {
            tracing::debug!(%kind, "a frame is not told");
            Ok(Vec::new())
        }
    }
}

/// Reads what `widgets.js` returned.
fn read(told: &Value, owner: &str, scale: f64) -> Vec<Widget> {
    let rows = told.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let widget = |row: &Value| {
        let flags = row[9].as_u64().unwrap_or(0);
        let has = |flag: u64| flags & flag != 0;
        let side = |at: usize| (row[at].as_f64().unwrap_or(0.0) * scale).round() as i32;
        Widget {
            depth: row[0].as_u64().and_then(|depth| u32::try_from(depth).ok()).unwrap_or(0),
            text: text(&row[1]),
            description: text(&row[2]),
            hint: text(&row[3]),
            class: text(&row[4]),
            app: owner.to_owned(),
            bounds: [side(5), side(6), side(7), side(8)],
            can_be_touched: has(1),
            can_be_scrolled: has(2),
            has_focus: has(4),
            is_password: has(8),
            dots: row[10].as_i64().and_then(|dots| usize::try_from(dots).ok()),
            is_enabled: !has(16),
            is_on: has(32).then(|| has(64)),
            ..Widget::default()
        }
    };
    rows.iter().map(widget).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_pixels_of_the_picture() {
        let told = json!([
            [1, "Save", "", "hint", "Button", 10.25, 20, 30, 40.6, 1 | 4 | 32, -1],
            [0, "", "", "", "TextField", 0, 0, 1, 1, 8 | 16, 5]
        ]);
        let widgets = read(&told, "https://a", 2.0);
        assert_eq!(widgets[0].bounds, [21, 40, 60, 81]);
        assert_eq!((widgets[0].can_be_touched, widgets[0].has_focus, widgets[0].is_on), (true, true, Some(false)));
        assert_eq!((widgets[1].is_password, widgets[1].is_enabled, widgets[1].dots), (true, false, Some(5)));
        assert!(read(&json!("nonsense"), "", 1.0).is_empty());
        assert_eq!(read(&json!([7, null]), "", 1.0).len(), 2, "rows without anything are widgets without anything");
    }
}
