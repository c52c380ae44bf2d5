//! The pages of the gallery.

use super::{ADD_TO_ALBUM, FAVOURITE, GALLERY, Gallery, INFO, Message, NAME_FIELD, RENAME, SEARCH_FIELD, open};
use crate::app::Context;
use crate::apps::common::{NOTHING_FOUND, SEARCH, matches};
use crate::command::{Command, Effect, Page, send};
use crate::date::{DAY, Date, clock_text};
use crate::icon::Icon;
use crate::locale::{DELETE, Phrase, SAVE, SHARE, phrase};
use crate::providers::files::{FileContent, Files, StoredFile};
use crate::ui::{Class, Column, End, Lead, ROW, Row, Shape, Style, TextField, Ui};

const PHOTOS: Phrase = phrase("Photos", "照片");
const ALBUMS: Phrase = phrase("Albums", "相册");
const ALBUM: Phrase = phrase("Album", "加入相册");
const FAVOURITES: Phrase = phrase("Favourites", "收藏");
const BIN: Phrase = phrase("Bin", "回收站");
const EMPTY_THE_BIN: Phrase = phrase("Empty bin", "清空回收站");
const NEW_ALBUM: Phrase = phrase("New album", "新建相册");
const NAME: Phrase = phrase("Name of the album", "相册名称");
const COUNT: Phrase = phrase("Photos: {}", "照片：{}");
const NO_PHOTOS: Phrase = phrase("No photos here", "这里没有照片");
const NOT_ALLOWED: Phrase = phrase("Gallery may not see your photos", "相册无法访问您的照片");
const ALLOW: Phrase = phrase("Allow", "允许");
const SEARCH_PHOTOS: Phrase = phrase("Search photos", "搜索照片");
const PREVIOUS: Phrase = phrase("Previous", "上一张");
const NEXT: Phrase = phrase("Next", "下一张");
const TITLE: Phrase = phrase("Name", "名称");
const TAKEN: Phrase = phrase("Taken on", "拍摄时间");
const PLACE: Phrase = phrase("Place", "地点");
const SIZE: Phrase = phrase("Size", "大小");
const UNKNOWN: Phrase = phrase("Unknown", "未知");

/// The side of a photo in the grid, and how far it is to the next one.
const SIDE: f32 = 166.0;
const STEP: f32 = 171.0;

/// Draws a page. Without a permission there is nothing to see on any.
pub fn page(gallery: &Gallery, page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    if !context.may.photos {
        let (title, text, button) = (ui.say(GALLERY), ui.say(NOT_ALLOWED), ui.say(ALLOW));
        ui.title_bar(title, false, &[]);
        return ui.notice(Icon::Lock, text, Some((button, send(Message::Allow))));
    }
    match page.name {
        "photo" => photo(gallery, page, context, files, ui),
        "info" => info(page, context, files, ui),
        "albums" => albums(gallery, None, files, ui),
        "add" => albums(gallery, page.number(), files, ui),
        "album" => album(gallery, page.number().unwrap_or(usize::MAX), files, ui),
        "favourites" => favourites(gallery, files, ui),
        "bin" => bin(files, ui),
        "search" => search(context, files, ui),
        "new" | "rename" => draw_name_page(page, context, ui),
        _ => main(context, files, ui),
    }
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Photo, PHOTOS, on == "main", open(Page::new("main"))),
        (Icon::Bookmark, ALBUMS, on == "albums", open(Page::new("albums"))),
        (Icon::Star, FAVOURITES, on == "favourites", open(Page::new("favourites"))),
        (Icon::Bin, BIN, on == "bin", open(Page::new("bin"))),
    ]);
}

/// When a photo was taken: days after 1970, and minutes after midnight.
fn photo_time(photo: &StoredFile, context: &Context<'_>) -> (u64, u32) {
    let seconds = context.began.saturating_add_signed(i64::from(photo.minute) * 60);
    (seconds / DAY, (seconds / 60 % 1440) as u32)
}

fn place(photo: &StoredFile) -> &str {
    match &photo.content {
        FileContent::Photo(_, place) => place,
        FileContent::Text(_) | FileContent::Sound(_) | FileContent::Archive => "",
    }
}

fn main(context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let title = ui.say(GALLERY);
    ui.title_bar(title, false, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
    bottom_bar(ui, "main");
    let photos = files.photos();
    if photos.is_empty() {
        let text = ui.say(NO_PHOTOS);
        return ui.notice(Icon::Photo, text, None);
    }
    // A week lies under one heading, so that a line is seldom one photo wide.
    let week = |photo: &StoredFile| context.first_day.saturating_sub(photo_time(photo, context).0) / 7;
    ui.scroll(2.0 * ROW, |ui, column| {
        for chunk in photos.chunk_by(|one, two| week(one) == week(two)) {
            let heading = Date::new(photo_time(chunk[0], context).0).long(ui.language);
            column.heading(ui, &heading);
            grid(chunk, &|id| (open(Page::of("photo", id)), send(Message::Hold(id, None))), column, ui);
        }
    });
}

/// Photos beside each other, each with what a touch and a long one do.
fn grid(photos: &[&StoredFile], act: &dyn Fn(usize) -> (Command, Command), column: &mut Column, ui: &mut Ui) {
    for line in photos.chunks(3) {
        column.item(ui, STEP, |ui, top| {
            for (i, photo) in line.iter().enumerate() {
                let Some(picture) = photo.picture() else { continue };
                let node = ui.picture((16.0 + STEP * i as f32, top, SIDE, SIDE), picture, 12.0, photo.title());
                let (tap, hold) = act(photo.id);
                node.tap = Some(tap);
                node.hold = Some(hold);
            }
        });
    }
}

fn photo(gallery: &Gallery, page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let Some(photo) = page.number().and_then(|id| files.get(id)) else { return };
    let (Some(picture), id) = (photo.picture(), photo.id) else { return };
    let star = if gallery.kept.contains(&id) { Icon::StarFull } else { Icon::Star };
    ui.title_bar(photo.title(), true, &[(star, FAVOURITE, send(Message::Keep(id)))]);
    ui.bottom_bar(&[
        (Icon::Share, SHARE, false, Effect::Share(photo.title().to_owned()).into()),
        (Icon::Bookmark, ALBUM, false, open(Page::of("add", id))),
        (Icon::Info, INFO, false, open(Page::of("info", id))),
        (Icon::Bin, DELETE, false, send(Message::Delete(id))),
    ]);
    let (ink, faint, off) = (ui.theme.ink, ui.theme.faint, ui.theme.off);
    let height = (ui.bottom - 3.6 * ROW).clamp(300.0, 540.0);
    ui.picture((0.0, 2.0 * ROW + 4.0, 540.0, height), picture, 0.0, photo.title());
    let below = 2.0 * ROW + 4.0 + height;
    let (day, minute) = photo_time(photo, context);
    let when = format!("{} {}", Date::new(day).long(ui.language), clock_text(minute));
    let style = |size: f32, color: u32| Style { centered: true, ..Style::new(size, color) };
    ui.label("when", &when, (90.0, below + 0.45 * ROW), 360.0, style(26.0, ink));
    ui.label("place", place(photo), (90.0, below + 0.9 * ROW), 360.0, style(26.0, faint));
    let photos = files.photos();
    let at = photos.iter().position(|other| other.id == id);
    let side = |by: isize| at.and_then(|at| at.checked_add_signed(by)).and_then(|at| photos.get(at));
    for (icon, desc, x, other) in [(Icon::Back, PREVIOUS, 45.0, side(-1)), (Icon::Chevron, NEXT, 495.0, side(1))] {
        match other {
            Some(other) => {
                let tap = Effect::Replace(Page::of("photo", other.id)).into();
                ui.icon_button("turn", desc, icon, (x, below + 0.7 * ROW), ink, tap);
            }
            None => {
                let rect = ui.rect(x - 20.0, below + 0.7 * ROW - 20.0, 40.0, 40.0);
                ui.add(Class::Image, "end", rect).shapes.push(Shape::Icon { icon, rect, color: off });
            }
        }
    }
}

fn info(page: &Page, context: &Context<'_>, files: &Files, ui: &mut Ui) {
    let Some(photo) = page.number().and_then(|id| files.get(id)) else { return };
    let title = ui.say(INFO);
    ui.title_bar(title, true, &[]);
    let (day, minute) = photo_time(photo, context);
    let (when, size) = (format!("{} {}", Date::new(day).long(ui.language), clock_text(minute)), photo.size());
    let place = if place(photo).is_empty() { ui.say(UNKNOWN) } else { place(photo) };
    let lines = [(TITLE, photo.name.as_str()), (TAKEN, &when), (PLACE, place), (SIZE, &size)];
    ui.list(lines.len(), 2.0 * ROW, |ui, i, y| {
        let (label, value) = lines[i];
        let second = ui.say(label);
        ui.row(y, Row { id: "detail", title: value, second, size: 30.0, ..Row::default() });
    });
}

/// The albums, to be looked at or to put a photo into.
fn albums(gallery: &Gallery, photo: Option<usize>, files: &Files, ui: &mut Ui) {
    let title = ui.say(if photo.is_some() { ADD_TO_ALBUM } else { ALBUMS });
    ui.title_bar(title, photo.is_some(), &[(Icon::Plus, NEW_ALBUM, open(Page::new("new")))]);
    if photo.is_none() {
        bottom_bar(ui, "albums");
    }
    ui.scroll(2.0 * ROW, |ui, column| {
        column.tall_rows(ui, gallery.albums.len(), 1.3 * ROW, |ui, i, y| {
            let album = &gallery.albums[i];
            let rect = ui.rect(12.0, y, 516.0, 1.3 * ROW);
            let (ink, faint) = (ui.theme.ink, ui.theme.faint);
            let node = ui.add(Class::Row, "album", rect);
            node.tap = Some(photo.map_or_else(|| open(Page::of("album", i)), |id| send(Message::AddTo(id, i))));
            node.hold = Some(send(Message::HoldAlbum(i)));
            let photos = gallery.of_album(i, files);
            ui.inside(|ui| {
                match photos.first().and_then(|photo| photo.picture()) {
                    Some(picture) => {
                        ui.picture((28.0, y + 13.0, 94.0, 94.0), picture, 16.0, "");
                    }
                    None => {
                        let rect = ui.rect(52.0, y + 37.0, 46.0, 46.0);
                        let shape = Shape::Icon { icon: Icon::Photo, rect, color: faint };
                        ui.add(Class::Image, "none", rect).shapes.push(shape);
                    }
                }
                ui.label("title", &album.name, (142.0, y + 42.0), 360.0, Style::new(32.0, ink));
                let count = ui.say_with(COUNT, &photos.len().to_string());
                ui.label("count", &count, (142.0, y + 82.0), 360.0, Style::new(24.0, faint));
            });
        });
    });
}

fn album(gallery: &Gallery, at: usize, files: &Files, ui: &mut Ui) {
    let Some(album) = gallery.albums.get(at) else { return };
    ui.title_bar(&album.name, true, &[(Icon::Pencil, RENAME, open(Page::of("rename", at)))]);
    let act = |id| (open(Page::of("photo", id)), send(Message::Hold(id, Some(at))));
    draw_photos(&gallery.of_album(at, files), &act, ui);
}

/// A page of photos.
fn draw_photos(photos: &[&StoredFile], act: &dyn Fn(usize) -> (Command, Command), ui: &mut Ui) {
    if photos.is_empty() {
        let text = ui.say(NO_PHOTOS);
        return ui.notice(Icon::Photo, text, None);
    }
    ui.scroll(2.0 * ROW, |ui, column| grid(photos, act, column, ui));
}

fn favourites(gallery: &Gallery, files: &Files, ui: &mut Ui) {
    let title = ui.say(FAVOURITES);
    ui.title_bar(title, false, &[]);
    bottom_bar(ui, "favourites");
    let photos: Vec<&StoredFile> =
        files.photos().into_iter().filter(|photo| gallery.kept.contains(&photo.id)).collect();
    draw_photos(&photos, &|id| (open(Page::of("photo", id)), send(Message::Hold(id, None))), ui);
}

fn bin(files: &Files, ui: &mut Ui) {
    let title = ui.say(BIN);
    let photos: Vec<&StoredFile> = files.bin().into_iter().filter(|file| file.picture().is_some()).collect();
    let empty = [(Icon::Bin, EMPTY_THE_BIN, send(Message::AskToEmpty))];
    ui.title_bar(title, false, if photos.is_empty() { &[] } else { &empty });
    bottom_bar(ui, "bin");
    draw_photos(&photos, &|id| (send(Message::HoldInBin(id)), send(Message::HoldInBin(id))), ui);
}

fn search(context: &Context<'_>, files: &Files, ui: &mut Ui) {
    ui.search_bar(true, SEARCH_PHOTOS, SEARCH_FIELD, context.field(&SEARCH_FIELD));
    let query = context.trimmed(&SEARCH_FIELD);
    let is_meant = |photo: &&StoredFile| matches(photo.title(), query) || matches(place(photo), query);
    let found: Vec<&StoredFile> = files.photos().into_iter().filter(is_meant).collect();
    if found.is_empty() {
        let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
        ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
    }
    ui.list(found.len(), 2.0 * ROW + 8.0, |ui, i, y| {
        let photo = found[i];
        let (lead, end) = (Lead::Icon(Icon::Photo, 0xD6457A), End::Chevron);
        let (title, second) = (photo.title(), place(photo));
        let tap = Some(open(Page::of("photo", photo.id)));
        ui.row(y, Row { id: "photo", lead, title, second, end, tap, size: 30.0, ..Row::default() });
    });
}

fn draw_name_page(page: &Page, context: &Context<'_>, ui: &mut Ui) {
    let title = ui.say(if page.is("rename") { RENAME } else { NEW_ALBUM });
    ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::Save))]);
    let (state, top) = (context.field(&NAME_FIELD), 2.0 * ROW + 10.0);
    let (left, width, height) = (18.0, 504.0, ROW - 20.0);
    ui.field(TextField { id: "name", hint: NAME, field: NAME_FIELD, state, left, top, width, height });
}
