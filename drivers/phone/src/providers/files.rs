//! The files on the phone: documents, downloads, sounds and photos, which several apps show. What is deleted lies in a bin first.

use crate::atlas::CITIES;
use crate::dice::Dice;
use crate::locale::{Language, Phrase, phrase};
use crate::picture::{Picture, Subject};

/// The folders that every phone has.
pub const FOLDERS: [Phrase; 4] =
    [phrase("Documents", "文档"), phrase("Download", "下载"), phrase("Music", "音乐"), phrase("Pictures", "图片")];
const DOCUMENTS: usize = 0;
const DOWNLOAD: usize = 1;
const SOUNDS: usize = 2;
const PICTURES: usize = 3;

/// A name has so many characters at most.
const NAME_MAX: usize = 60;
/// So many files and folders there can be.
const FILES_MAX: usize = 500;
const FOLDERS_MAX: usize = 60;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    Text(String),
    /// A picture and where it was taken; empty if nobody knows.
    Photo(Picture, String),
    /// So many seconds of it.
    Sound(u32),
    /// What no app of the phone opens.
    Archive,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// No other file's, as long as the phone lives.
    pub id: usize,
    pub name: String,
    pub folder: String,
    pub content: FileContent,
    pub kilobytes: u32,
    /// Minutes after the world began; earlier ones are negative.
    pub minute: i32,
    pub is_in_bin: bool,
}

impl StoredFile {
    /// Its name without what says of which kind it is.
    pub fn title(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(title, _)| title)
    }

    /// The picture, if it is a photo.
    pub fn picture(&self) -> Option<Picture> {
        match &self.content {
            FileContent::Photo(picture, _) => Some(*picture),
            FileContent::Text(_) | FileContent::Sound(_) | FileContent::Archive => None,
        }
    }

    /// How large it is, in words.
    pub fn size(&self) -> String {
        match self.kilobytes {
            0..1000 => format!("{} KB", self.kilobytes),
            _ => format!("{}.{} MB", self.kilobytes / 1000, self.kilobytes % 1000 / 100),
        }
    }
}

/// Why a file was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The name is empty, too long, or has a character that names do not have.
    BadName,
    /// There is something of that name.
    NameTaken,
    StorageFull,
}

impl FileError {
    /// What its owner is told.
    pub fn message(self) -> Phrase {
        match self {
            FileError::BadName => phrase("This name cannot be used", "名称无法使用"),
            FileError::NameTaken => phrase("There is such a name", "已有相同名称"),
            FileError::StorageFull => phrase("Storage is full. Empty the bin.", "存储已满，请清空回收站。"),
        }
    }
}

/// All files and folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    pub list: Vec<StoredFile>,
    pub folders: Vec<String>,
    /// Whether nothing more can be written.
    pub is_full: bool,
    next: usize,
}

/// Documents: a name and what they say. `{}` is a number that is drawn.
const TEXTS: [(Phrase, Phrase); 20] = [
    (
        phrase("Packing list", "行李清单"),
        phrase("Passport, charger, {} shirts, a rain coat.", "证件，充电器，{}件衣服，雨衣。"),
    ),
    (phrase("Flat contract", "租房合同"), phrase("The rent is ¥{}00 a month.", "每月租金{}00元。")),
    (phrase("Recipe dumplings", "饺子做法"), phrase("Let them boil for {} minutes.", "煮{}分钟。")),
    (phrase("Meeting minutes", "会议纪要"), phrase("We meet again in {} days.", "{}天后再次开会。")),
    (phrase("Travel plan", "旅行计划"), phrase("The hotel is {} minutes from the station.", "酒店离车站{}分钟。")),
    (phrase("Wifi at home", "家里的网络"), phrase("The router stands on shelf {}.", "路由器在第{}层架子上。")),
    (phrase("Running table", "跑步记录"), phrase("The longest run was {} kilometres.", "最长一次跑了{}公里。")),
    (phrase("Insurance", "保险单"), phrase("The number of the contract is 40{}.", "合同编号是40{}。")),
    (phrase("Garden notes", "花园笔记"), phrase("Water the roses every {} days.", "每{}天给花浇水。")),
    (phrase("Book list", "书单"), phrase("There are {} books that I want to read.", "想读的书有{}本。")),
    (phrase("Bike repair", "自行车维修"), phrase("The bill was ¥{}.", "费用是{}元。")),
    (phrase("School letter", "学校通知"), phrase("The class trip costs ¥{}.", "班级出游费用{}元。")),
    (phrase("Moving list", "搬家清单"), phrase("{} boxes are in the cellar.", "地下室有{}个箱子。")),
    (phrase("Tax papers", "税务文件"), phrase("Hand it in within {} weeks.", "请在{}周内提交。")),
    (phrase("Birthday plan", "生日计划"), phrase("{} people are invited.", "邀请了{}位客人。")),
    (phrase("Power bill", "电费单"), phrase("You owe ¥{} for this month.", "本月应付{}元。")),
    (phrase("Course work", "课程作业"), phrase("Read chapter {} until Monday.", "周一前读第{}章。")),
    (phrase("Train notes", "火车笔记"), phrase("The best seat is in car {}.", "最好的座位在{}号车厢。")),
    (phrase("Camera manual", "相机说明"), phrase("The battery lasts for {} hours.", "电池可用{}小时。")),
    (phrase("Menu card", "菜单"), phrase("The soup costs ¥{}.", "汤的价格是{}元。")),
];
const ARCHIVES: [Phrase; 6] = [
    phrase("Backup", "备份"),
    phrase("Fonts", "字体"),
    phrase("Holiday pack", "假期素材"),
    phrase("Maps pack", "地图包"),
    phrase("Old letters", "旧信件"),
    phrase("Game levels", "游戏关卡"),
];
const RECORDINGS: [Phrase; 6] = [
    phrase("Interview", "采访录音"),
    phrase("Bird song", "鸟叫声"),
    phrase("Piano lesson", "钢琴课"),
    phrase("Voice note", "语音备忘"),
    phrase("Rain sound", "雨声"),
    phrase("Choir practice", "合唱练习"),
];
/// Photos that are of no place.
const SCENES: [(Phrase, Subject); 14] = [
    (phrase("Cat", "猫"), Subject::Cat),
    (phrase("Kitten", "小猫"), Subject::Cat),
    (phrase("Lunch", "午饭"), Subject::Meal),
    (phrase("Dinner", "晚饭"), Subject::Meal),
    (phrase("Coffee", "咖啡"), Subject::Coffee),
    (phrase("Roses", "玫瑰花"), Subject::Flower),
    (phrase("Balcony flower", "阳台的花"), Subject::Flower),
    (phrase("First snow", "初雪"), Subject::Snow),
    (phrase("Way home", "回家的路"), Subject::Street),
    (phrase("Night lights", "夜景"), Subject::Skyline),
    (phrase("Beach day", "海滩"), Subject::Sea),
    (phrase("New shoes", "新鞋"), Subject::Shoe),
    (phrase("Old station", "老车站"), Subject::Station),
    (phrase("Passport photo", "证件照"), Subject::Portrait),
];

impl Files {
    /// Draws documents, sounds and photos.
    pub fn new(seed: u64, language: Language) -> Files {
        let mut dice = Dice::named(seed, "files");
        let folders = FOLDERS.iter().map(|folder| language.say(*folder).to_owned()).collect();
        let mut files = Files { list: Vec::new(), folders, is_full: false, next: 0 };
        let mut texts = TEXTS.to_vec();
        dice.shuffle(&mut texts);
        for (i, (name, text)) in texts.into_iter().take(14).enumerate() {
            let text = language.say_with(text, &(2 + dice.below(90)).to_string());
            let name = format!("{}.{}", language.say(name), if dice.chance(60) { "txt" } else { "pdf" });
            let folder = if i < 9 { DOCUMENTS } else { DOWNLOAD };
            files.draw(&mut dice, name, folder, FileContent::Text(text), 4..900);
        }
        for (names, folder, ending) in [(ARCHIVES, DOWNLOAD, "zip"), (RECORDINGS, SOUNDS, "mp3")] {
            let mut names = names.to_vec();
            dice.shuffle(&mut names);
            for name in names.into_iter().take(4) {
                let name = format!("{}.{ending}", language.say(name));
                let sound = FileContent::Sound(20 + dice.below(900) as u32);
                let content = if folder == SOUNDS { sound } else { FileContent::Archive };
                files.draw(&mut dice, name, folder, content, 900..90_000);
            }
        }
        files.draw_photos(&mut dice, language);
        files
    }

    /// Sights of a few cities, and what one meets every day.
    fn draw_photos(&mut self, dice: &mut Dice, language: Language) {
        let mut photos: Vec<(&str, Subject, &str)> = Vec::new();
        let mut cities: Vec<usize> = (0..CITIES.len()).collect();
        dice.shuffle(&mut cities);
        for city in cities.into_iter().take(5) {
            let city = &CITIES[city];
            let mut sights = city.attractions.to_vec();
            dice.shuffle(&mut sights);
            photos.extend(
                sights.iter().take(4).map(|sight| (language.say(sight.name), sight.subject, language.say(city.name))),
            );
        }
        let mut scenes = SCENES.to_vec();
        dice.shuffle(&mut scenes);
        photos.extend(scenes.iter().take(10).map(|(name, subject)| (language.say(*name), *subject, "")));
        for (name, subject, place) in photos {
            let picture = Picture::new(subject, dice.below(1 << 20) as u32);
            let name = format!("{name}.jpg");
            // Two cities may have a sight of the same name.
            if self.list.iter().all(|file| file.name != name) {
                self.draw(dice, name, PICTURES, FileContent::Photo(picture, place.to_owned()), 900..6000);
            }
        }
    }

    fn draw(
        &mut self,
        dice: &mut Dice,
        name: String,
        folder: usize,
        content: FileContent,
        kilobytes: std::ops::Range<u32>,
    ) {
        let folder = self.folders[folder].clone();
        let minute = -(30 + dice.below(40 * 1440) as i32);
        let kilobytes = kilobytes.start + dice.below((kilobytes.end - kilobytes.start) as usize) as u32;
        self.push(StoredFile { id: 0, name, folder, content, kilobytes, minute, is_in_bin: false });
    }

    fn push(&mut self, file: StoredFile) -> usize {
        let id = self.next;
        self.next += 1;
        self.list.push(StoredFile { id, ..file });
        id
    }

    /// A file by its number.
    pub fn get(&self, id: usize) -> Option<&StoredFile> {
        self.list.iter().find(|file| file.id == id)
    }

    fn get_mut(&mut self, id: usize) -> Option<&mut StoredFile> {
        self.list.iter_mut().find(|file| file.id == id)
    }

    /// A file outside of the bin by its folder and name.
    pub fn named(&self, folder: &str, name: &str) -> Option<&StoredFile> {
        self.list.iter().find(|file| !file.is_in_bin && file.folder == folder && file.name == name)
    }

    /// The files of a folder, by name.
    pub fn in_folder(&self, folder: &str) -> Vec<&StoredFile> {
        let mut files: Vec<&StoredFile> =
            self.list.iter().filter(|file| !file.is_in_bin && file.folder == folder).collect();
        files.sort_by(|one, two| one.name.cmp(&two.name));
        files
    }

    /// The photos, the latest first.
    pub fn photos(&self) -> Vec<&StoredFile> {
        let mut photos: Vec<&StoredFile> =
            self.list.iter().filter(|file| !file.is_in_bin && file.picture().is_some()).collect();
        photos.sort_by_key(|file| (std::cmp::Reverse(file.minute), file.id));
        photos
    }

    /// What lies in the bin.
    pub fn bin(&self) -> Vec<&StoredFile> {
        self.list.iter().filter(|file| file.is_in_bin).collect()
    }

    /// The folder of photos.
    pub fn pictures(&self) -> String {
        self.folders.get(PICTURES).cloned().unwrap_or_default()
    }

    /// The folder of documents.
    pub fn documents(&self) -> String {
        self.folders.get(DOCUMENTS).cloned().unwrap_or_default()
    }

    /// Whether a folder is one of those that stay.
    pub fn is_fixed(&self, folder: &str) -> bool {
        self.folders.iter().take(FOLDERS.len()).any(|fixed| fixed == folder)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// If it cannot be called that, or there is no room.
    pub fn add(&mut self, folder: &str, name: &str, content: FileContent, minute: i32) -> Result<usize, FileError> {
        self.check_room()?;
        self.check_name(folder, name, None)?;
        let kilobytes = match &content {
            FileContent::Text(text) => 1 + text.len() as u32 / 1000,
            FileContent::Photo(..) => 2400,
            FileContent::Sound(seconds) => 16 * seconds,
            FileContent::Archive => 900,
        };
        let (name, folder) = (name.to_owned(), folder.to_owned());
        if !self.folders.contains(&folder) {
            self.folders.push(folder.clone());
        }
        Ok(self.push(StoredFile { id: 0, name, folder, content, kilobytes, minute, is_in_bin: false }))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// If it cannot be called that, or there is no room.
    pub fn add_folder(&mut self, name: &str) -> Result<(), FileError> {
        self.check_room()?;
        if !is_name(name) {
            return Err(FileError::BadName);
        }
        if self.folders.iter().any(|folder| folder == name) {
            return Err(FileError::NameTaken);
        }
        if self.folders.len() >= FOLDERS_MAX {
            return Err(FileError::StorageFull);
        }
        self.folders.push(name.to_owned());
        Ok(())
    }

    /// Takes a folder away; what was in it lies in the bin.
    pub fn remove_folder(&mut self, name: &str) {
        if !self.is_fixed(name) {
            self.folders.retain(|folder| folder != name);
            for file in self.list.iter_mut().filter(|file| file.folder == name) {
                file.is_in_bin = true;
            }
        }
    }

    /// Calls a file something else.
    ///
    /// # Errors
    /// If it cannot be called that.
    pub fn rename(&mut self, id: usize, name: &str) -> Result<(), FileError> {
        let Some(folder) = self.get(id).map(|file| file.folder.clone()) else { return Ok(()) };
        self.check_name(&folder, name, Some(id))?;
        if let Some(file) = self.get_mut(id) {
            file.name = name.to_owned();
        }
        Ok(())
    }

    /// Moves a file to a folder.
    ///
    /// # Errors
    /// If there is one of its name.
    pub fn move_to(&mut self, id: usize, folder: &str) -> Result<(), FileError> {
        let Some(name) = self.get(id).map(|file| file.name.clone()) else { return Ok(()) };
        self.check_name(folder, &name, Some(id))?;
        if let Some(file) = self.get_mut(id) {
            file.folder = folder.to_owned();
        }
        Ok(())
    }

    /// Makes a second one of a file in a folder, under a name that is free.
    ///
    /// # Errors
    /// If there is no room.
    pub fn copy_to(&mut self, id: usize, folder: &str, minute: i32) -> Result<(), FileError> {
        self.check_room()?;
        let Some(file) = self.get(id).cloned() else { return Ok(()) };
        let (title, ending) = file.name.rsplit_once('.').unwrap_or((&file.name, ""));
        let dot = if ending.is_empty() { "" } else { "." };
        let numbered = (1..=FILES_MAX).map(|number| format!("{title} ({number}){dot}{ending}"));
        let free = std::iter::once(file.name.clone()).chain(numbered).find(|name| self.named(folder, name).is_none());
        let name = free.ok_or(FileError::NameTaken)?;
        self.push(StoredFile { name, folder: folder.to_owned(), minute, is_in_bin: false, ..file });
        Ok(())
    }

    /// Puts a file into the bin.
    pub fn delete(&mut self, id: usize) {
        if let Some(file) = self.get_mut(id) {
            file.is_in_bin = true;
        }
    }

    /// Takes a file out of the bin, to where it was.
    ///
    /// # Errors
    /// If there is one of its name.
    pub fn restore(&mut self, id: usize) -> Result<(), FileError> {
        let Some(file) = self.get(id).cloned() else { return Ok(()) };
        if self.named(&file.folder, &file.name).is_some() {
            return Err(FileError::NameTaken);
        }
        if !self.folders.contains(&file.folder) {
            self.folders.push(file.folder);
        }
        if let Some(file) = self.get_mut(id) {
            file.is_in_bin = false;
        }
        Ok(())
    }

    /// Deletes a file of the bin for good.
    pub fn erase(&mut self, id: usize) {
        self.list.retain(|file| file.id != id || !file.is_in_bin);
        self.is_full = false;
    }

    /// Deletes all that lies in the bin for good.
    pub fn empty_bin(&mut self) {
        self.list.retain(|file| !file.is_in_bin);
        self.is_full = false;
    }

    fn check_room(&self) -> Result<(), FileError> {
        if self.is_full || self.list.len() >= FILES_MAX { Err(FileError::StorageFull) } else { Ok(()) }
    }

    fn check_name(&self, folder: &str, name: &str, of: Option<usize>) -> Result<(), FileError> {
        if !is_name(name) {
            return Err(FileError::BadName);
        }
        match self.named(folder, name) {
            Some(file) if Some(file.id) != of => Err(FileError::NameTaken),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether something can be called that: facts are lists with semicolons, and paths have strokes.
fn is_name(name: &str) -> bool {
    let is_plain = |character: char| !character.is_control() && !"/;|".contains(character);
    !name.trim().is_empty() && name.chars().count() <= NAME_MAX && name.chars().all(is_plain)
}
