//! Evaluator functions over presentations: those that look at one thing; [`comparison`] looks at all.

pub(super) mod comparison;

use super::text::score;
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::MetricInputs;
use crate::package::Package;
use crate::presentation::{DRAWING, Ground, PRESENTATION, Presentation};
use crate::xml;

type Score = Result<f64, Kind>;
type Node<'a> = roxmltree::Node<'a, 'a>;

/// The elements of a name below one, without itself.
fn below<'a>(node: Node<'a>, namespace: &'static str, name: &str) -> impl Iterator<Item = Node<'a>> {
    node.descendants().skip(1).filter(move |node| {
        node.is_element() && node.tag_name().namespace() == Some(namespace) && node.tag_name().name() == name
    })
}

/// Slides that are higher than they are wide.
#[expect(non_snake_case, reason = "as upstream calls it")]
pub(super) fn check_slide_orientation_Portrait(inputs: &MetricInputs) -> Score {
    let [width, height] = Presentation::open(inputs.present_file()?)?.slide_size()?;
    Ok(score(width < height))
}

/// A slide comes in by a transition of a kind.
pub(super) fn check_transition(inputs: &MetricInputs) -> Score {
    let package = Package::open(inputs.present_file()?)?;
    let slide = inputs.rule_at("slide_idx")?.as_i64().ok_or_else(|| Kind::rule("`slide_idx` is no number"))?;
    let kind = inputs.rule_text("transition_type")?;
    let path = format!("ppt/slides/slide{}.xml", slide.saturating_add(1));
    let Some(text) = package.text(&path)? else { return Ok(0.0) };
    let document = xml::parse(&package.part_name(&path), &text)?;
    let transition = below(document.root_element(), PRESENTATION, "transition").next();
    Ok(score(transition.is_some_and(|transition| below(transition, PRESENTATION, kind).next().is_some())))
}

/// The colour of the numbers of pages is of a kind: the last but one that the master names.
pub(super) fn check_page_number_colors(inputs: &MetricInputs) -> Score {
    const THRESHOLD: i64 = 50;
    let package = Package::open(inputs.present_file()?)?;
    let wanted = inputs.rule_at("color")?;
    let path = "ppt/slideMasters/slideMaster1.xml";
    let text = package.required_text(path)?;
    let document = xml::parse(&package.part_name(path), &text)?;
    let fills = below(document.root_element(), DRAWING, "solidFill");
    let colors: Vec<Node> = fills.flat_map(|fill| below(fill, DRAWING, "srgbClr")).collect();
    let color = colors.len().checked_sub(2).map(|at| colors[at]);
    let color = color.ok_or_else(|| Kind::output("the master has fewer than two colours"))?;
    let Some(digits) = color.attribute("val") else { return Ok(0.0) };
    // Upstream reads the digits as if a `#` stood before them.
    let part = |from: usize, to: usize| {
        let part = digits.get(from..to.min(digits.len())).and_then(|part| i64::from_str_radix(part, 16).ok());
        part.ok_or_else(|| Kind::output(format!("{digits:?} is no colour")))
    };
    let is_most = |most: i64, one: i64, other: i64| most > one + THRESHOLD && most > other + THRESHOLD;
    let parts = || Ok::<_, Kind>((part(1, 3)?, part(3, 5)?, part(5, 7)?));
    Ok(score(match wanted.as_str() {
        Some("red") => parts().map(|(red, green, blue)| is_most(red, green, blue))?,
        Some("green") => parts().map(|(red, green, blue)| is_most(green, red, blue))?,
        Some("blue") => parts().map(|(red, green, blue)| is_most(blue, red, green))?,
        Some("black") => parts().map(|(red, green, blue)| [red, green, blue].iter().all(|part| *part < THRESHOLD))?,
        // Of other colours upstream asks nothing.
        _ => true,
    }))
}

/// How near the grounds of all slides are to a colour: a slide without one has that of its master.
pub(super) fn evaluate_presentation_fill_to_rgb_distance(inputs: &MetricInputs) -> Score {
    let presentation = Presentation::open(inputs.present_file()?)?;
    let color = |value: &serde_json::Value| -> Option<[i64; 3]> {
        let parts: Vec<i64> = value.as_array()?.iter().map(serde_json::Value::as_i64).collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let wrong = |key: &str| Kind::rule(format!("`{key}` is no colour of three numbers"));
    let wanted = color(inputs.rule_at("rgb")?).ok_or_else(|| wrong("rgb"))?;
    let original = match inputs.rule()?.get("original_rgb") {
        None | Some(serde_json::Value::Null) => None,
        Some(value) => Some(color(value).ok_or_else(|| wrong("original_rgb"))?),
    };
    let distance = |found: [u8; 3]| {
        let found = found.map(i64::from);
        if Some(found) == original {
            return 1.0;
        }
        let squares = |of: [i64; 3]| of.iter().map(|part| part * part).sum::<i64>() as f64;
        let apart = [0, 1, 2].map(|at| found[at] - wanted[at]);
        squares(apart).sqrt() / squares([255; 3]).sqrt()
    };
    let slides = presentation.slide_paths()?;
    let mut sum = 0.0;
    for path in &slides {
        let slide = presentation.slide(path)?;
        let own = Ground::read(presentation.parse_slide(&slide)?.root_element())?;
        sum += match own {
            Ground::Rgb(found) => distance(found),
            Ground::Empty => match presentation.master(&*presentation.layout(&slide)?)?.ground.clone()? {
                Ground::Rgb(found) => distance(found),
                Ground::Named | Ground::Empty | Ground::Other => 1.0,
            },
            Ground::Named | Ground::Other => 1.0,
        };
    }
    if slides.is_empty() {
        return Err(Kind::output("the presentation has no slide"));
    }
    Ok(1.0 - sum / slides.len() as f64)
}

/// A picture of a slide: what it shows and where, in English Metric Units: left, top, width and height.
struct SlidePicture {
    bytes: Vec<u8>,
    place: Option<[i64; 4]>,
}

/// The size of a presentation's slides, and the pictures on its first one, but for those that fill a place of its layout.
fn first_pictures(presentation: &Presentation) -> Result<([i64; 2], Vec<SlidePicture>), Kind> {
    let (package, slides) = (&presentation.package, presentation.slide_paths()?);
    let path = slides.first().ok_or_else(|| Kind::output("the presentation has no slide"))?;
    let text = package.required_text(path)?;
    let document = xml::parse(&package.part_name(path), &text)?;
    let relationships = package.relationships(path)?;
    let tree = xml::children(document.root_element(), "cSld").flat_map(|slide| xml::children(slide, "spTree"));
    let mut pictures = Vec::new();
    for picture in tree.flat_map(|tree| xml::children(tree, "pic")) {
        let kind = xml::children(picture, "nvPicPr").flat_map(|node| xml::children(node, "nvPr")).next();
        let is_other = |node: Node| matches!(node.tag_name().name(), "ph" | "videoFile");
        if kind.is_some_and(|kind| kind.children().any(is_other)) {
            continue;
        }
        let blip = xml::children(picture, "blipFill").flat_map(|fill| xml::children(fill, "blip")).next();
        let id = blip.and_then(|blip| blip.attributes().find(|one| one.name() == "embed").map(|one| one.value()));
        let part = relationships.iter().find(|part| Some(part.id.as_str()) == id && !part.is_external);
        let part = part.ok_or_else(|| package.unreadable(path, "a picture is not there"))?;
        let bytes = package.part(&part.target)?;
        let bytes = bytes.ok_or_else(|| package.unreadable(&part.target, "it is not there"))?;
        let frame = xml::children(picture, "spPr").flat_map(|node| xml::children(node, "xfrm")).next();
        let number = |element: &'static str, name: &str| -> Option<i64> {
            xml::children(frame?, element).next()?.attribute(name)?.parse().ok()
        };
        let place = || Some([number("off", "x")?, number("off", "y")?, number("ext", "cx")?, number("ext", "cy")?]);
        pictures.push(SlidePicture { bytes, place: place() });
    }
    Ok((presentation.slide_size()?, pictures))
}

/// The first picture of a slide fills it, and stands in its middle.
pub(super) fn check_image_stretch_and_center(inputs: &MetricInputs) -> Score {
    const NEAR: f64 = 457_200.0;
    let original = inputs.expected_file()?.ok_or_else(|| Kind::output("what it is compared with is not there"))?;
    let (size, wanted) = first_pictures(&Presentation::open(original)?)?;
    let (_, found) = first_pictures(&Presentation::open(inputs.present_file()?)?)?;
    let Some(wanted) = wanted.first() else { return Ok(0.0) };
    let Some(found) = found.iter().rfind(|found| found.bytes == wanted.bytes) else { return Ok(0.0) };
    let [left, top, width, height] = found.place.ok_or_else(|| Kind::output("a picture is nowhere"))?;
    let [left, top, width, height] = [left, top, width, height].map(|length| length as f64);
    let [slide_width, slide_height] = size.map(|length| length as f64);
    let off = [
        width - slide_width,
        height - slide_height,
        left - (slide_width - width) / 2.0,
        top - (slide_height - height) / 2.0,
    ];
    Ok(score(off.iter().all(|off| off.abs() <= NEAR)))
}
