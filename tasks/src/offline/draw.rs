//! A set of our own: screens of virtual phones, each with its tree of widgets, and something on it that is to be touched. The same seed
//! draws the same set, byte by byte.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tapwright_agent::journal::FileLock;
use tapwright_phone::{AppSelection, Dice, Input, Language, Options, World};

use super::{OfflineError, OfflineRecord, RECORDS, Target, lock_file, write_lines};

/// More than anybody needs, and a few gigabytes.
pub const COUNT_MAX: u32 = 100_000;
/// In the folder while a set is drawn into it.
const UNFINISHED: &str = "draw.part";
/// What is read of it.
const MARK_BYTES_MAX: u64 = 200;
const DISPLAYS: [(u32, u32); 4] = [(540, 1200), (720, 1600), (1080, 2400), (480, 1040)];
/// How many touches lead to a screen at most.
const TOUCHES_MAX: usize = 3;
/// How often another phone is drawn where nothing can be named.
const TRIES: u64 = 50;
/// A name of more letters is no name.
const NAME_MAX: usize = 40;

/// Something on a screen that can be touched, and is called so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Widget {
    name: String,
    /// Whether the name is written there, and not only read aloud.
    is_text: bool,
    /// Left, top, right, bottom; the last two lie outside.
    area: [i32; 4],
}

/// Writes a set into a folder that holds nothing, or in which the same one broke off: that one is drawn over, picture by picture.
/// `tell` hears how many records there are.
///
/// # Errors
/// `OfflineError` if the folder holds something else, another process draws there, or it cannot be written.
pub fn draw(folder: &Path, seed: u64, count: u32, mut tell: impl FnMut(u32)) -> Result<(), OfflineError> {
    let _lock = begin(folder, &format!("--seed {seed} --count {count}"))?;
    let mut records = Vec::new();
    for number in 0..count.min(COUNT_MAX) {
        let mut dice = Dice::named(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number)), "offline");
        let Some((world, widget, language)) = (0..TRIES).find_map(|_| screen(&mut dice)) else { continue };
        let name = format!("{number:05}");
        let image = PathBuf::from(format!("{name}.png"));
        write_picture(&folder.join(&image), &world).map_err(OfflineError::unwritten(&folder.join(&image)))?;
        let tree = folder.join(format!("{name}.xml"));
        std::fs::write(&tree, world.hierarchy()).map_err(OfflineError::unwritten(&tree))?;
        let question = match language {
            Language::English => format!("Tap \"{}\"", widget.name),
            Language::Chinese => format!("点击“{}”", widget.name),
        };
        let [left, top, right, bottom] = widget.area.map(f64::from);
        records.push(OfflineRecord {
            id: name,
            image,
            question,
            target: Target::Box([left, top, right - 1.0, bottom - 1.0]),
            kind: Some(if widget.is_text { "text" } else { "icon" }.to_owned()),
            group: Some(world.front().package.to_owned()),
            episode: None,
        });
        tell(number + 1);
    }
    write_lines(&folder.join(RECORDS), records.into_iter())?;
    let mark = folder.join(UNFINISHED);
    std::fs::remove_file(&mark).map_err(OfflineError::unwritten(&mark))
}

/// Makes a folder, with the mark of a set that is not finished. What is drawn, the mark says in the words of the command line.
fn begin(folder: &Path, what: &str) -> Result<FileLock, OfflineError> {
    std::fs::create_dir_all(folder).map_err(OfflineError::unwritten(folder))?;
    let mark = folder.join(UNFINISHED);
    if !mark.exists() {
        refuse_others(folder)?;
    }
    let locked = lock_file(&mark).map_err(OfflineError::unwritten(&mark))?;
    let lock = locked.ok_or_else(|| OfflineError::Busy { at: folder.to_owned() })?;
    let mut there = String::new();
    let mut file = &*lock;
    file.take(MARK_BYTES_MAX).read_to_string(&mut there).map_err(OfflineError::unwritten(&mark))?;
    match there.trim() {
        there if there == what => {}
        // Whoever made it was killed before anything was drawn.
        "" => {
            refuse_others(folder)?;
            writeln!(file, "{what}").and_then(|()| file.sync_all()).map_err(OfflineError::unwritten(&mark))?;
        }
        there => {
            let why = format!("a set that was drawn with {there:?} broke off there: the same command draws it anew");
            return Err(OfflineError::Occupied { at: folder.to_owned(), why });
        }
    }
    Ok(lock)
}

/// A set that is drawn over another one would leave its pictures and take its records.
fn refuse_others(folder: &Path) -> Result<(), OfflineError> {
    for entry in std::fs::read_dir(folder).map_err(OfflineError::unwritten(folder))? {
        let name = entry.map_err(OfflineError::unwritten(folder))?.file_name();
        if name != UNFINISHED {
            let why = format!("{name:?} is in it already, and a set is drawn into a folder of its own");
            return Err(OfflineError::Occupied { at: folder.to_owned(), why });
        }
    }
    Ok(())
}

/// A screen to which some touches have led, and what is to be touched on it.
fn screen(dice: &mut Dice) -> Option<(World, Widget, Language)> {
    let language = if dice.chance(70) { Language::English } else { Language::Chinese };
    let (width, height) = *dice.pick(&DISPLAYS);
    let seed = dice.below(1 << 30) as u64;
    let options = Options { seed, width, height, language, apps: AppSelection::All, ..Options::default() };
    let mut world = World::new(options);
    if dice.chance(85) {
        let apps = world.apps();
        let app = dice.pick(&apps).package;
        world.launch(app);
    }
    for _ in 0..dice.below(TOUCHES_MAX) {
        let all = widgets(&world.hierarchy());
        if all.is_empty() {
            break;
        }
        let [left, top, right, bottom] = dice.pick(&all).area;
        world.input(&Input::Tap { x: (left + right) / 2, y: (top + bottom) / 2 });
        // What slides in is there, and what was said for a moment is gone.
        world.advance(world.uptime() + 3000);
    }
    let all = widgets(&world.hierarchy());
    // Of two with one name nobody could say which is meant, and what is scrolled out but for a line of pixels is empty.
    let is_wide = |widget: &Widget| widget.area[0] + 1 < widget.area[2] && widget.area[1] + 1 < widget.area[3];
    let named: Vec<&Widget> = all
        .iter()
        .filter(|one| is_wide(one) && all.iter().filter(|other| other.name == one.name).count() == 1)
        .collect();
    if named.is_empty() {
        return None;
    }
    let widget = (*dice.pick(&named)).clone();
    Some((world, widget, language))
}

/// What can be touched, with the first name that it or something in it has.
fn widgets(tree: &str) -> Vec<Widget> {
    // The touchable widgets that are open, by their place in the list.
    let (mut found, mut open): (Vec<Widget>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    for part in tree.split('<').skip(1) {
        if part.starts_with("/node") {
            open.pop();
            continue;
        }
        if !part.starts_with("node ") {
            continue;
        }
        let value = |key: &str| attribute(part, key);
        let name = [("text", true), ("content-desc", false)].into_iter().find_map(|(key, is_text)| {
            let name = value(key)?;
            let is_plain = !name.is_empty() && name.chars().count() <= NAME_MAX && !name.contains(['&', '\n']);
            is_plain.then(|| (name.to_owned(), is_text))
        });
        let above = open.last().copied().flatten();
        let mut here = above;
        if value("clickable") == Some("true")
            && let Some(area) = value("bounds").and_then(bounds)
        {
            found.push(Widget { name: String::new(), is_text: false, area });
            here = Some(found.len() - 1);
        }
        if let (Some(at), Some((name, is_text))) = (here, name)
            && found[at].name.is_empty()
        {
            (found[at].name, found[at].is_text) = (name, is_text);
        }
        if !part.trim_end().ends_with("/>") {
            open.push(here);
        }
    }
    found.retain(|widget| !widget.name.is_empty());
    found
}

/// The value of an attribute of a tag that the phone's own dump has written.
fn attribute<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {key}=\""))? + key.len() + 3;
    let end = tag[start..].find('"')?;
    Some(&tag[start..start + end])
}

/// Reads `[0,96][540,192]`; nothing of what has no pixel.
fn bounds(text: &str) -> Option<[i32; 4]> {
    let numbers: Vec<i32> =
        text.split(['[', ']', ',']).filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().ok()?;
    let area = <[i32; 4]>::try_from(numbers).ok()?;
    (area[0] < area[2] && area[1] < area[3]).then_some(area)
}

fn write_picture(at: &Path, world: &World) -> io::Result<()> {
    let (width, height) = world.size();
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(at)?), width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&world.draw())?;
    writer.finish().map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_touched_is_named_by_what_is_in_it() {
        let tree = r#"<hierarchy><node text="" content-desc="" clickable="false" bounds="[0,0][100,200]">
            <node text="" content-desc="" clickable="true" bounds="[0,0][100,50]"><node text="Wi-Fi" content-desc="" clickable="false" bounds="[9,9][20,20]" />
            <node text="on" content-desc="" clickable="false" bounds="[60,9][80,20]" /></node>
            <node text="" content-desc="Back" clickable="true" bounds="[0,60][20,80]" />
            <node text="Nothing" content-desc="" clickable="false" bounds="[0,90][20,99]" />
            <node text="Empty" content-desc="" clickable="true" bounds="[5,5][5,9]" /></node></hierarchy>"#;
        let widget = |name: &str, is_text, area| Widget { name: name.to_owned(), is_text, area };
        assert_eq!(widgets(tree), [widget("Wi-Fi", true, [0, 0, 100, 50]), widget("Back", false, [0, 60, 20, 80])]);
    }
}
