//! What a page says of itself in words: its widgets, with their places on the picture.

use serde_json::Value;
use tapwright_contract::device::DriverErrorKind;

use super::Browser;
use super::tabs::Tab;
use crate::deadline::Deadline;
use crate::tree::{Tree, Widget};

const WALK: &str = include_str!("widgets.js");
/// Not more widgets are told.
const WIDGETS_MAX: usize = 4000;

impl Browser {
    pub(super) async fn widgets(&mut self, deadline: Deadline) -> Result<Tree, DriverErrorKind> {
        let tab = self.current()?;
        let Some(seen) = self.seen.clone() else { return Err(DriverErrorKind::Stale) };
        let owner = tab.front(&self.connection.sites).id;
        let mut widgets =
            read(&self.connection.ask(&tab, WALK, &[WIDGETS_MAX.into()], deadline).await?, &owner, seen.scale);
        self.add_frames(&tab, &mut widgets, seen.scale, deadline).await?;
        Ok(Tree { size: seen.id.size, widgets })
    }

    /// Frames of other sites have processes of their own, and are asked by themselves.
    async fn add_frames(
        &self,
        tab: &Tab,
        widgets: &mut Vec<Widget>,
        scale: f64,
        deadline: Deadline,
    ) -> Result<(), DriverErrorKind> {
        for (frame, session) in &tab.frames {
            let read_frame = async {
                let client = &self.connection.client;
                let params = serde_json::json!({"frameId": frame});
                let owner = client.call(Some(&tab.session), "DOM.getFrameOwner", params, deadline).await?;
                let params = serde_json::json!({"backendNodeId": owner["backendNodeId"]});
                let model = client.call(Some(&tab.session), "DOM.getBoxModel", params, deadline).await?;
                let corner = |at: usize| model["model"]["content"][at].as_f64().unwrap_or(0.0);
                let told = self.connection.ask_frame(session, frame, WALK, &[WIDGETS_MAX.into()], deadline).await?;
                // Whose it is its address would tell; that it is not the page's is what counts.
                let mut inner = read(&told, "", scale);
                let (left, top) = ((corner(0) * scale) as i32, (corner(1) * scale) as i32);
                let (right, bottom) = ((corner(4) * scale) as i32, (corner(5) * scale) as i32);
                for widget in &mut inner {
                    let [l, t, r, b] = widget.bounds;
                    widget.bounds = [l + left, t + top, (r + left).min(right), (b + top).min(bottom)];
                    widget.depth += 1;
                }
                Ok::<_, DriverErrorKind>(inner)
            };
            match read_frame.await {
                Ok(inner) => widgets.extend(inner.into_iter().take(WIDGETS_MAX.saturating_sub(widgets.len()))),
                // A frame within one of another site, or one that is gone.
                Err(DriverErrorKind::Refused { why }) => tracing::debug!(why, "a frame is not told"),
                Err(DriverErrorKind::Stale | DriverErrorKind::MalformedResponse { .. }) => {}
                Err(kind) => return Err(kind),
            }
        }
        Ok(())
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
