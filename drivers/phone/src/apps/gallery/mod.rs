//! Gallery: photos by day, albums, favourites, and a bin. The photos are files of the phone, which the owner has to allow it to see.

mod view;

use std::collections::BTreeSet;

use super::common::{joined, places_of, split};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, SHARE, phrase};
use crate::permission::PermissionKind;
use crate::picture::{Picture, SUBJECTS};
use crate::providers::Providers;
use crate::providers::files::{FileContent, FileError, Files, StoredFile};
use crate::ui::Ui;

const GALLERY: Phrase = phrase("Gallery", "相册");
const FAVOURITE: Phrase = phrase("Favourite", "收藏");
const ADD_TO_ALBUM: Phrase = phrase("Add to album", "添加到相册");
const REMOVE_FROM_ALBUM: Phrase = phrase("Remove from album", "移出相册");
const INFO: Phrase = phrase("Details", "详情");
const ADDED: Phrase = phrase("Added", "已添加");
const IN_THE_BIN: Phrase = phrase("Moved to the bin", "已移到回收站");
const PUT_BACK: Phrase = phrase("Restored", "已恢复");
const RESTORE: Phrase = phrase("Restore", "恢复");
const RENAME: Phrase = phrase("Rename", "重命名");
const DELETE_PHOTO: Phrase = phrase("Delete photo?", "删除照片？");
const EMPTY_BIN: Phrase = phrase("Empty the bin?", "清空回收站？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const DELETE_ALBUM: Phrase = phrase("Delete album?", "删除相册？");
const PHOTOS_STAY: Phrase = phrase("Its photos are kept.", "其中的照片会保留。");
const THERE_IS_ONE: Phrase = phrase("There is such an album", "已有同名相册");

const SEARCH_FIELD: FieldId = FieldId::new("search");
const NAME_FIELD: FieldId = FieldId::new("name");

const ALBUMS: [Phrase; 6] = [
    phrase("Trips", "旅行"),
    phrase("Family", "家人"),
    phrase("For the wall", "挂墙上的"),
    phrase("Best of", "精选"),
    phrase("Weekend", "周末"),
    phrase("To print", "待打印"),
];

/// Photos that were put together.
#[derive(Clone, Debug)]
struct Album {
    name: String,
    /// The numbers of their files.
    photos: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Gallery {
    albums: Vec<Album>,
    kept: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Allow,
    Keep(usize),
    /// The photo, and the album in which it was held.
    Hold(usize, Option<usize>),
    AddTo(usize, usize),
    RemoveFrom(usize, usize),
    Delete(usize),
    HoldInBin(usize),
    Restore(usize),
    AskToErase(usize),
    Erase(usize),
    AskToEmpty,
    Empty,
    HoldAlbum(usize),
    DeleteAlbum(usize),
    /// Saves the name on the page for names.
    Save,
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn menu(language: Language, items: Vec<(Phrase, Command)>) -> Vec<Effect> {
    let item = |(label, command)| MenuItem { label: language.say(label), command };
    vec![Effect::Menu(items.into_iter().map(item).collect())]
}

fn question(language: Language, title: Phrase, text: Phrase, then: Message) -> Effect {
    Effect::ask(Question {
        title: language.say(title).into(),
        text: language.say(text).into(),
        yes: language.say(DELETE),
        then: send(then),
    })
}

impl Gallery {
    /// Draws albums.
    pub fn new(seed: u64, language: Language, files: &Files) -> Gallery {
        let mut dice = Dice::named(seed, "gallery");
        let photos: Vec<usize> = files.photos().iter().map(|photo| photo.id).collect();
        let mut names = ALBUMS.to_vec();
        dice.shuffle(&mut names);
        let mut album = |name: Phrase| {
            let mut photos = photos.clone();
            dice.shuffle(&mut photos);
            photos.truncate(3 + dice.below(6));
            Album { name: language.say(name).to_owned(), photos }
        };
        Gallery { albums: names.into_iter().take(3).map(&mut album).collect(), kept: BTreeSet::new() }
    }

    /// The photos of an album that are still there.
    fn of_album<'a>(&self, at: usize, files: &'a Files) -> Vec<&'a StoredFile> {
        let Some(album) = self.albums.get(at) else { return Vec::new() };
        let photo = |id: &usize| files.get(*id).filter(|file| !file.is_in_bin);
        album.photos.iter().filter_map(photo).collect()
    }

    fn hold(id: usize, album: Option<usize>, language: Language, files: &Files) -> Vec<Effect> {
        let Some(photo) = files.get(id) else { return Vec::new() };
        let mut items = vec![
            (FAVOURITE, send(Message::Keep(id))),
            (ADD_TO_ALBUM, open(Page::of("add", id))),
            (SHARE, Effect::Share(photo.title().to_owned()).into()),
            (INFO, open(Page::of("info", id))),
            (DELETE, send(Message::Delete(id))),
        ];
        if let Some(album) = album {
            items.insert(1, (REMOVE_FROM_ALBUM, send(Message::RemoveFrom(album, id))));
        }
        menu(language, items)
    }

    fn save(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let name = context.trimmed(&NAME_FIELD).to_owned();
        if name.is_empty() {
            return Vec::new();
        }
        let renamed = context.page.is("rename").then(|| context.page.number()).flatten();
        let is_taken = |(at, album): (usize, &Album)| album.name == name && Some(at) != renamed;
        if self.albums.iter().enumerate().any(is_taken) {
            return vec![Effect::Toast(context.language.say(THERE_IS_ONE).into())];
        }
        match renamed {
            Some(at) => {
                if let Some(album) = self.albums.get_mut(at) {
                    album.name = name;
                }
            }
            None => self.albums.push(Album { name, photos: Vec::new() }),
        }
        vec![Effect::Write(NAME_FIELD, String::new()), Effect::Close]
    }

    /// An album as a fact.
    fn set_album(&mut self, name: &str, value: &str, files: &Files) -> Result<(), String> {
        let photos = photos_of(value, files)?;
        match self.albums.iter_mut().find(|album| album.name == name) {
            Some(album) => album.photos = photos,
            None => self.albums.push(Album { name: name.to_owned(), photos }),
        }
        Ok(())
    }
}

/// The numbers of photos by their titles.
fn photos_of(value: &str, files: &Files) -> Result<Vec<usize>, String> {
    let photos = files.photos();
    places_of(value, |title| photos.iter().find(|photo| photo.title() == title).map(|photo| photo.id))
}

fn titles<'a>(photos: impl IntoIterator<Item = &'a StoredFile>) -> String {
    joined(photos.into_iter().map(StoredFile::title))
}

/// `name | subject | place`: a photo that is there from the beginning, the latest of all.
fn add_photo(value: &str, files: &mut Files) -> Result<(), String> {
    let mut parts = value.split('|').map(str::trim);
    let (name, subject, place) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or("Park"), parts.next().unwrap_or(""));
    let subject = SUBJECTS.into_iter().find(|known| format!("{known:?}").eq_ignore_ascii_case(subject));
    let subject = subject.ok_or("it is `name | subject | place`, and the subject is a word like Park, Lake or Cat")?;
    let picture = Picture::new(subject, files.list.len() as u32);
    let content = FileContent::Photo(picture, place.to_owned());
    let folder = files.pictures();
    let added = files.add(&folder, &format!("{name}.jpg"), content, 0);
    added.map(|_| ()).map_err(|error| error.message().english.to_lowercase())
}

impl App for Gallery {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.gallery3d",
            activity: ".GalleryActivity",
            label: GALLERY,
            icon: Icon::Photo,
            color: 0xD6457A,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, providers: &Providers, ui: &mut Ui) {
        view::page(self, page, context, &providers.files, ui);
    }

    fn update(&mut self, message: Message, context: &Context<'_>, providers: &mut Providers) -> Vec<Effect> {
        let (language, files) = (context.language, &mut providers.files);
        let toast = |phrase: Phrase| Effect::Toast(language.say(phrase).into());
        match message {
            Message::Allow => return vec![Effect::RequestPermission(PermissionKind::Photos)],
            Message::Keep(id) => {
                if !self.kept.insert(id) {
                    self.kept.remove(&id);
                }
            }
            Message::Hold(id, album) => return Gallery::hold(id, album, language, files),
            Message::AddTo(id, album) => {
                if let Some(album) = self.albums.get_mut(album).filter(|album| !album.photos.contains(&id)) {
                    album.photos.push(id);
                }
                return vec![Effect::Close, toast(ADDED)];
            }
            Message::RemoveFrom(album, id) => {
                if let Some(album) = self.albums.get_mut(album) {
                    album.photos.retain(|photo| *photo != id);
                }
            }
            Message::Delete(id) => {
                files.delete(id);
                let close = context.page.is("photo").then_some(Effect::Close);
                return close.into_iter().chain([toast(IN_THE_BIN)]).collect();
            }
            Message::HoldInBin(id) => {
                let items = vec![(RESTORE, send(Message::Restore(id))), (DELETE, send(Message::AskToErase(id)))];
                return menu(language, items);
            }
            Message::Restore(id) => return vec![toast(files.restore(id).err().map_or(PUT_BACK, FileError::message))],
            Message::AskToErase(id) => return vec![question(language, DELETE_PHOTO, FOR_GOOD, Message::Erase(id))],
            Message::Erase(id) => files.erase(id),
            Message::AskToEmpty => return vec![question(language, EMPTY_BIN, FOR_GOOD, Message::Empty)],
            // The bin is that of all files; what is no photo stays in it.
            Message::Empty => {
                let photos: Vec<usize> =
                    files.bin().iter().filter(|file| file.picture().is_some()).map(|file| file.id).collect();
                photos.into_iter().for_each(|id| files.erase(id));
            }
            Message::HoldAlbum(album) => {
                let delete = question(language, DELETE_ALBUM, PHOTOS_STAY, Message::DeleteAlbum(album));
                return menu(language, vec![(RENAME, open(Page::of("rename", album))), (DELETE, delete.into())]);
            }
            Message::DeleteAlbum(album) => {
                if album < self.albums.len() {
                    self.albums.remove(album);
                }
                return if context.page.is("album") { vec![Effect::Close] } else { Vec::new() };
            }
            Message::Save => return self.save(context),
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "new" => vec![Effect::Write(NAME_FIELD, String::new()), Effect::Focus(NAME_FIELD)],
            "rename" => {
                let album = page.number().and_then(|at| self.albums.get(at));
                let name = album.map_or(String::new(), |album| album.name.clone());
                vec![Effect::Write(NAME_FIELD, name), Effect::Focus(NAME_FIELD)]
            }
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        Some(if field.name == "name" { send(Message::Save) } else { Command::Back })
    }

    fn facts(&self, providers: &Providers, facts: &mut Facts) {
        let files = &providers.files;
        let photos = files.photos();
        facts.insert("gallery.photos".into(), titles(photos.iter().copied()));
        let kept = photos.iter().copied().filter(|photo| self.kept.contains(&photo.id));
        facts.insert("gallery.favourites".into(), titles(kept));
        facts.insert("gallery.albums".into(), joined(self.albums.iter().map(|album| &album.name)));
        for (at, album) in self.albums.iter().enumerate() {
            let name = format!("gallery.album.{}", album.name.replace('.', " "));
            facts.insert(name, titles(self.of_album(at, files)));
        }
        let bin = files.bin();
        let bin = bin.iter().copied().filter(|file| file.picture().is_some());
        facts.insert("gallery.bin".into(), titles(bin));
        for photo in photos {
            if let FileContent::Photo(_, place) = &photo.content {
                facts.insert(format!("gallery.photo.{}.place", photo.title().replace('.', " ")), place.clone());
            }
        }
    }

    /// `gallery.favourites` and `gallery.album.NAME` are titles, an album is made if it is not there; `gallery.albums` keeps those that it names
    /// and makes the others; `gallery.photo` is `name | subject | place` of a new one.
    fn set_fact(&mut self, name: &[&str], value: &str, providers: &mut Providers) -> Option<Result<(), String>> {
        let files = &mut providers.files;
        Some(match name {
            ["gallery", "favourites"] => photos_of(value, files).map(|list| self.kept = list.into_iter().collect()),
            ["gallery", "albums"] => {
                let photos = |name: &str| {
                    let album = self.albums.iter().find(|album| album.name == name);
                    album.map_or(Vec::new(), |album| album.photos.clone())
                };
                self.albums = split(value).map(|name| Album { name: name.to_owned(), photos: photos(name) }).collect();
                Ok(())
            }
            ["gallery", "album", name] => self.set_album(name, value, files),
            ["gallery", "photo"] => add_photo(value, files),
            _ => return None,
        })
    }
}
