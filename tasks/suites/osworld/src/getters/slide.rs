//! Getters that take a file out of a presentation, or the file that it points to.

use super::{Output, Resolution};
use crate::error::EvaluatorErrorKind as Kind;
use crate::output::{GetterOutput, StateFile};
use crate::package::Package;
use crate::state::{StateReply, StateRequest};
use crate::xml;

const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The first sound of a slide.
pub(super) fn audio(at: &Resolution) -> Output {
    related(at, "audio", |_, _| Ok(None))
}

/// The picture that is a slide's ground.
pub(super) fn background(at: &Resolution) -> Output {
    related(at, "image", |package, slide| {
        let Some(text) = package.text(slide)? else { return Ok(Some(String::new())) };
        let document = xml::parse(slide, &text)?;
        let grounds = document.descendants().filter(|node| node.tag_name().name() == "bgPr");
        let pictures = grounds.flat_map(|ground| ground.descendants().filter(|node| node.tag_name().name() == "blip"));
        let id = pictures.filter_map(|picture| picture.attribute((RELATION, "embed"))).next();
        Ok(Some(id.unwrap_or_default().to_owned()))
    })
}

/// The file of a slide's first relation of a kind. `id` says which one it has to be: an empty one is none, `None` any.
fn related(at: &Resolution, kind: &str, id: fn(&Package, &str) -> Result<Option<String>, Kind>) -> Output {
    let path = at.text("ppt_file_path")?;
    let index =
        at.parameter("slide_index")?.as_u64().ok_or_else(|| Kind::rule("`slide_index` is no place of a slide"))?;
    let file = match at.reply(StateRequest::File { path: path.to_owned() })? {
        StateReply::File(file) => file,
        StateReply::Missing => return Err(Kind::output(format!("{path} is not there")).into()),
        _ => return Err(at.unexpected().into()),
    };
    let package = Package::open(file)?;
    let slide = format!("ppt/slides/slide{}.xml", index + 1);
    let wanted = id(&package, &slide)?;
    let relationships = match wanted.as_deref() {
        Some("") => Vec::new(),
        _ => package.relationships(&slide)?,
    };
    let is_it = |id: &str| wanted.as_deref().is_none_or(|wanted| wanted == id);
    let found = relationships.into_iter().find(|of| of.kind.contains(kind) && is_it(&of.id));
    let Some(found) = found else { return Ok(GetterOutput::nothing()) };
    // One beside the presentation is fetched from the machine, as upstream does.
    if let Some(outside) = found.target.strip_prefix("file://") {
        return Ok(match at.file(StateRequest::File { path: outside.to_owned() })? {
            GetterOutput::File(file) => GetterOutput::File(at.named(&file, 0)),
            output => output,
        });
    }
    let part = package.part(&found.target)?;
    let bytes = part.ok_or_else(|| Kind::output(format!("{path} names {}, which is not in it", found.target)))?;
    Ok(GetterOutput::File(StateFile::new(found.target, bytes)))
}
