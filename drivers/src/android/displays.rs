//! Which display is looked at and touched: a phone that folds has several, and a picture of one says nothing of where a touch
//! on another goes.

use tapwright_contract::device::DriverErrorKind;
use tapwright_contract::{Picture, Rotation, ScreenId, Size};

use super::parse::display::{self, Display};
use super::parse::screencap::Screenshot;
use super::parse::window::{LockState, Windows};
use super::{Android, no_link_error};
use crate::deadline::Deadline;

/// The display that is looked at.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// What the phone told of it; `None` while nobody had to ask, as on every phone that has one display.
    told: Option<Display>,
    /// It was asked, and did not tell.
    tells_nothing: bool,
    /// The size of pictures for which `wm size` was asked, and what it said.
    wm: Option<(Size, Option<Size>)>,
    /// The last one that was returned to somebody, if nothing came between that may have changed it.
    seen: Option<ScreenId>,
    /// Counts how often the device was found again, or its display changed.
    generation: u32,
}

/// Whether a picture is of the display that touches go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is, or nothing speaks against it.
    Same,
    /// It is, in another scale; this is how large it is where touches are counted.
    Scaled(Size),
    /// It is as large as that display, turned: it is turning just now.
    Turned,
    /// It is of another one.
    Other { touched: Size },
}

impl Target {
    /// For `input` and the window manager.
    pub fn number(&self) -> u32 {
        self.told.as_ref().map_or(0, |display| display.number)
    }

    /// For `screencap`, if it needs to be told.
    pub fn panel(&self) -> Option<&str> {
        self.told.as_ref().map(|display| display.panel.as_str())
    }

    /// Whether the phone has been asked which displays it has.
    pub fn was_asked(&self) -> bool {
        self.told.is_some() || self.tells_nothing
    }

    /// The program that touches it.
    pub fn input(&self) -> String {
        match self.number() {
            0 => "input".to_owned(),
            number => format!("input -d {number}"),
        }
    }

    /// The display that spots have to be of.
    pub fn returned_id(&self) -> Option<ScreenId> {
        self.seen
    }

    /// The connection was lost: what was known through it has to be found out again, and nobody knows what happened meanwhile.
    pub fn forget(&mut self) {
        if self.seen.take().is_some() {
            self.generation += 1;
        }
        self.told = None;
        self.tells_nothing = false;
        self.wm = None;
    }

    /// The identity of a screen that is returned. A display that has changed is another one, also when it changes back.
    pub fn identify(&mut self, size: Size, rotation: Option<Rotation>) -> ScreenId {
        let rotation = rotation.or(self.told.as_ref().and_then(|display| display.rotation)).unwrap_or_default();
        let mut id = ScreenId { display: self.number().into(), size, rotation, generation: self.generation };
        if self.seen.is_some_and(|seen| ScreenId { generation: self.generation, ..seen } != id) {
            self.generation += 1;
            id.generation = self.generation;
        }
        self.seen = Some(id);
        id
    }
}

fn fit(picture: Size, touched: Option<Size>, is_turned_known: bool) -> Fit {
    let Some(touched) = touched else { return Fit::Same };
    let turned = Size { width: touched.height, height: touched.width };
    if picture == touched || (picture == turned && !is_turned_known) {
        Fit::Same
    } else if picture == turned {
        Fit::Turned
    } else {
        let products = |one: Size, other: Size| u64::from(one.width) * u64::from(other.height);
        let same_shape =
            |other: Size| products(picture, other).abs_diff(products(other, picture)) * 100 <= products(picture, other);
        match (same_shape(touched), same_shape(turned) && !is_turned_known) {
            (true, _) => Fit::Scaled(touched),
            (false, true) => Fit::Scaled(turned),
            (false, false) => Fit::Other { touched },
        }
    }
}

impl Android {
    /// Whether a picture is of the display that touches go to.
    pub(super) async fn fit(&mut self, shot: &Screenshot, windows: &Windows, deadline: Deadline) -> Fit {
        if windows.size.is_some() {
            return fit(shot.size, windows.size, true);
        }
        // Known to be so turned only while it was asked for.
        if let Some(size) = self.display.told.as_ref().and_then(|display| display.size) {
            return fit(shot.size, Some(size), false);
        }
        let touched = match self.display.wm {
            Some((asked, touched)) if asked == shot.size => touched,
            _ => {
                let said = self.command("wm size", deadline).await.unwrap_or_default();
                let touched = display::size_of_wm(&said);
                self.display.wm = Some((shot.size, touched));
                touched
            }
        };
        fit(shot.size, touched, false)
    }

    /// Asks which displays there are, and goes to the one that is on. Returns whether the phone told.
    pub(super) async fn find_display(
        &mut self,
        windows: &Windows,
        deadline: Deadline,
    ) -> Result<bool, DriverErrorKind> {
        let link = self.link.as_ref().ok_or_else(no_link_error)?;
        let panels = self.shell.run(link, display::PANELS, deadline).await?.output;
        let command = if self.grep { display::DISPLAYS } else { display::DISPLAYS_WHOLE };
        let dump = self.shell.run(link, command, deadline).await?.output;
        let displays = display::displays(&panels, &dump);
        // A phone that sleeps has none that is on; the first one is what it wakes up to.
        let asleep = windows.lock == Some(LockState::Dark);
        let found = display::first_on(&displays).or_else(|| displays.first().filter(|_| asleep));
        if let Some(found) = found {
            tracing::debug!(?found, of = displays.len(), "looks at this display");
            self.display.told = Some(found.clone());
        }
        self.display.tells_nothing = found.is_none();
        Ok(found.is_some())
    }

    /// On a phone with several displays another one may be on since the last look.
    pub(super) async fn refresh_display(&mut self, deadline: Deadline) -> Result<(), DriverErrorKind> {
        if self.display.told.is_some() {
            self.find_display(&Windows::default(), deadline).await?;
        }
        Ok(())
    }
}

/// Why a screen cannot be touched by its picture.
pub(super) fn unfit(picture: Size, fit: Fit) -> DriverErrorKind {
    let what = match fit {
        Fit::Other { touched } => {
            format!("the picture is of a display of {picture}, and touches go to one of {touched}")
        }
        Fit::Turned => format!("the picture of {picture} does not turn with the display that touches go to"),
        Fit::Same | Fit::Scaled(_) => {
            format!("the phone has several displays, and the picture may be of any of them ({picture})")
        }
    };
    let why = format!(
        "{what}; it does not tell which display is on (`dumpsys display`, `dumpsys SurfaceFlinger --display-id`): \
         unfold it or disconnect the other display"
    );
    DriverErrorKind::Hidden { why }
}

/// The picture in the scale in which touches are counted.
pub(super) fn scaled(picture: Picture, size: Size) -> Picture {
    let from = picture.size();
    let Some(image) = image::RgbaImage::from_raw(from.width, from.height, picture.rgba().to_vec()) else {
        return picture;
    };
    let scaled = image::imageops::resize(&image, size.width, size.height, image::imageops::FilterType::Triangle);
    Picture::new(size, scaled.into_raw()).unwrap_or(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_this_display_and_of_others() {
        let size = |width, height| Size { width, height };
        let tall = size(1080, 2400);
        for (picture, touched, known, expected) in [
            (tall, None, true, Fit::Same),
            (tall, Some(tall), true, Fit::Same),
            (size(2400, 1080), Some(tall), true, Fit::Turned),
            // `wm size` does not turn.
            (size(2400, 1080), Some(tall), false, Fit::Same),
            (size(1440, 3200), Some(tall), true, Fit::Scaled(tall)),
            (size(3200, 1440), Some(tall), false, Fit::Scaled(size(2400, 1080))),
            (size(1038, 1076), Some(size(540, 1212)), true, Fit::Other { touched: size(540, 1212) }),
            (size(1038, 1076), Some(size(540, 1212)), false, Fit::Other { touched: size(540, 1212) }),
        ] {
            assert_eq!(fit(picture, touched, known), expected, "{picture} {touched:?} {known}");
        }
    }

    #[test]
    fn a_display_that_changes_and_changes_back_is_another_one() {
        let mut target = Target::default();
        let size = Size { width: 3, height: 5 };
        let first = target.identify(size, Some(Rotation::None));
        assert_eq!(target.identify(size, Some(Rotation::None)), first);
        let turned = target.identify(size, Some(Rotation::Half));
        assert_ne!(turned, first);
        let back = target.identify(size, Some(Rotation::None));
        assert_ne!(back, first);
        assert_eq!(target.identify(size, Some(Rotation::None)), back);
    }
}
