//! Android in the Wild: an example is a step. Its fields are those of
//! <https://github.com/google-research/google-research/tree/master/android_in_the_wild>, its actions those of `action_type.py` there, and how its
//! pictures are to be read (rows of raw bytes, in no image format) is what `visualization_utils.py` does.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use super::super::rules::{Direction, RuleSet, StepAction, is_near_box, moves_little};
use super::collection::{Collection, Episode, Fault, StepRecord};
use super::example::Example;

/// What a reader of this set needs: no other set has them all.
pub const KEYS: [&str; 3] = ["image/encoded", "results/action_type", "results/yx_touch"];
/// Of a picture; more than any phone has.
const SIDE_MAX: i64 = 10_000;

/// Makes the record of a step.
///
/// # Errors
/// What is wrong with it.
pub fn read_step(example: &Example<'_>, collection: &mut Collection<'_>) -> Result<(), Fault> {
    let episode = example.text("episode_id")?;
    let Episode::Wanted = collection.wants(episode)? else { return Ok(()) };
    let step = example.integer("step_id")?;
    let step = usize::try_from(step).map_err(|_| format!("its \"step_id\" is {step}"))?;
    let wrong = |why: String| format!("episode {episode:.100}, step {step}: {why}");
    let picture = RawPicture::read(example).map_err(wrong)?;
    let size = [picture.width, picture.height].map(f64::from);
    let Some(action) = read_action(example, size).map_err(wrong)? else {
        let kind = example.integer("results/action_type")?;
        collection.leave_out(format!("results/action_type {kind}: an action of no type that is known"));
        return Ok(());
    };
    let boxes = match action {
        StepAction::Click { x, y } => read_boxes(example, [x, y], size).map_err(wrong)?,
        _ => Vec::new(),
    };
    let place = collection.vacant(episode, step)?;
    let image = collection.picture(&place, |file| picture.write(file))?;
    let group = if example.has("device_type") { Some(example.text("device_type").map_err(wrong)?) } else { None };
    let record = StepRecord { place, question: example.text("goal_info").map_err(wrong)?, image, group };
    collection.add(record, RuleSet::Aitw, action, boxes)
}

/// The action of a step in pixels; nothing if it is of no type that is known.
fn read_action(example: &Example<'_>, size: [f64; 2]) -> Result<Option<StepAction>, String> {
    Ok(Some(match example.integer("results/action_type")? {
        3 => StepAction::Type { text: example.text("results/type_action")?.to_owned() },
        4 => gesture(place(example, "results/yx_touch")?, place(example, "results/yx_lift")?, size),
        5 => StepAction::Back,
        6 => StepAction::Home,
        7 => StepAction::Enter,
        10 => StepAction::Complete,
        11 => StepAction::Impossible,
        _ => return Ok(None),
    }))
}

/// Two places, as shares of the screen, are a touch if they are almost one.
fn gesture(touch: [f64; 2], lift: [f64; 2], [width, height]: [f64; 2]) -> StepAction {
    let pixels = |[x, y]: [f64; 2]| [x * width, y * height];
    if moves_little(touch, lift, [1.0, 1.0]) {
        let [x, y] = pixels(touch);
        return StepAction::Click { x, y };
    }
    // The axis is that of the shares, not of the pixels.
    let direction = Direction::of_finger(touch, lift);
    StepAction::Scroll { direction, from: Some(pixels(touch)), to: Some(pixels(lift)) }
}

/// A place, x before y.
fn place(example: &Example<'_>, name: &str) -> Result<[f64; 2], String> {
    match example.floats(name)? {
        [y, x] if (0.0..=1.0).contains(y) && (0.0..=1.0).contains(x) => Ok([f64::from(*x), f64::from(*y)]),
        other => {
            let (count, start) = (other.len(), &other[..other.len().min(2)]);
            Err(format!(
                "its {name:?} has {count} numbers, which begin with {start:?}, and should be y and x from 0 to 1"
            ))
        }
    }
}

/// The boxes that count for a touch: by the set's rule the others never do.
fn read_boxes(example: &Example<'_>, touch: [f64; 2], [width, height]: [f64; 2]) -> Result<Vec<[f64; 4]>, String> {
    let (boxes, rest) = example.floats("image/ui_annotations_positions")?.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("its \"image/ui_annotations_positions\" are not four numbers for each element".to_owned());
    }
    let boxes = boxes.iter().map(|sides| {
        let [top, left, tall, wide] = sides.map(f64::from);
        [left * width, top * height, (left + wide) * width, (top + tall) * height]
    });
    let counts =
        |area: &[f64; 4]| area[0] <= area[2] && area[1] <= area[3] && is_near_box(touch, *area, [width, height]);
    Ok(boxes.filter(counts).collect())
}

/// Rows of pixels from above, in red, green, blue, and perhaps alpha.
struct RawPicture<'a> {
    width: u32,
    height: u32,
    colors: png::ColorType,
    bytes: &'a [u8],
}

impl<'a> RawPicture<'a> {
    fn read(example: &Example<'a>) -> Result<RawPicture<'a>, String> {
        let side = |name: &str| match example.integer(name)? {
            side @ 1..=SIDE_MAX => Ok(side as u32),
            side => Err(format!("its {name:?} is {side}, and should be from 1 to {SIDE_MAX}")),
        };
        let (width, height) = (side("image/width")?, side("image/height")?);
        let channels = example.integer("image/channels")?;
        let colors = match channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            4 => png::ColorType::Rgba,
            _ => return Err(format!("its picture has {channels} channels, and should have 3")),
        };
        let [bytes] = *example.bytes("image/encoded")? else {
            return Err("it has no one \"image/encoded\"".to_owned());
        };
        let wanted = u64::from(width) * u64::from(height) * colors.samples() as u64;
        if bytes.len() as u64 != wanted {
            return Err(format!(
                "its \"image/encoded\" has {} bytes, and a picture of {width} x {height} x {channels} has {wanted}",
                bytes.len()
            ));
        }
        Ok(RawPicture { width, height, colors, bytes })
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let mut file = BufWriter::new(file);
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(self.colors);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.bytes)?;
        writer.finish()?;
        file.flush()
    }
}
