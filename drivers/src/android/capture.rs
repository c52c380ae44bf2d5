//! Takes pictures of the screen, in the form that is faster on this device and link.

use std::time::Duration;

use tapwright_contract::device::DriverErrorKind;
use tokio::time::Instant;

use super::parse::screencap::{self, Form, Screenshot};
use super::wire::Link;

/// The most bytes that a picture may have: four thousand pixels each way.
pub(crate) const LENGTH_MAX: usize = 64 << 20;
/// A raw picture that comes this fast is not worth a trial of the other form.
const FAST: Duration = Duration::from_millis(120);

/// In which form pictures are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// The faster of the two, tried out on the first pictures.
    Auto,
    /// As pixels: no work for the device, but megabytes for the link.
    Raw,
    /// As PNG: a tenth of the bytes, but half a second of a phone's time.
    Png,
}

/// Takes pictures and remembers which form is the faster one.
pub(crate) struct Camera {
    wanted: Capture,
    raw_took: Option<Duration>,
    chosen: Option<Capture>,
    /// How long the last picture was; the next one will be about as long.
    length: usize,
    /// When the last picture began to come: it was taken before.
    pub captured_before: Option<Instant>,
}

impl Camera {
    pub fn new(wanted: Capture) -> Camera {
        Camera { wanted, raw_took: None, chosen: None, length: 0, captured_before: None }
    }

    /// Takes a picture of the display on this panel, or of the phone's first one.
    pub async fn take(&mut self, link: &Link, panel: Option<&str>) -> Result<Screenshot, DriverErrorKind> {
        let form = match (self.wanted, self.chosen, self.raw_took) {
            (Capture::Raw, _, _) | (Capture::Auto, Some(Capture::Raw), _) | (Capture::Auto, None, None) => Capture::Raw,
            (Capture::Png, _, _) | (Capture::Auto, Some(_), _) | (Capture::Auto, None, Some(_)) => Capture::Png,
        };
        // The names of panels are digits, and need no quotes.
        let of = panel.map_or_else(String::new, |panel| format!(" -d {panel}"));
        let began = Instant::now();
        let shot = match form {
            Capture::Raw => match self.read(link, &format!("exec:screencap{of}")).await.and_then(screencap::raw) {
                // A format of pixels that is not known here; PNG is PNG everywhere.
                Err(DriverErrorKind::MalformedResponse { why })
                    if self.wanted == Capture::Auto && self.chosen.is_none() =>
                {
                    tracing::debug!(why, "cannot read raw screenshots of this device; takes PNGs");
                    self.chosen = Some(Capture::Png);
                    self.png(link, &of).await?
                }
                shot => shot?,
            },
            _ => self.png(link, &of).await?,
        };
        let took = began.elapsed();
        self.length = shot.length();
        tracing::debug!(form = ?shot.form, bytes = shot.length(), ms = took.as_millis(), "took a picture");
        if self.wanted == Capture::Auto && self.chosen.is_none() {
            match (shot.form, self.raw_took) {
                (Form::Raw(_), _) if took <= FAST => self.chosen = Some(Capture::Raw),
                (Form::Raw(_), _) => self.raw_took = Some(took),
                (Form::Png, Some(raw_took)) if raw_took <= took => self.chosen = Some(Capture::Raw),
                (Form::Png, _) => self.chosen = Some(Capture::Png),
            }
        }
        Ok(shot)
    }

    async fn png(&mut self, link: &Link, of: &str) -> Result<Screenshot, DriverErrorKind> {
        self.read(link, &format!("exec:screencap -p{of}")).await.and_then(screencap::png)
    }

    async fn read(&mut self, link: &Link, service: &str) -> Result<Vec<u8>, DriverErrorKind> {
        self.captured_before = None;
        let (bytes, since) = link.read_since(service, self.length, LENGTH_MAX).await?;
        self.captured_before = Some(since);
        Ok(bytes)
    }
}
