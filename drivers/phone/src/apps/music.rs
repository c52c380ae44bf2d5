//! Music: songs, albums' covers, playlists, and a player that goes on with the clock.

use std::collections::BTreeSet;

use super::common::{NOTHING_FOUND, REMOVE, SEARCH, joined, matches, places_of, truth};
use crate::app::{App, Context, Facts, Manifest};
use crate::command::{Command, Effect, FieldId, MenuItem, Page, Question, send};
use crate::dice::Dice;
use crate::icon::Icon;
use crate::locale::{DELETE, Language, Phrase, SAVE, phrase};
use crate::picture::{Picture, Subject};
use crate::providers::Providers;
use crate::ui::{Class, EDGE, End, Lead, MEASURE, ROW, Row, Style, TextField, Ui};

const MUSIC: Phrase = phrase("Music", "音乐");
const SONGS: Phrase = phrase("Songs", "歌曲");
const PLAYLISTS: Phrase = phrase("Playlists", "歌单");
const FAVOURITES: Phrase = phrase("Favourites", "收藏");
const FAVOURITE: Phrase = phrase("Favourite", "收藏");
const SEARCH_SONGS: Phrase = phrase("Search songs", "搜索歌曲");
const NEW_PLAYLIST: Phrase = phrase("New playlist", "新建歌单");
const NAME: Phrase = phrase("Name", "名称");
const ADD_TO_PLAYLIST: Phrase = phrase("Add to playlist", "添加到歌单");
const PLAY_NEXT: Phrase = phrase("Play next", "下一首播放");
const COUNT: Phrase = phrase("Songs: {}", "歌曲：{}");
const NOTHING_HERE: Phrase = phrase("No songs here yet", "这里还没有歌曲");
const DELETE_LIST: Phrase = phrase("Delete playlist?", "删除歌单？");
const FOR_GOOD: Phrase = phrase("This cannot be undone.", "此操作无法撤销。");
const PLAY: Phrase = phrase("Play", "播放");
const PAUSE: Phrase = phrase("Pause", "暂停");
const NEXT: Phrase = phrase("Next", "下一首");
const PREVIOUS: Phrase = phrase("Previous", "上一首");
const SHUFFLE: Phrase = phrase("Shuffle", "随机播放");
const REPEAT: Phrase = phrase("Repeat", "循环播放");
const ADDED: Phrase = phrase("Added", "已添加");

const SEARCH_FIELD: FieldId = FieldId::new("search");
const NAME_FIELD: FieldId = FieldId::new("name");

const FIRST: [Phrase; 12] = [
    phrase("Silver", "银色"),
    phrase("Quiet", "安静的"),
    phrase("Last", "最后的"),
    phrase("Summer", "夏天的"),
    phrase("Broken", "破碎的"),
    phrase("Golden", "金色"),
    phrase("Midnight", "午夜"),
    phrase("Paper", "纸做的"),
    phrase("Northern", "北方的"),
    phrase("Little", "小小的"),
    phrase("Endless", "无尽的"),
    phrase("Blue", "蓝色"),
];
const SECOND: [Phrase; 12] = [
    phrase("River", "河流"),
    phrase("Train", "火车"),
    phrase("Window", "窗"),
    phrase("Rain", "雨"),
    phrase("Garden", "花园"),
    phrase("Letter", "信"),
    phrase("Street", "街"),
    phrase("Moon", "月亮"),
    phrase("Harbour", "海港"),
    phrase("Summer", "夏天"),
    phrase("Dance", "舞"),
    phrase("Mountain", "山"),
];
const ARTISTS: [Phrase; 10] = [
    phrase("The Lanterns", "灯笼乐队"),
    phrase("Nora Vale", "林若谷"),
    phrase("Tin Boats", "铁船"),
    phrase("Mei Lin", "梅林"),
    phrase("Old Station", "老车站"),
    phrase("Glass Birds", "玻璃鸟"),
    phrase("Sam Rivers", "江山"),
    phrase("Five Past Nine", "九点五分"),
    phrase("Winter Choir", "冬天合唱团"),
    phrase("Lo Field", "野田"),
];
/// So many songs there are.
const LENGTH: usize = 60;

#[derive(Clone, Debug)]
struct Song {
    title: String,
    artist: String,
    seconds: u32,
    cover: Picture,
}

#[derive(Clone, Debug)]
struct Playlist {
    name: String,
    songs: Vec<usize>,
}

/// What is heard.
#[derive(Clone, Debug)]
struct Player {
    song: usize,
    queue: Vec<usize>,
    /// Whether it plays, and since when, on the phone's clock.
    since: Option<u64>,
    /// Seconds that were heard before that.
    heard: u32,
}

#[derive(Clone, Debug)]
pub struct Music {
    songs: Vec<Song>,
    lists: Vec<Playlist>,
    kept: BTreeSet<usize>,
    player: Option<Player>,
    shuffle: bool,
    repeat: bool,
}

#[derive(Clone, Debug)]
pub enum Message {
    /// Plays a song, and then those after it.
    Play(usize, Vec<usize>),
    Toggle,
    Skip(i32),
    Shuffle,
    Repeat,
    Keep(usize),
    Hold(usize),
    PlayNext(usize),
    AddTo(usize, usize),
    HoldIn(usize, usize),
    RemoveFrom(usize, usize),
    NewList,
    AskToDelete(usize),
    Delete(usize),
}

fn open(page: Page) -> Command {
    Effect::Open(page).into()
}

fn time(seconds: u32) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

impl Music {
    /// Draws songs and a playlist.
    pub fn new(seed: u64, language: Language) -> Music {
        let mut dice = Dice::named(seed, "music");
        let mut names: Vec<(usize, usize)> =
            (0..FIRST.len()).flat_map(|first| (0..SECOND.len()).map(move |second| (first, second))).collect();
        dice.shuffle(&mut names);
        let mut songs: Vec<Song> = names
            .into_iter()
            .take(LENGTH)
            .map(|(first, second)| {
                let (first, second) = (language.say(FIRST[first]), language.say(SECOND[second]));
                let space = if language == Language::English { " " } else { "" };
                Song {
                    title: format!("{first}{space}{second}"),
                    artist: language.say(*dice.pick(&ARTISTS)).to_owned(),
                    seconds: 120 + dice.below(200) as u32,
                    cover: Picture::new(Subject::Cover, dice.below(1 << 20) as u32),
                }
            })
            .collect();
        songs.sort_by(|one, two| one.title.cmp(&two.title));
        let list = |name: Phrase, dice: &mut Dice| Playlist {
            name: language.say(name).to_owned(),
            songs: (0..4 + dice.below(6)).map(|_| dice.below(LENGTH)).collect::<BTreeSet<_>>().into_iter().collect(),
        };
        let lists = vec![list(phrase("Morning", "早晨"), &mut dice), list(phrase("On the train", "火车上"), &mut dice)];
        Music { songs, lists, kept: BTreeSet::new(), player: None, shuffle: false, repeat: false }
    }

    fn place_of(&self, title: &str) -> Option<usize> {
        self.songs.iter().position(|song| song.title == title)
    }

    fn titles<'a>(&self, songs: impl Iterator<Item = &'a usize>) -> String {
        joined(songs.map(|at| &self.songs[*at].title))
    }

    fn play(&mut self, song: usize, queue: Vec<usize>, now: u64) {
        self.player = Some(Player { song, queue, since: Some(now), heard: 0 });
    }

    /// The song that is heard now and the second of it, after those that have ended by themselves.
    fn now(&self, clock: u64) -> Option<(usize, u32)> {
        let player = self.player.as_ref()?;
        let played = player.since.map_or(0, |since| clock.saturating_sub(since) as u32);
        let (mut song, mut second) = (player.song, player.heard + played);
        // Some thousand songs are days.
        for _ in 0..2000 {
            let length = self.songs[song].seconds;
            if second < length {
                return Some((song, second));
            }
            second -= length;
            song = if self.repeat { song } else { next(&player.queue, song, 1) };
        }
        Some((song, 0))
    }

    fn toggle(&mut self, clock: u64) {
        let Some((song, second)) = self.now(clock) else { return };
        if let Some(player) = &mut self.player {
            (player.song, player.heard) = (song, second);
            player.since = if player.since.is_some() { None } else { Some(clock) };
        }
    }

    fn skip(&mut self, by: i32, clock: u64) {
        let Some((song, _)) = self.now(clock) else { return };
        let shuffle = self.shuffle;
        if let Some(player) = &mut self.player {
            // Shuffled, but the same each time: seven on.
            player.song = next(&player.queue, song, if shuffle { 7 * by } else { by });
            player.heard = 0;
            player.since = player.since.map(|_| clock);
        }
    }

    fn new_list(&mut self, context: &Context<'_>) -> Vec<Effect> {
        let name = context.trimmed(&NAME_FIELD).to_owned();
        if name.is_empty() || self.lists.iter().any(|list| list.name == name) {
            return Vec::new();
        }
        self.lists.push(Playlist { name, songs: Vec::new() });
        vec![Effect::Write(NAME_FIELD, String::new()), Effect::Close]
    }

    fn rows(&self, songs: &[usize], hold: impl Fn(usize) -> Command, ui: &mut Ui, top: f32) {
        ui.list(songs.len(), top, |ui, i, y| {
            let song = &self.songs[songs[i]];
            let end = time(song.seconds);
            let row = Row {
                id: "song",
                lead: Lead::Icon(Icon::Note, 0x7C5CFC),
                title: &song.title,
                second: &song.artist,
                end: End::Text(&end),
                tap: Some(send(Message::Play(songs[i], songs.to_vec()))),
                hold: Some(hold(i)),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_main(&self, context: &Context<'_>, ui: &mut Ui) {
        let title = ui.say(MUSIC);
        ui.title_bar(title, false, &[(Icon::Search, SEARCH, open(Page::new("search")))]);
        bottom_bar(ui, "main");
        self.view_mini(context, ui);
        let all: Vec<usize> = (0..self.songs.len()).collect();
        self.rows(&all, |i| send(Message::Hold(i)), ui, 2.0 * ROW);
    }

    /// What is heard, at the lower edge of the page.
    fn view_mini(&self, context: &Context<'_>, ui: &mut Ui) {
        let Some((at, second)) = self.now(context.clock) else { return };
        let song = &self.songs[at];
        ui.bottom -= ROW;
        let top = ui.bottom;
        let (ink, faint, card) = (ui.theme.ink, ui.theme.faint, ui.theme.card);
        let rect = ui.rect(0.0, top, 540.0, ROW);
        let node = ui.add(Class::Row, "mini", rect);
        node.tap = Some(open(Page::new("player")));
        node.shapes.push(crate::ui::Shape::Fill { rect, radius: 0.0, color: card });
        ui.inside(|ui| {
            ui.picture((18.0, top + 14.0, 64.0, 64.0), song.cover, 12.0, "");
            ui.label("title", &song.title, (98.0, top + 30.0), 310.0, Style::new(28.0, ink));
            ui.label("artist", &song.artist, (98.0, top + 64.0), 310.0, Style::new(23.0, faint));
            let (icon, desc) = self.state();
            ui.icon_button("toggle", desc, icon, (480.0, top + ROW / 2.0), ink, send(Message::Toggle));
            ui.progress((0.0, top, 540.0), second as f32 / song.seconds as f32);
        });
    }

    /// What the button in the middle does.
    fn state(&self) -> (Icon, Phrase) {
        let plays = self.player.as_ref().is_some_and(|player| player.since.is_some());
        if plays { (Icon::Pause, PAUSE) } else { (Icon::Play, PLAY) }
    }

    fn view_player(&self, context: &Context<'_>, ui: &mut Ui) {
        let Some((at, second)) = self.now(context.clock) else { return };
        let song = &self.songs[at];
        let star = if self.kept.contains(&at) { Icon::StarFull } else { Icon::Star };
        let title = ui.say(MUSIC);
        ui.title_bar(title, true, &[(star, FAVOURITE, send(Message::Keep(at)))]);
        let (ink, faint, accent) = (ui.theme.ink, ui.theme.faint, ui.theme.accent);
        ui.picture((90.0, 2.2 * ROW, 360.0, 360.0), song.cover, 28.0, &song.title);
        let bold = Style { bold: true, centered: true, ..Style::new(36.0, ink) };
        ui.label("title", &song.title, (EDGE, 6.6 * ROW), MEASURE, bold);
        let style = Style { centered: true, ..Style::new(28.0, faint) };
        ui.label("artist", &song.artist, (EDGE, 7.1 * ROW), MEASURE, style);
        ui.progress((EDGE, 7.6 * ROW, MEASURE), second as f32 / song.seconds as f32);
        ui.label("second", &time(second), (EDGE, 7.95 * ROW), 120.0, Style::new(24.0, faint));
        ui.label_right("length", &time(song.seconds), EDGE + MEASURE, 7.95 * ROW, Style::new(24.0, faint));
        let middle = 8.8 * ROW;
        let (icon, desc) = self.state();
        ui.icon_button("previous", PREVIOUS, Icon::Previous, (150.0, middle), ink, send(Message::Skip(-1)));
        ui.icon_button("toggle", desc, icon, (270.0, middle), accent, send(Message::Toggle));
        ui.icon_button("next", NEXT, Icon::Next, (390.0, middle), ink, send(Message::Skip(1)));
        let color = |on: bool| if on { accent } else { faint };
        ui.icon_button("shuffle", SHUFFLE, Icon::Shuffle, (60.0, middle), color(self.shuffle), send(Message::Shuffle));
        ui.icon_button("repeat", REPEAT, Icon::Repeat, (480.0, middle), color(self.repeat), send(Message::Repeat));
    }

    fn view_lists(&self, song: Option<usize>, ui: &mut Ui) {
        let title = ui.say(if song.is_some() { ADD_TO_PLAYLIST } else { PLAYLISTS });
        ui.title_bar(title, song.is_some(), &[(Icon::Plus, NEW_PLAYLIST, open(Page::new("new")))]);
        if song.is_none() {
            bottom_bar(ui, "lists");
        }
        ui.list(self.lists.len(), 2.0 * ROW, |ui, i, y| {
            let list = &self.lists[i];
            let tap = song.map_or_else(|| open(Page::of("list", i)), |song| send(Message::AddTo(song, i)));
            let row = Row {
                id: "playlist",
                lead: Lead::Icon(Icon::Menu, 0x7C5CFC),
                title: &list.name,
                second: &ui.say_with(COUNT, &list.songs.len().to_string()),
                end: End::Chevron,
                tap: Some(tap),
                ..Row::default()
            };
            ui.row(y, row);
        });
    }

    fn view_list(&self, at: usize, context: &Context<'_>, ui: &mut Ui) {
        let Some(list) = self.lists.get(at) else { return };
        ui.title_bar(&list.name, true, &[(Icon::Bin, DELETE, send(Message::AskToDelete(at)))]);
        if list.songs.is_empty() {
            let text = ui.say(NOTHING_HERE);
            return ui.notice(Icon::Note, text, None);
        }
        self.view_mini(context, ui);
        self.rows(&list.songs, |i| send(Message::HoldIn(at, i)), ui, 2.0 * ROW);
    }

    fn view_found(&self, context: &Context<'_>, ui: &mut Ui) {
        ui.search_bar(true, SEARCH_SONGS, SEARCH_FIELD, context.field(&SEARCH_FIELD));
        let query = context.trimmed(&SEARCH_FIELD);
        let is_meant = |at: &usize| matches(&self.songs[*at].title, query) || matches(&self.songs[*at].artist, query);
        let found: Vec<usize> = (0..self.songs.len()).filter(is_meant).collect();
        if found.is_empty() {
            let (text, faint) = (ui.say(NOTHING_FOUND), ui.theme.faint);
            ui.label("empty", text, (36.0, 2.6 * ROW), 460.0, Style::new(30.0, faint));
        }
        self.rows(&found, |i| send(Message::Hold(found[i])), ui, 2.0 * ROW + 8.0);
    }

    fn view_kept(&self, context: &Context<'_>, ui: &mut Ui) {
        let title = ui.say(FAVOURITES);
        ui.title_bar(title, false, &[]);
        bottom_bar(ui, "kept");
        if self.kept.is_empty() {
            let text = ui.say(NOTHING_HERE);
            return ui.notice(Icon::Star, text, None);
        }
        self.view_mini(context, ui);
        let kept: Vec<usize> = self.kept.iter().copied().collect();
        self.rows(&kept, |i| send(Message::Hold(kept[i])), ui, 2.0 * ROW);
    }
}

fn bottom_bar(ui: &mut Ui, on: &str) {
    ui.bottom_bar(&[
        (Icon::Note, SONGS, on == "main", open(Page::new("main"))),
        (Icon::Menu, PLAYLISTS, on == "lists", open(Page::new("lists"))),
        (Icon::Star, FAVOURITES, on == "kept", open(Page::new("kept"))),
    ]);
}

/// The song so many after another one of a queue, which goes round.
fn next(queue: &[usize], song: usize, by: i32) -> usize {
    let Some(at) = queue.iter().position(|queued| *queued == song) else {
        return queue.first().copied().unwrap_or(song);
    };
    queue[(at as i32 + by).rem_euclid(queue.len() as i32) as usize]
}

fn menu(language: Language, items: Vec<(Phrase, Command)>) -> Vec<Effect> {
    let item = |(label, command)| MenuItem { label: language.say(label), command };
    vec![Effect::Menu(items.into_iter().map(item).collect())]
}

impl App for Music {
    type Message = Message;

    fn manifest(&self) -> Manifest {
        Manifest {
            package: "com.android.music",
            activity: ".MusicActivity",
            label: MUSIC,
            icon: Icon::Note,
            color: 0x7C5CFC,
        }
    }

    fn view(&self, page: &Page, context: &Context<'_>, _: &Providers, ui: &mut Ui) {
        match page.name {
            "player" => self.view_player(context, ui),
            "lists" => self.view_lists(None, ui),
            "add" => self.view_lists(page.number(), ui),
            "list" => self.view_list(page.number().unwrap_or(0), context, ui),
            "kept" => self.view_kept(context, ui),
            "search" => self.view_found(context, ui),
            "new" => {
                let title = ui.say(NEW_PLAYLIST);
                ui.title_bar(title, true, &[(Icon::Check, SAVE, send(Message::NewList))]);
                let (state, top) = (context.field(&NAME_FIELD), 2.0 * ROW + 10.0);
                let (field, hint, height) = (NAME_FIELD, NAME, ROW - 20.0);
                ui.field(TextField { id: "name", hint, field, state, left: 18.0, top, width: 504.0, height });
            }
            _ => self.view_main(context, ui),
        }
    }

    fn update(&mut self, message: Message, context: &Context<'_>, _: &mut Providers) -> Vec<Effect> {
        let language = context.language;
        match message {
            Message::Play(song, queue) => {
                self.play(song, queue, context.clock);
                return vec![Effect::Open(Page::new("player"))];
            }
            Message::Toggle => self.toggle(context.clock),
            Message::Skip(by) => self.skip(by, context.clock),
            Message::Shuffle => self.shuffle = !self.shuffle,
            Message::Repeat => self.repeat = !self.repeat,
            Message::Keep(song) => {
                if !self.kept.insert(song) {
                    self.kept.remove(&song);
                }
            }
            Message::Hold(song) => {
                let items = vec![
                    (FAVOURITE, send(Message::Keep(song))),
                    (ADD_TO_PLAYLIST, open(Page::of("add", song))),
                    (PLAY_NEXT, send(Message::PlayNext(song))),
                ];
                return menu(language, items);
            }
            Message::PlayNext(song) => {
                if let Some(player) = &mut self.player {
                    player.queue.retain(|queued| *queued != song || *queued == player.song);
                    let at = player.queue.iter().position(|queued| *queued == player.song).map_or(0, |at| at + 1);
                    player.queue.insert(at, song);
                }
            }
            Message::AddTo(song, list) => {
                if let Some(list) = self.lists.get_mut(list).filter(|list| !list.songs.contains(&song)) {
                    list.songs.push(song);
                }
                return vec![Effect::Close, Effect::Toast(language.say(ADDED).into())];
            }
            Message::HoldIn(list, at) => return menu(language, vec![(REMOVE, send(Message::RemoveFrom(list, at)))]),
            Message::RemoveFrom(list, at) => {
                if let Some(list) = self.lists.get_mut(list).filter(|list| at < list.songs.len()) {
                    list.songs.remove(at);
                }
            }
            Message::NewList => return self.new_list(context),
            Message::AskToDelete(list) => {
                return vec![Effect::ask(Question {
                    title: language.say(DELETE_LIST).into(),
                    text: language.say(FOR_GOOD).into(),
                    yes: language.say(DELETE),
                    then: send(Message::Delete(list)),
                })];
            }
            Message::Delete(list) => {
                if list < self.lists.len() {
                    self.lists.remove(list);
                }
                return vec![Effect::Close];
            }
        }
        Vec::new()
    }

    fn on_open(&mut self, page: &Page, _: &Providers) -> Vec<Effect> {
        match page.name {
            "search" => vec![Effect::Write(SEARCH_FIELD, String::new()), Effect::Focus(SEARCH_FIELD)],
            "new" => vec![Effect::Focus(NAME_FIELD)],
            _ => Vec::new(),
        }
    }

    fn enter(&self, field: &FieldId) -> Option<Command> {
        Some(if field.name == "name" { send(Message::NewList) } else { Command::Back })
    }

    fn facts(&self, _: &Providers, facts: &mut Facts) {
        let song = self.player.as_ref().map_or("", |player| &self.songs[player.song].title);
        let plays = self.player.as_ref().is_some_and(|player| player.since.is_some());
        facts.insert("music.song".into(), song.to_owned());
        facts.insert("music.plays".into(), plays.to_string());
        facts.insert("music.shuffle".into(), self.shuffle.to_string());
        facts.insert("music.repeat".into(), self.repeat.to_string());
        facts.insert("music.songs".into(), joined(self.songs.iter().map(|song| &song.title)));
        facts.insert("music.favourites".into(), self.titles(self.kept.iter()));
        facts.insert("music.playlists".into(), joined(self.lists.iter().map(|list| &list.name)));
        for list in &self.lists {
            facts.insert(format!("music.playlist.{}", list.name.replace('.', " ")), self.titles(list.songs.iter()));
        }
    }

    /// `music.favourites`, `music.playlist.NAME` (made if it is not there), `music.shuffle`, `music.repeat`.
    fn set_fact(&mut self, name: &[&str], value: &str, _: &mut Providers) -> Option<Result<(), String>> {
        let songs = |music: &Music| places_of(value, |title| music.place_of(title));
        Some(match name {
            ["music", "favourites"] => songs(self).map(|list| self.kept = list.into_iter().collect()),
            ["music", "playlist", name] => songs(self).map(|songs| {
                self.lists.retain(|list| list.name != *name);
                self.lists.push(Playlist { name: (*name).to_owned(), songs });
            }),
            ["music", "shuffle"] => truth(value).map(|on| self.shuffle = on),
            ["music", "repeat"] => truth(value).map(|on| self.repeat = on),
            _ => return None,
        })
    }
}
