//! Keys: the layout that the server has, and keys without a meaning that are borrowed for characters which no key of it types.
//!
//! A program looks up what a key means when it gets to it, which may be later than the key was pressed. So a borrowed key keeps its
//! meaning until every program has read what was typed with it, and is given back at the end.

use std::collections::BTreeSet;

use tapwright_contract::device::DriverErrorKind;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, KeyButMask, PropMode, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

use super::server::{Fault, Link};
use crate::desktop::keysyms::{self, NO_SYMBOL};

/// Keys that are borrowed, and the layout as it was last read.
#[derive(Default)]
pub(crate) struct Keyboard {
    layout: Option<Layout>,
    /// The one that was borrowed first comes first.
    borrowed: Vec<BorrowedKey>,
    /// Whether keys for music and the like may be borrowed too: on a desktop of ours nobody waits for them.
    borrows_media_keys: bool,
}

struct Layout {
    first: u8,
    /// How many symbols a key has.
    columns: usize,
    symbols: Vec<u32>,
    modifiers: BTreeSet<u8>,
}

struct BorrowedKey {
    code: u8,
    symbol: u32,
    original: Vec<u32>,
    /// Whether it was pressed, and it is not known that everybody has read that.
    is_unread: bool,
}

/// A key, and what has to be held with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    code: u8,
    shift: bool,
    level_3: bool,
}

impl Keyboard {
    pub fn new(borrows_media_keys: bool) -> Keyboard {
        Keyboard { borrows_media_keys, ..Keyboard::default() }
    }

    /// Somebody has changed the layout.
    pub fn outdate(&mut self) {
        self.layout = None;
    }

    /// Everybody has read what was typed.
    pub fn was_read(&mut self) {
        self.borrowed.iter_mut().for_each(|key| key.is_unread = false);
    }
}

impl Layout {
    fn keys(&self) -> impl Iterator<Item = (u8, &[u32])> {
        (self.first..=u8::MAX).zip(self.symbols.chunks_exact(self.columns.max(1)))
    }

    /// Where a symbol is, if the keyboard has changed over to that one of its groups of letters.
    fn position(&self, symbol: u32, group: usize) -> Option<Position> {
        // As the core protocol has them: two levels each of two groups, then the third and fourth level of the first.
        let levels: &[(usize, bool, bool)] = match group {
            0 => &[(0, false, false), (1, true, false), (4, false, true), (5, true, true)],
            1 => &[(2, false, false), (3, true, false)],
            _ => &[],
        };
        let has_level_3 = self.keys().any(|(_, symbols)| symbols.contains(&keysyms::LEVEL_3));
        levels.iter().filter(|(.., level_3)| has_level_3 || !level_3).find_map(|&(column, shift, level_3)| {
            let (code, _) = self.keys().find(|(_, symbols)| symbols.get(column) == Some(&symbol))?;
            Some(Position { code, shift, level_3 })
        })
    }

    /// Keys without a meaning.
    fn spare(&self, with_media: bool) -> Vec<u8> {
        let is_spare = |symbols: &[u32]| {
            symbols.iter().all(|symbol| *symbol == NO_SYMBOL || with_media && keysyms::is_media(*symbol))
        };
        let spare = self.keys().filter(|(code, symbols)| is_spare(symbols) && !self.modifiers.contains(code));
        spare.map(|(code, _)| code).collect()
    }

    fn symbols_of(&self, code: u8) -> Vec<u32> {
        self.keys().find(|(key, _)| *key == code).map(|(_, symbols)| symbols.to_vec()).unwrap_or_default()
    }
}

/// How a keyboard stands when somebody begins to type.
struct KeyboardState {
    group: usize,
    caps_lock: bool,
}

impl Link {
    fn layout(&mut self) -> Result<&Layout, Fault> {
        if self.keyboard.layout.is_none() {
            let (first, last) = (self.x.setup().min_keycode, self.x.setup().max_keycode);
            let symbols = self.x.get_keyboard_mapping(first, last - first + 1)?;
            let modifiers =
                self.x.get_modifier_mapping()?.reply()?.keycodes.into_iter().filter(|code| *code != 0).collect();
            let symbols = symbols.reply()?;
            let columns = symbols.keysyms_per_keycode.into();
            self.keyboard.layout = Some(Layout { first, columns, symbols: symbols.keysyms, modifiers });
        }
        Ok(self.keyboard.layout.as_ref().expect("it was read"))
    }

    /// Lets go of modifiers that somebody has left pressed, and says how the rest stands.
    fn stance(&mut self) -> Result<KeyboardState, Fault> {
        let pointer = self.x.query_pointer(self.root)?;
        let pressed = self.x.query_keymap()?.reply()?.keys;
        let mask = u16::from(pointer.reply()?.mask);
        let is_pressed = |code: u8| pressed[usize::from(code / 8)] & 1 << (code % 8) != 0;
        let held: Vec<u8> = self.layout()?.modifiers.iter().copied().filter(|code| is_pressed(*code)).collect();
        for code in held {
            self.key(KEY_RELEASE_EVENT, code)?;
        }
        Ok(KeyboardState { group: usize::from(mask >> 13 & 3), caps_lock: mask & u16::from(KeyButMask::LOCK) != 0 })
    }

    fn key(&self, event: u8, code: u8) -> Result<(), Fault> {
        self.x.xtest_fake_input(event, code, 0, self.root, 0, 0, 0)?;
        Ok(())
    }

    fn tap(&self, code: u8) -> Result<(), Fault> {
        self.key(KEY_PRESS_EVENT, code)?;
        self.key(KEY_RELEASE_EVENT, code)
    }

    /// The key that types a symbol, which may be a borrowed one.
    fn position(&mut self, symbol: u32, group: usize) -> Result<Option<Position>, Fault> {
        if let Some(key) = self.keyboard.borrowed.iter().find(|key| key.symbol == symbol) {
            return Ok(Some(Position { code: key.code, shift: false, level_3: false }));
        }
        Ok(self.layout()?.position(symbol, group))
    }

    /// Whether one of the symbols has no key of its own, so that one would be borrowed for it.
    pub fn has_no_keys_for(&mut self, symbols: &[u32]) -> Result<bool, Fault> {
        let group = self.stance()?.group;
        let borrowed: BTreeSet<u32> = self.keyboard.borrowed.iter().map(|key| key.symbol).collect();
        let layout = self.layout()?;
        Ok(symbols.iter().any(|symbol| borrowed.contains(symbol) || layout.position(*symbol, group).is_none()))
    }

    /// Types as many of the symbols as there are keys for, and returns how many that was: fewer than all if keys that are borrowed
    /// have to be read by everybody first.
    ///
    /// # Errors
    /// `Refused` if there is no key that could be borrowed.
    pub fn type_some(&mut self, symbols: &[u32]) -> Result<usize, Fault> {
        let stance = self.stance()?;
        let count = self.borrow_for(symbols, stance.group)?;
        let caps_lock = if stance.caps_lock { self.position(keysyms::CAPS_LOCK, 0)? } else { None };
        let shift = self.position(keysyms::SHIFT, 0)?.map(|position| position.code);
        let level_3 = self.position(keysyms::LEVEL_3, 0)?.map(|position| position.code);
        if let Some(Position { code, .. }) = caps_lock {
            self.tap(code)?;
        }
        let mut held = (false, false);
        for symbol in &symbols[..count] {
            let Some(Position { code, shift: with_shift, level_3: with_level_3 }) =
                self.position(*symbol, stance.group)?
            else {
                return Err(Fault(DriverErrorKind::MalformedResponse {
                    why: "the layout of the keyboard changed".to_owned(),
                }));
            };
            self.hold(&mut held.0, with_shift, shift)?;
            self.hold(&mut held.1, with_level_3, level_3)?;
            self.tap(code)?;
            if let Some(key) = self.keyboard.borrowed.iter_mut().find(|key| key.code == code) {
                key.is_unread = true;
            }
        }
        self.hold(&mut held.0, false, shift)?;
        self.hold(&mut held.1, false, level_3)?;
        if let Some(Position { code, .. }) = caps_lock {
            self.tap(code)?;
        }
        self.sync()?;
        Ok(count)
    }

    fn hold(&self, is: &mut bool, should: bool, code: Option<u8>) -> Result<(), Fault> {
        if let (true, Some(code)) = (*is != should, code) {
            self.key(if should { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, code)?;
            *is = should;
        }
        Ok(())
    }

    /// Presses a key while others are held.
    ///
    /// # Errors
    /// `Refused` if there is no such key and none that could be borrowed.
    pub fn chord(&mut self, held: &[u32], symbol: u32) -> Result<(), Fault> {
        let stance = self.stance()?;
        if self.borrow_for(&[symbol], stance.group)? == 0 {
            return Err(no_spare());
        }
        let Some(key) = self.position(symbol, stance.group)? else { return Err(no_spare()) };
        let mut codes = Vec::new();
        let with = [(key.shift, keysyms::SHIFT), (key.level_3, keysyms::LEVEL_3)];
        for modifier in held.iter().copied().chain(with.iter().filter(|(is, _)| *is).map(|(_, modifier)| *modifier)) {
            codes.push(self.modifier(modifier)?);
        }
        codes.dedup();
        for code in &codes {
            self.key(KEY_PRESS_EVENT, *code)?;
        }
        self.tap(key.code)?;
        for code in codes.iter().rev() {
            self.key(KEY_RELEASE_EVENT, *code)?;
        }
        if let Some(borrowed) = self.keyboard.borrowed.iter_mut().find(|borrowed| borrowed.code == key.code) {
            borrowed.is_unread = true;
        }
        self.sync()
    }

    /// The key of a modifier.
    ///
    /// # Errors
    /// `Refused` if this keyboard has it not.
    pub fn modifier(&mut self, symbol: u32) -> Result<u8, Fault> {
        let position = self.layout()?.position(symbol, 0);
        position
            .map(|position| position.code)
            .ok_or_else(|| Fault::refused("this keyboard lacks a key that was to be held"))
    }

    /// Sees to it that as many of the symbols as can be have keys, from the first on; returns how many.
    fn borrow_for(&mut self, symbols: &[u32], group: usize) -> Result<usize, Fault> {
        let with_media = self.keyboard.borrows_media_keys;
        let mut spare = self.layout()?.spare(with_media);
        spare.retain(|code| self.keyboard.borrowed.iter().all(|key| key.code != *code));
        // One without any meaning stays as it is, to be pressed: also when all others are borrowed, as a program that has not read such a
        // press yet would read a character.
        let has_others = spare.len() > 1 || !self.keyboard.borrowed.is_empty();
        let silent = self.layout()?.spare(false);
        let idle = silent.into_iter().find(|code| has_others && spare.contains(code));
        spare.retain(|code| Some(*code) != idle);
        let mut fresh: Vec<(u8, u32)> = Vec::new();
        let mut count = 0;
        let mut kept: BTreeSet<u8> = BTreeSet::new();
        for symbol in symbols {
            if fresh.iter().any(|(_, is)| is == symbol) {
                count += 1;
                continue;
            }
            // A key that was just taken for an earlier symbol is this one's no more.
            let is_taken = |position: &Position| fresh.iter().any(|(code, _)| *code == position.code);
            if let Some(position) = self.position(*symbol, group)?.filter(|position| !is_taken(position)) {
                kept.insert(position.code);
                count += 1;
                continue;
            }
            let code = spare.pop().or_else(|| {
                let read = |key: &BorrowedKey| !key.is_unread && !kept.contains(&key.code);
                let free = |key: &BorrowedKey| read(key) && fresh.iter().all(|(code, _)| *code != key.code);
                self.keyboard.borrowed.iter().find(|key| free(key)).map(|key| key.code)
            });
            let Some(code) = code else { break };
            fresh.push((code, *symbol));
            count += 1;
        }
        if count == 0 && !symbols.is_empty() && self.keyboard.borrowed.is_empty() {
            return Err(no_spare());
        }
        if !fresh.is_empty() {
            self.remap(&fresh, idle)?;
        }
        Ok(count)
    }

    /// Gives keys new meanings, and has every program told.
    fn remap(&mut self, fresh: &[(u8, u32)], idle: Option<u8>) -> Result<(), Fault> {
        // The layout of the keyboard that was used last counts: a press makes that ours, before its layout is changed and not at the
        // first key that is typed.
        if let Some(code) = idle {
            self.tap(code)?;
        }
        for (code, symbol) in fresh {
            let before = self.keyboard.borrowed.iter().position(|key| key.code == *code);
            let original = match before {
                Some(at) => self.keyboard.borrowed.remove(at).original,
                None => self.layout()?.symbols_of(*code),
            };
            self.keyboard.borrowed.push(BorrowedKey { code: *code, symbol: *symbol, original, is_unread: false });
        }
        self.note_borrowed()?;
        let mut fresh = fresh.to_vec();
        fresh.sort_unstable();
        // A request for each run of keys: every program reads the layout anew after each.
        for run in fresh.chunk_by(|(one, _), (next, _)| one + 1 == *next) {
            let symbols: Vec<u32> = run.iter().flat_map(|(_, symbol)| [*symbol, *symbol]).collect();
            let count = u8::try_from(run.len()).expect("there are 248 keys");
            self.x.change_keyboard_mapping(count, run[0].0, 2, &symbols)?;
        }
        self.keyboard.outdate();
        self.sync()
    }

    /// Writes down where others find it which keys have a meaning for the moment only, in case that this program is killed: each by its
    /// code, how many symbols it had, and those.
    fn note_borrowed(&self) -> Result<(), Fault> {
        let mut noted: Vec<u32> = Vec::new();
        for key in &self.keyboard.borrowed {
            noted.extend([key.code.into(), key.original.len() as u32]);
            noted.extend(&key.original);
        }
        let name = self.atoms.TAPWRIGHT_BORROWED_KEYS;
        self.x.change_property32(PropMode::REPLACE, self.root, name, AtomEnum::CARDINAL, &noted)?;
        Ok(())
    }

    /// Gives all borrowed keys back.
    pub fn give_back_keys(&mut self) -> Result<(), Fault> {
        let borrowed = std::mem::take(&mut self.keyboard.borrowed);
        self.give_back(borrowed.into_iter().map(|key| (key.code, key.original)))
    }

    /// Gives back what a run that was killed has borrowed.
    pub(super) fn give_back_what_a_dead_run_borrowed(&mut self) -> Result<(), Fault> {
        const LENGTH_MAX: u32 = 8192;
        let name = self.atoms.TAPWRIGHT_BORROWED_KEYS;
        let noted = self.x.get_property(false, self.root, name, AtomEnum::CARDINAL, 0, LENGTH_MAX)?.reply()?;
        let noted: Vec<u32> = noted.value32().into_iter().flatten().collect();
        let keys = noted_keys(&noted, self.x.setup().min_keycode);
        if keys.is_empty() {
            return Ok(());
        }
        tracing::debug!(count = keys.len(), "gives back keys that an earlier run had borrowed");
        self.give_back(keys.into_iter())
    }

    fn give_back(&mut self, keys: impl Iterator<Item = (u8, Vec<u32>)>) -> Result<(), Fault> {
        for (code, mut original) in keys {
            if original.is_empty() {
                original.push(NO_SYMBOL);
            }
            let columns = u8::try_from(original.len()).unwrap_or(u8::MAX);
            self.x.change_keyboard_mapping(1, code, columns, &original[..columns.into()])?;
        }
        self.x.delete_property(self.root, self.atoms.TAPWRIGHT_BORROWED_KEYS)?;
        self.keyboard.outdate();
        self.sync()
    }

    /// The window that keys go to.
    pub fn focus(&self) -> Result<Window, Fault> {
        Ok(self.x.get_input_focus()?.reply()?.focus)
    }
}

/// Reads what `note_borrowed` wrote, as far as it can have written it: any program may write there.
fn noted_keys(noted: &[u32], first: u8) -> Vec<(u8, Vec<u32>)> {
    let (mut rest, mut keys) = (noted, Vec::new());
    while let [code, count, more @ ..] = rest {
        let (Ok(code), Some((symbols, more))) = (u8::try_from(*code), more.split_at_checked(*count as usize)) else {
            break;
        };
        if code < first {
            break;
        }
        keys.push((code, symbols.to_vec()));
        rest = more;
    }
    keys
}

fn no_spare() -> Fault {
    Fault::refused(
        "no key of this keyboard types that, and none is free to be borrowed for it; paste the text from the clipboard instead",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyboard of six keys with six symbols each.
    fn layout() -> Layout {
        let keys: [[u32; 6]; 6] = [
            [0x61, 0x41, 0x6c6, 0x6e6, 0xe6, 0xc6],
            [0x32, 0x40, 0x32, 0x22, 0, 0],
            [0; 6],
            [keysyms::LEVEL_3, 0, 0, 0, 0, 0],
            [0x1008_ff11, 0, 0, 0, 0, 0],
            [0; 6],
        ];
        Layout { first: 10, columns: 6, symbols: keys.concat(), modifiers: [13, 15].into() }
    }

    #[test]
    fn a_symbol_is_found_with_what_has_to_be_held() {
        let layout = layout();
        let at = |symbol, group| layout.position(symbol, group).map(|at| (at.code, at.shift, at.level_3));
        assert_eq!(at(0x61, 0), Some((10, false, false)));
        assert_eq!(at(0x41, 0), Some((10, true, false)));
        assert_eq!(at(0xc6, 0), Some((10, true, true)));
        assert_eq!(at(0x22, 0), None, "it is of the other group");
        assert_eq!(at(0x22, 1), Some((11, true, false)));
        assert_eq!(at(0x61, 1), None);
        assert_eq!(at(0x61, 3), None);
    }

    #[test]
    fn what_was_noted_is_read_as_far_as_it_makes_sense() {
        assert_eq!(noted_keys(&[9, 2, 0, 0, 200, 0, 250, 1, 7], 8), [(9, vec![0, 0]), (200, vec![]), (250, vec![7])]);
        for nonsense in [&[][..], &[9], &[9, 5, 0], &[3, 0], &[300, 0], &[9, u32::MAX]] {
            assert_eq!(noted_keys(nonsense, 8), [], "{nonsense:?}");
        }
    }

    #[test]
    fn only_keys_without_a_meaning_are_spare() {
        assert_eq!(layout().spare(false), [12]);
        assert_eq!(layout().spare(true), [12, 14]);
    }
}
